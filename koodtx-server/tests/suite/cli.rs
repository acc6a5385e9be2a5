//! The program, run as operators run it.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Running, finish, program, run};

#[test]
fn help_shows_commands_and_examples() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(folder.path(), &["--help"]);
    assert_eq!(code, 0);
    for word in [
        "serve",
        "migrate",
        "openapi",
        "user",
        "verify",
        "Examples:",
        "--store",
        "--listen",
    ] {
        assert!(out.contains(word), "{word}");
    }
    for command in [
        &["user", "--help"][..],
        &["user", "create", "--help"],
        &["migrate", "--help"],
    ] {
        assert_eq!(run(folder.path(), command).0, 0);
    }
    let (code, _, err) = run(folder.path(), &["--frobnicate"]);
    assert!(code == 2 && err.contains("--frobnicate"), "{err}");
}

#[test]
fn the_document_is_printed_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(folder.path(), &["openapi"]);
    assert_eq!(
        (code, out.as_str()),
        (0, koodtx_server::api::openapi_document().as_str())
    );
    let file = folder.path().join("x.json");
    std::fs::write(&file, &out).unwrap();
    assert_eq!(run(folder.path(), &["openapi", "--check", "x.json"]).0, 0);
    std::fs::write(&file, out.replacen("KooDTX", "KooDXT", 1)).unwrap();
    let (code, _, err) = run(folder.path(), &["openapi", "--check", "x.json"]);
    assert!(code == 1 && err.contains("not current"), "{err}");
    assert_eq!(
        run(folder.path(), &["openapi", "--check", "none.json"]).0,
        1
    );
}

#[test]
fn wrong_settings_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run(folder.path(), &["--listen", "nowhere"]);
    assert!(
        code == 1 && err.contains("KOODTX_LISTEN (from the command line)"),
        "{err}"
    );
    let (code, _, err) = run(folder.path(), &["--store", "oracle:x"]);
    assert!(
        code == 1 && err.contains("`oracle`") && err.contains("memory, postgres, postgresql, sled"),
        "{err}"
    );
    let mut other = program(folder.path(), &["migrate"]);
    let other = other.env("DATABASE_URL", "mysql://ann:hunter2@db/koodtx");
    let (code, _, err) = finish(other.output().unwrap());
    assert!(
        code == 1 && err.contains("DATABASE_URL") && err.contains("`mysql`"),
        "{err}"
    );
    assert!(!err.contains("hunter2"), "{err}");
    let mut misspelt = program(folder.path(), &["--store", "memory:", "migrate"]);
    let (code, _, err) = finish(misspelt.env("KOODTX_STROE", "x").output().unwrap());
    assert!(code == 0 && err.contains("KOODTX_STROE"), "{err}");
    std::fs::write(folder.path().join(".env"), "KOODTX_JWT_SECRET=short\n").unwrap();
    let (code, _, err) = run(folder.path(), &["--store", "memory:"]);
    assert!(
        code == 1 && err.contains("KOODTX_JWT_SECRET (from .env)"),
        "{err}"
    );
    assert!(err.contains("32"), "{err}");
}

#[tokio::test]
async fn with_no_arguments_it_serves_and_keeps_everything_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(folder.path(), &[]);
    assert!(
        server.shown.contains("/docs") && server.shown.contains("koodtx-data"),
        "{}",
        server.shown
    );
    let account = json!({
        "username": "ann", "email": "ann@example.com", "password": "long enough", "device_id": "d",
    });
    let (status, ann) = server.call("/api/auth/register", None, &account).await;
    assert_eq!(status, 201);
    let token = ann["access_token"].as_str().unwrap().to_owned();
    let push = crate::support::push_body(1, 100);
    assert_eq!(
        server.call("/api/sync/push", Some(&token), &push).await.0,
        200
    );

    // One process a folder: the second says so.
    let (code, _, err) = run(folder.path(), &["verify"]);
    assert!(code == 1 && err.contains("koodtx-data"), "{err}");

    assert_eq!(server.stop(), 0);
    let secret = folder
        .path()
        .join("koodtx-data")
        .join(koodtx_server::SECRET_FILE_NAME);
    assert!(secret.is_file());

    let (code, out, err) = run(folder.path(), &["verify"]);
    assert!(
        code == 0 && out.contains("1 sessions, 100 records, 0 problems"),
        "{out}{err}"
    );
    let (code, out, _) = run(folder.path(), &["migrate", "--status"]);
    assert!(
        code == 0 && out.contains("records   100") && out.contains("durable   yes"),
        "{out}"
    );

    // The same secret and the same data: the token is still good and the push is a repetition.
    let mut server = Running::start(folder.path(), &["serve"]);
    let (status, again) = server.call("/api/sync/push", Some(&token), &push).await;
    assert_eq!((status, &again["duplicates"]), (200, &json!(100)));
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_works_on_data_creates_none() {
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        &["verify"][..],
        &["user", "list"],
        &["user", "disable", "ann"],
        &["user", "enable", "ann"],
        &["user", "reset-password", "ann"],
        &["user", "delete", "ann", "--yes"],
    ];
    for command in commands {
        let (code, out, err) = run(folder.path(), command);
        assert!(
            code == 1 && err.contains("there is no data at sled:./koodtx-data"),
            "{command:?}: {out}{err}"
        );
        assert!(!folder.path().join("koodtx-data").exists(), "{command:?}");
    }
}

