//! TLS: who may speak it, and what stalled clients cost.

use std::time::{Duration, Instant};

use koodtx_server::{Config, Server, Sources};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::support::{Identity, TlsClient, exchange, start_tls as start};

/// As in the server, with some room.
const HANDSHAKE_TIMEOUT_SECONDS: u64 = 10;
const STALLED_COUNT: usize = 200;

#[tokio::test]
async fn it_speaks_http_1_1_over_tls_1_2_and_1_3() {
    let (identity, folder) = (Identity::new(), tempfile::tempdir().unwrap());
    let server = start(&identity, folder.path()).await;
    for version in [&TLS12, &TLS13] {
        let client = TlsClient::speaking(&identity, &[version]).offering(&[b"h2", b"http/1.1"]);
        let mut connection = client.connect(server.address).await.unwrap();
        let session = connection.0.get_ref().1;
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        for path in ["/health", "/nowhere"] {
            let (head, body) = connection.get(path).await;
            assert!(
                head.contains("strict-transport-security: max-age=31536000\r\n"),
                "{head}"
            );
            assert!(
                body.contains("healthy") || body.contains("route_not_found"),
                "{body}"
            );
        }
    }
    let h2_only = TlsClient::trusting(&identity).offering(&[b"h2"]);
    assert!(h2_only.connect(server.address).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn plain_http_gets_no_answer_and_does_no_harm() {
    let (identity, folder) = (Identity::new(), tempfile::tempdir().unwrap());
    let server = start(&identity, folder.path()).await;
    let plain = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for request in [&plain[..], b"\x16\x03\x01\xff\xff", b"\0", b""] {
        let patience = Duration::from_millis(300);
        let answer = exchange(server.address, request, patience).await;
        assert!(
            !answer.contains("HTTP") && !answer.contains("healthy"),
            "{answer}"
        );
    }
    let client = TlsClient::trusting(&identity);
    let mut connection = client.connect(server.address).await.unwrap();
    assert!(
        connection
            .get("/health")
            .await
            .0
            .starts_with("http/1.1 200")
    );
}

#[tokio::test]
async fn stalled_handshakes_stop_nobody_and_are_given_up() {
    let (identity, folder) = (Identity::new(), tempfile::tempdir().unwrap());
    let server = start(&identity, folder.path()).await;
    let began = Instant::now();
    let mut stalled = Vec::new();
    for number in 0..STALLED_COUNT {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // Half of them begin a handshake and stop in the middle of the first record.
        if number % 2 == 0 {
            stream
                .write_all(b"\x16\x03\x01\x02\x00\x01\x00")
                .await
                .unwrap();
        }
        stalled.push(stream);
    }
    let client = TlsClient::trusting(&identity);
    let mut connection = client.connect(server.address).await.unwrap();
    assert!(
        connection
            .get("/health")
            .await
            .0
            .starts_with("http/1.1 200")
    );
    assert!(began.elapsed() < Duration::from_secs(HANDSHAKE_TIMEOUT_SECONDS / 2));

    for mut stream in stalled {
        let limit = Duration::from_secs(2 * HANDSHAKE_TIMEOUT_SECONDS);
        let end = timeout(limit, stream.read_to_end(&mut Vec::new())).await;
        assert!(end.is_ok(), "a stalled handshake keeps its connection");
    }
    assert!(
        connection
            .get("/health")
            .await
            .0
            .starts_with("http/1.1 200")
    );
}

#[tokio::test]
async fn a_stalled_handshake_does_not_delay_the_end() {
    let (identity, folder) = (Identity::new(), tempfile::tempdir().unwrap());
    let server = start(&identity, folder.path()).await;
    let _stalled = TcpStream::connect(server.address).await.unwrap();
    let client = TlsClient::trusting(&identity);
    let mut connection = client.connect(server.address).await.unwrap();
    assert!(
        connection
            .get("/health")
            .await
            .0
            .starts_with("http/1.1 200")
    );
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(HANDSHAKE_TIMEOUT_SECONDS / 2));
}

#[tokio::test]
async fn a_server_that_cannot_speak_tls_does_not_start_and_says_which_setting_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (identity, other) = (Identity::new(), Identity::new());
    let (cert, key) = identity.write(folder.path());
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let config = |variables: &[(&str, &str)]| {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Config::read(&Sources::new().environment(owned))
    };
    for (one, missing) in [
        (("KOODTX_TLS_CERT", cert), "KOODTX_TLS_KEY"),
        (("KOODTX_TLS_KEY", key), "KOODTX_TLS_CERT"),
    ] {
        let message = config(&[one]).unwrap_err().to_string();
        let place = format!("{} (from the environment): ", one.0);
        assert!(
            message.starts_with(&place) && message.contains(missing),
            "{message}"
        );
    }

    let start = async |cert: &str, key: &str| {
        let variables = [
            ("KOODTX_STORE", "memory:"),
            ("KOODTX_TLS_CERT", cert),
            ("KOODTX_TLS_KEY", key),
        ];
        let server = Server::builder().config(config(&variables).unwrap());
        server
            .build()
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    start(cert, key).await.unwrap();
    let message = start("/nowhere/cert.pem", key).await.unwrap_err();
    assert!(
        message.starts_with("KOODTX_TLS_CERT (/nowhere/cert.pem): "),
        "{message}"
    );
    let message = start(cert, cert).await.unwrap_err();
    assert!(
        message.starts_with("KOODTX_TLS_KEY") && message.contains("PRIVATE KEY"),
        "{message}"
    );
    let message = start(key, key).await.unwrap_err();
    assert!(
        message.starts_with("KOODTX_TLS_CERT") && message.contains("CERTIFICATE"),
        "{message}"
    );
    std::fs::write(key, &other.key_pem).unwrap();
    let message = start(cert, key).await.unwrap_err();
    assert!(
        message.starts_with("KOODTX_TLS_KEY") && message.contains("KOODTX_TLS_CERT"),
        "{message}"
    );
    let message = start("/dev/zero", key).await.unwrap_err();
    assert!(message.contains("larger than"), "{message}");
}
