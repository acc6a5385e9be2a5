//! `koodtx-server status`.

use serde_json::json;

use crate::support::{Identity, Running, finish, program, push_body, run};

#[tokio::test]
async fn it_asks_a_running_server_and_opens_the_store_of_a_stopped_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let metrics_on = ("KOODTX_METRICS_LISTEN", "127.0.0.1:0");
    let mut server = Running::with(at, &[], &[metrics_on]);
    let account = json!({
        "username": "ann", "email": "ann@example.com", "password": "long enough", "device_id": "d",
    });
    let (_, ann) = server.call("/api/auth/register", None, &account).await;
    let token = ann["access_token"].as_str().unwrap();
    let (status, _) = server
        .call("/api/sync/push", Some(token), &push_body(1, 100))
        .await;
    assert_eq!(status, 200);

    let url = format!("http://{}", server.address);
    let (code, out, err) = run(at, &["status", "--url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    for part in [
        "asked the running server at http://",
        env!("CARGO_PKG_VERSION"),
        "store     sled, healthy",
        "ready     yes",
        "KOODTX_METRICS_LISTEN is off",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }

    let metrics = server.shown.lines().find_map(|line| {
        let line = line.trim().strip_prefix("metrics  http://")?;
        line.strip_suffix("/metrics")
    });
    let mut by_settings = program(at, &["status"]);
    by_settings
        .env("KOODTX_LISTEN", &server.address)
        .env("KOODTX_METRICS_LISTEN", metrics.unwrap());
    let (code, out, err) = finish(by_settings.output().unwrap());
    assert!(code == 0 && out.contains("uptime    "), "{out}{err}");
    assert!(out.contains("asked the running server"), "{out}");

    assert_eq!(server.stop(), 0);
    let mut stopped = program(at, &["status"]);
    stopped.env("KOODTX_LISTEN", &server.address);
    let (code, out, err) = finish(stopped.output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    for part in [
        "no server listens at http://",
        "opened the store sled:./koodtx-data itself",
        "users     1",
        "sessions  1",
        "samples   100",
        "tasks     none has run yet",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert_eq!(run(at, &["jobs", "run", "purge-logs"]).0, 0);
    let mut stopped = program(at, &["status"]);
    stopped.env("KOODTX_LISTEN", &server.address);
    let (_, out, _) = finish(stopped.output().unwrap());
    assert!(out.contains("purge-logs") && out.contains(" ok "), "{out}");

    let (code, out, err) = run(at, &["status", "--url", &url]);
    assert!(
        code == 1 && out.is_empty() && err.contains("--url"),
        "{out}{err}"
    );
}

#[test]
fn it_creates_no_store_and_takes_no_other_program_for_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"SSH-2.0-OpenSSH\r\n").unwrap();
    });
    let status = || {
        let mut status = program(at, &["status"]);
        status.env("KOODTX_LISTEN", &address);
        finish(status.output().unwrap())
    };
    let (code, out, err) = status();
    assert!(code == 1 && err.contains("KOODTX_LISTEN"), "{out}{err}");
    stranger.join().unwrap();
    let (code, out, err) = status();
    assert!(
        code == 1 && err.contains("there is no data at sled:./koodtx-data"),
        "{out}{err}"
    );
    assert!(!at.join("koodtx-data").exists());
}

#[test]
fn a_server_with_a_certificate_is_asked_by_tls_and_has_to_show_that_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (identity, other) = (Identity::new(), Identity::new());
    let (cert, key) = identity.write(at);
    let files = [
        ("KOODTX_TLS_CERT", cert.to_str().unwrap()),
        ("KOODTX_TLS_KEY", key.to_str().unwrap()),
    ];
    let mut server = Running::with(at, &["--store", "memory:"], &files);
    let url = format!("https://{}", server.address);
    let ask = |arguments: &[&str], listen: &str, is_tls: bool| {
        let mut asking = program(at, arguments);
        asking.env("KOODTX_LISTEN", listen);
        asking.env("KOODTX_STORE", "memory:");
        if is_tls {
            asking.envs(files);
        }
        finish(asking.output().unwrap())
    };
    let nowhere = "127.0.0.1:1";
    for (command, says) in [
        ("health", "\"healthy\""),
        ("status", "asked the running server at https://"),
    ] {
        for (arguments, listen) in [
            (vec![command], server.address.as_str()),
            (vec![command, "--url", &url], nowhere),
        ] {
            let (code, out, err) = ask(&arguments, listen, true);
            assert!(code == 0 && out.contains(says), "{arguments:?}: {out}{err}");
        }
        // Without the settings, nobody knows whom to trust.
        let (code, _, err) = ask(&[command, "--url", &url], nowhere, false);
        assert!(code == 1 && err.contains("KOODTX_TLS_CERT"), "{err}");
        // Plain HTTP is not what it speaks.
        let (code, _, err) = ask(&[command], &server.address, false);
        assert!(code == 1 && err.contains("plain HTTP"), "{err}");
    }
    // The files of another certificate, which the server does not have yet.
    other.write(at);
    for command in ["health", "status"] {
        let (code, _, err) = ask(&[command], &server.address, true);
        assert!(code == 1 && err.contains("SIGHUP"), "{err}");
    }
    server.signal("-HUP");
    let began = std::time::Instant::now();
    while ask(&["health"], &server.address, true).0 != 0 {
        assert!(
            began.elapsed().as_secs() < 30,
            "the new certificate is not shown"
        );
    }
    assert_eq!(server.stop(), 0);
}