#[tokio::test]
async fn accounts_are_managed_while_no_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (code, out, _) = run(at, &["migrate", "--status"]);
    assert!(code == 0 && out.contains("not created yet"), "{out}");
    assert!(!at.join("koodtx-data").exists());
    assert_eq!(run(at, &["init-db"]).0, 0);

    let (code, out, err) = run(at, &["user", "create", "ann", "--email", "ann@example.com"]);
    assert_eq!(code, 0, "{err}");
    let password = out
        .lines()
        .find_map(|line| line.strip_prefix("password: "))
        .unwrap()
        .to_owned();
    let (code, _, err) = run(at, &["user", "create", "ANN", "--email", "x@example.com"]);
    assert!(code == 1 && err.contains("username"), "{err}");
    let (code, _, err) = run(at, &["user", "create", "bob", "--email", "nonsense"]);
    assert!(code == 1 && err.contains("email"), "{err}");
    let (code, _, err) = run(at, &["user", "disable", "nobody"]);
    assert!(code == 1 && err.contains("nobody"), "{err}");

    let login = async |password: &str| {
        let mut server = Running::start(at, &[]);
        let body = json!({ "username": "ann", "password": password });
        let (status, _) = server.call("/api/auth/login", None, &body).await;
        assert_eq!(server.stop(), 0);
        status
    };
    assert_eq!(login(&password).await, 200);
    assert_eq!(run(at, &["user", "disable", "ann"]).0, 0);
    let (_, out, _) = run(at, &["user", "list"]);
    assert!(
        out.contains("disabled") && out.contains("ann@example.com"),
        "{out}"
    );
    assert_eq!(login(&password).await, 403);
    assert_eq!(run(at, &["user", "enable", "ann"]).0, 0);

    let mut reset = program(at, &["user", "reset-password", "ann", "--password-stdin"]);
    let mut reset = reset.stdin(Stdio::piped()).spawn().unwrap();
    reset
        .stdin
        .take()
        .unwrap()
        .write_all(b"typed-by-hand-1\n")
        .unwrap();
    let (code, out, err) = finish(reset.wait_with_output().unwrap());
    assert!(code == 0 && !out.contains("typed-by-hand-1"), "{out}{err}");
    assert_eq!(login(&password).await, 401);
    assert_eq!(login("typed-by-hand-1").await, 200);
}

#[tokio::test]
async fn an_account_is_deleted_only_where_somebody_confirms_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let create = ["user", "create", "ann", "--email", "ann@example.com"];
    assert_eq!(run(at, &create).0, 0);
    let (code, _, err) = run(at, &["user", "delete", "nobody", "--yes"]);
    assert!(code == 1 && err.contains("nobody"), "{err}");
    let (code, _, err) = run(at, &["user", "delete", "ann"]);
    assert!(code == 1 && err.contains("--yes"), "{err}");
    let (_, out, _) = run(at, &["user", "list"]);
    assert!(out.contains("ann@example.com"), "{out}");

    let (code, out, err) = run(at, &["user", "export", "ann", "ann.zip"]);
    assert!(code == 0 && out.contains("ann.zip"), "{out}{err}");
    let file = std::fs::File::open(at.join("ann.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    assert!(archive.by_name("summary.json").is_ok());
    let (code, _, err) = run(at, &["user", "export", "ann", "ann.zip"]);
    assert!(code == 1 && err.contains("ann.zip"), "{err}");

    let (code, out, err) = run(at, &["user", "delete", "ANN", "--yes"]);
    assert!(code == 0 && out.contains("deleted user ann"), "{out}{err}");
    let (_, out, _) = run(at, &["user", "list"]);
    assert!(!out.contains("ann"), "{out}");
    let (code, _, err) = run(at, &create);
    assert!(code == 1 && err.contains("username"), "{err}");
}

#[tokio::test]
async fn the_log_holds_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(folder.path(), &["--store", "memory:"]);
    let account = json!({
        "username": "ann", "email": "ann@example.com", "password": "s3cr3t phrase", "device_id": "d",
    });
    let (_, ann) = server.call("/api/auth/register", None, &account).await;
    let token = ann["access_token"].as_str().unwrap().to_owned();
    server
        .call(
            "/api/auth/login",
            None,
            &json!({ "username": "ann", "password": "wr0ng" }),
        )
        .await;
    server
        .call(
            "/api/sync/push",
            Some(&token),
            &json!({ "session": "body text" }),
        )
        .await;
    assert_eq!(server.stop(), 0);
    let log = server.log();
    assert!(
        log.contains("route=\"/api/sync/push\"") && log.contains("status=400"),
        "{log}"
    );
    for secret in ["s3cr3t", "wr0ng", &token, "body text", "ann@example.com"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_reason_to_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = program(folder.path(), &["jobs", "list"]).spawn().unwrap();
    drop(child.stdout.take());
    let (status, _, errors) = finish(child.wait_with_output().unwrap());
    assert_eq!((status, errors.as_str()), (0, ""));
}
