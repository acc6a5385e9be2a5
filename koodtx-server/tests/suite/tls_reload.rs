//! How the certificate is renewed.

use std::time::{Duration, Instant};

use crate::support::{Identity, Running, TlsClient, start_tls as start};

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let (old, new) = (Identity::new(), Identity::new());
    let folder = tempfile::tempdir().unwrap();
    let server = start(&old, folder.path()).await;
    let (of_old, of_new) = (TlsClient::trusting(&old), TlsClient::trusting(&new));
    let mut open = of_old.connect(server.address).await.unwrap();
    assert!(open.get("/health").await.0.starts_with("http/1.1 200"));
    assert!(of_new.connect(server.address).await.is_err());

    new.write(folder.path());
    server.reload.run().unwrap();
    assert!(of_old.connect(server.address).await.is_err());
    let mut fresh = of_new.connect(server.address).await.unwrap();
    for connection in [&mut open, &mut fresh] {
        assert!(
            connection
                .get("/health")
                .await
                .0
                .starts_with("http/1.1 200")
        );
    }
}

#[tokio::test]
async fn a_broken_file_keeps_the_certificate_that_there_is() {
    let (old, new) = (Identity::new(), Identity::new());
    let folder = tempfile::tempdir().unwrap();
    let server = start(&old, folder.path()).await;
    let (cert, key) = new.write(folder.path());
    let half = &new.cert_pem[..new.cert_pem.len() / 2];
    let cases = [
        (&cert, "", "KOODTX_TLS_CERT"),
        (&cert, half, "KOODTX_TLS_CERT"),
        (&cert, &old.cert_pem, "KOODTX_TLS_KEY"),
        (&key, "no key at all", "KOODTX_TLS_KEY"),
        (&key, &new.cert_pem, "KOODTX_TLS_KEY"),
    ];
    for (file, text, setting) in cases {
        new.write(folder.path());
        std::fs::write(file, text).unwrap();
        let message = server.reload.run().unwrap_err().to_string();
        let place = format!(
            "{setting} ({}): ",
            if setting == "KOODTX_TLS_CERT" {
                &cert
            } else {
                &key
            }
            .display()
        );
        assert!(message.starts_with(&place), "{message}");
        let client = TlsClient::trusting(&old);
        let mut connection = client.connect(server.address).await.unwrap();
        assert!(
            connection
                .get("/health")
                .await
                .0
                .starts_with("http/1.1 200")
        );
    }
    std::fs::remove_file(&key).unwrap();
    assert!(server.reload.run().is_err());
    new.write(folder.path());
    server.reload.run().unwrap();
    TlsClient::trusting(&new)
        .connect(server.address)
        .await
        .unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_program_reads_its_certificate_again_at_sighup() {
    let (old, new) = (Identity::new(), Identity::new());
    let folder = tempfile::tempdir().unwrap();
    old.write(folder.path());
    let files = [
        ("KOODTX_TLS_CERT", "cert.pem"),
        ("KOODTX_TLS_KEY", "key.pem"),
    ];
    let mut server = Running::with(folder.path(), &["--store", "memory:"], &files);
    assert!(
        server.shown.contains("API   https://127.0.0.1:"),
        "{}",
        server.shown
    );
    let address = server.address.parse().unwrap();
    let (of_old, of_new) = (TlsClient::trusting(&old), TlsClient::trusting(&new));
    let mut open = of_old.connect(address).await.unwrap();

    std::fs::write(folder.path().join("cert.pem"), "broken").unwrap();
    server.signal("-HUP");
    // The log tells at the end whether this one was noticed.
    tokio::time::sleep(Duration::from_millis(500)).await;
    of_old.connect(address).await.unwrap();

    new.write(folder.path());
    server.signal("-HUP");
    let began = Instant::now();
    while of_new.connect(address).await.is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the new certificate is not shown"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(open.get("/health").await.0.starts_with("http/1.1 200"));
    drop(open);
    assert_eq!(server.stop(), 0);
    let log = server.log();
    assert!(
        log.contains("ERROR") && log.contains("KOODTX_TLS_CERT (cert.pem)"),
        "{log}"
    );
    assert_eq!(log.matches("reloaded").count(), 2, "{log}");
}
