//! The load generator against a server in this process.

use std::sync::Arc;

use clap::Parser;
use koodtx_bench::load::{self, Form, LoadError, LoadOptions, Mode, Report};
use koodtx_core::memory::MemoryStore;
use koodtx_core::store::MaintenanceStore;
use koodtx_server::{Config, Server, Sources};
use tokio::net::TcpListener;

/// Largest push that the server takes: about 900 samples.
const BODY_MAX_BYTES: usize = 100_000;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    load: LoadOptions,
}

/// Options as an operator gives them.
fn options(arguments: &[&str]) -> LoadOptions {
    CommandLine::try_parse_from([&["load"], arguments].concat())
        .unwrap()
        .load
}

/// Starts a server; returns its URL. It ends with the runtime of the test.
async fn serve(store: Arc<MemoryStore>) -> String {
    let settings = [
        (
            "KOODTX_JWT_SECRET",
            "a secret of the tests, which is long enough".to_owned(),
        ),
        ("KOODTX_RATE_LIMIT", "off".to_owned()),
        ("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "off".to_owned()),
        ("KOODTX_MAX_BODY_BYTES", BODY_MAX_BYTES.to_string()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let config = Config::read(&Sources::new().environment(settings)).unwrap();
    let server = Server::builder()
        .config(config)
        .store(store)
        .build()
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server.run(listener, std::future::pending()));
    url
}

fn assert_clean(report: &Report) {
    assert_eq!(report.errors, 0, "{report:?}");
    assert_eq!(
        (report.unexpected_counts, report.refused),
        (0, 0),
        "{report:?}"
    );
    assert!(report.pushes > 0, "{report:?}");
    assert_eq!(report.samples, report.pushes * report.batch as u64);
    assert!(
        report.p50_ms > 0.0 && report.p50_ms <= report.p95_ms && report.p95_ms <= report.p99_ms
    );
    assert!(report.p99_ms <= report.max_ms);
    assert!(report.samples_per_second > 0.0 && report.megabytes_per_second > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_does_what_it_says() {
    let store = Arc::new(MemoryStore::new());
    let url = serve(store.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let pid = std::process::id().to_string();
    let mut stored = 0;
    for mode in [Mode::Fresh, Mode::Retry, Mode::Conflict] {
        let mut options = options(&[
            "--url",
            &url,
            "--batch",
            "200",
            "--seconds",
            "1",
            "--connections",
            "2",
            "--session-samples",
            "1000",
            "--data-dir",
            folder.path().to_str().unwrap(),
        ]);
        options.mode = mode;
        options.server_pid = cfg!(target_os = "linux").then(|| pid.parse().unwrap());
        let before = store.usage().await.unwrap();
        let report = load::run(&options).await.unwrap();
        assert_clean(&report);
        let by_mode = match mode {
            Mode::Fresh => report.inserted,
            Mode::Retry => report.duplicates,
            Mode::Conflict => report.updated,
        };
        assert_eq!(by_mode, report.samples, "{report:?}");
        let after = store.usage().await.unwrap();
        assert_eq!(after.users - before.users, 2);
        if mode == Mode::Fresh {
            assert_eq!(after.records, report.inserted);
            // Five pushes a session, the last of each connection cut short by the deadline.
            let full = after.sessions.saturating_sub(2);
            assert!(full * 1_000 <= report.inserted && report.inserted <= after.sessions * 1_000);
        } else {
            assert!(after.records > stored);
        }
        stored = after.records;

        let line = report.to_line().unwrap();
        assert!(!line.contains('\n'));
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["samples"], report.samples);
        if cfg!(target_os = "linux") {
            assert!(report.server_rss_mib.unwrap() > 0.0);
            assert!(
                report.server_cpu_seconds_per_million.unwrap() > 0.0,
                "{report:?}"
            );
        }
        assert_eq!(
            report.disk_bytes_per_sample,
            (mode == Mode::Fresh).then_some(0.0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_columnar_form_is_counted_alike() {
    let url = serve(Arc::new(MemoryStore::new())).await;
    let mut options = options(&["--url", &url, "--batch", "200", "--seconds", "1"]);
    let documented = load::run(&options).await.unwrap();
    assert_eq!(documented.form, "records");
    options.form = Form::Columns;
    for mode in [Mode::Fresh, Mode::Retry, Mode::Conflict] {
        options.mode = mode;
        let report = load::run(&options).await.unwrap();
        assert_clean(&report);
        assert_eq!(report.form, "columns");
        let sample_bytes =
            |report: &Report| report.megabytes_per_second / report.samples_per_second;
        assert!(sample_bytes(&report) < sample_bytes(&documented) / 2.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_ones_own_serves_all_connections() {
    let store = Arc::new(MemoryStore::new());
    let url = serve(store.clone()).await;
    let account = serde_json::json!({
        "username": "ada", "email": "ada@example.com", "password": "correct horse", "device_id": "phone",
    });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http
        .post(format!("{url}/api/auth/register"))
        .json(&account)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);

    let arguments = [
        "--url",
        &url,
        "--batch",
        "50",
        "--seconds",
        "1",
        "--username",
        "ada",
    ];
    let good = [
        &arguments[..],
        &["--password", "correct horse", "--connections", "3"],
    ]
    .concat();
    let report = load::run(&options(&good)).await.unwrap();
    assert_clean(&report);
    assert_eq!(report.users, 1);
    assert_eq!(store.usage().await.unwrap().users, 1);

    let wrong = [&arguments[..], &["--password", "battery staple"]].concat();
    let error = load::run(&options(&wrong)).await.unwrap_err();
    assert!(
        matches!(error, LoadError::Refused { status: 401, .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_fail_are_counted_by_kind() {
    let url = serve(Arc::new(MemoryStore::new())).await;
    let mut options = options(&[
        "--url",
        &url,
        "--batch",
        "300",
        "--seconds",
        "1",
        "--connections",
        "1",
    ]);
    let report = load::run(&options).await.unwrap();
    assert_clean(&report);
    // Above the limit of the server: every push is refused, and none breaks the run.
    options.batch = 2_000;
    let report = load::run(&options).await.unwrap();
    assert_eq!((report.pushes, report.samples), (0, 0));
    assert_eq!(report.errors_by_kind.values().sum::<u64>(), report.errors);
    assert!(
        report.errors > 0 && report.first_error.is_some(),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_run_that_cannot_begin_says_why() {
    // Nothing listens on a port that was just given back.
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = load::run(&options(&["--url", &format!("http://127.0.0.1:{port}")]))
        .await
        .unwrap_err();
    assert!(matches!(error, LoadError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("--url"), "{error}");

    let error = load::run(&options(&["--url", "https://127.0.0.1"]))
        .await
        .unwrap_err();
    assert!(matches!(error, LoadError::Options(_)), "{error}");
}

#[test]
fn wrong_options_are_refused() {
    for wrong in [
        &["--connections", "0"][..],
        &["--batch", "0"],
        &["--batch", "1000001"],
        &["--seconds", "0"],
        &["--mode", "other"],
        &["--users", "2", "--username", "ada", "--password", "x"],
    ] {
        assert!(
            CommandLine::try_parse_from([&["load"], wrong].concat()).is_err(),
            "{wrong:?}"
        );
    }
}
