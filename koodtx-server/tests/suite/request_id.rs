//! The name of a request: in its answer and in its lines of log.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Running, TestServer};

#[tokio::test]
async fn every_answer_names_its_request() {
    let server = TestServer::start().await;
    let mut seen = BTreeSet::new();
    for path in ["/health", "/api/auth/me", "/health"] {
        let mine = server.get(path).header("x-request-id", "Phone-7_a.b");
        assert_eq!(mine.send().await.headers["x-request-id"], "Phone-7_a.b");
        let generated = server.get(path).send().await;
        let id = generated.headers["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
        assert!(seen.insert(id));
    }
    let url = format!("http://{}/nowhere", server.address);
    let lost = server.http.put(url).header("x-request-id", "lost").send();
    assert_eq!(lost.await.unwrap().headers()["x-request-id"], "lost");
    for wrong in ["a b", "a\"b", "{}", &"x".repeat(65)] {
        let reply = server
            .get("/health")
            .header("x-request-id", wrong)
            .send()
            .await;
        assert_ne!(reply.headers["x-request-id"], wrong);
    }
}

/// What the program logs while a refresh token is used twice, with that filter.
async fn log_of_a_reuse(filter: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("RUST_LOG", filter), ("KOODTX_LOG_FORMAT", "json")];
    let mut server = Running::with(folder.path(), &["--store", "memory:"], &variables);
    let account = json!({
        "username": "ann", "email": "ann@example.com", "password": "long enough", "device_id": "d",
    });
    let (_, ann) = server.call("/api/auth/register", None, &account).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for id in ["first", "second"] {
        let request = client
            .post(format!("http://{}/api/auth/refresh", server.address))
            .bearer_auth(ann["refresh_token"].as_str().unwrap())
            .header("x-request-id", id);
        request.send().await.unwrap();
    }
    assert_eq!(server.stop(), 0);
    let log = server.log();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn every_line_of_a_request_names_it() {
    let lines = log_of_a_reuse("info").await;
    let access: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "koodtx_server::access")
        .collect();
    let id = |line: &Value| {
        line["span"]["request_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(access.len(), 3);
    assert_eq!(
        (id(access[1]), id(access[2])),
        ("first".to_owned(), "second".to_owned())
    );
    assert_eq!(id(access[0]).len(), 32);

    // However little is logged, the id is there.
    for filter in ["warn", "koodtx_server=warn"] {
        let lines = log_of_a_reuse(filter).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(
            (&lines[0]["level"], id(&lines[0])),
            (&json!("WARN"), "second".to_owned())
        );
    }
}
