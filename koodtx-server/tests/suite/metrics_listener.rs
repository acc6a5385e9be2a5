//! Where metrics are read.

use koodtx_server::{Config, Server, Sources};

use crate::support::{Exposition, TestServer};

const ON: (&str, &str) = ("KOODTX_METRICS_LISTEN", "127.0.0.1:0");

#[tokio::test]
async fn metrics_are_off_unless_asked_for_and_never_part_of_the_api() {
    let server = TestServer::start().await;
    assert_eq!(server.metrics, None);
    assert_eq!(server.get("/metrics").send().await.status, 404);
    let server = TestServer::with(&[ON]).await;
    assert_eq!(server.get("/metrics").send().await.status, 404);
}

#[tokio::test]
async fn there_is_nothing_else_there() {
    let server = TestServer::with(&[ON]).await;
    let place = server.metrics.unwrap();
    for path in ["/", "/health", "/docs", "/metrics/", "/api/auth/me"] {
        let url = format!("http://{place}{path}");
        let status = server.http.get(&url).send().await.unwrap().status();
        assert_eq!(status, 404, "{path}");
    }
    let url = format!("http://{place}/metrics");
    let posted = server.http.post(&url).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    assert!(Exposition::of(&server).await.names().len() > 20);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_with_its_setting() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let variables = [
        ("KOODTX_STORE".to_owned(), "memory:".to_owned()),
        ("KOODTX_METRICS_LISTEN".to_owned(), address.clone()),
    ];
    let config = Config::read(&Sources::new().environment(variables)).unwrap();
    let error = Server::builder().config(config).build().await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("KOODTX_METRICS_LISTEN: ") && message.contains(&address),
        "{message}"
    );
}

#[test]
fn settings_that_are_wrong_are_named() {
    for (name, value) in [
        ("KOODTX_METRICS_LISTEN", "localhost"),
        ("KOODTX_DRAIN_SECONDS", "301"),
        ("KOODTX_DRAIN_SECONDS", "soon"),
    ] {
        let sources = Sources::new().environment([(name.to_owned(), value.to_owned())]);
        let message = Config::read(&sources).unwrap_err().to_string();
        assert!(
            message.starts_with(name) && !message.contains(value),
            "{message}"
        );
    }
}
