//! What the server counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{Store, StoreErrorKind};
use serde_json::json;

use crate::support::{
    Account, Exposition, FaultyStore, TestServer, Trouble, compressed, push_body, session_id,
};

const ON: (&str, &str) = ("KOODTX_METRICS_LISTEN", "127.0.0.1:0");
const PATIENCE: Duration = Duration::from_secs(30);

async fn push(server: &TestServer, account: &Account, session: u32, count: i64) -> usize {
    let body = push_body(session, count);
    let reply = server.post("/api/sync/push").by(account).json(&body);
    reply.send().await.ok();
    body.to_string().len()
}

#[tokio::test]
async fn requests_samples_and_bytes_are_counted() {
    let server = TestServer::with(&[ON]).await;
    let ann = server.register("ann").await;
    let before = Exposition::of(&server).await;
    let mut bytes = push(&server, &ann, 1, 100).await;
    bytes += push(&server, &ann, 1, 100).await;
    let mut mixed = push_body(1, 101);
    mixed["sensor_data"][0]["data"]["x"] = json!(77.5);
    mixed["sensor_data"][1]["timestamp"] = json!("soon");
    let text = mixed.to_string();
    let small = compressed("gzip", text.as_bytes()).await;
    let wire_bytes = bytes + small.len();
    let reply = server.post("/api/sync/push").by(&ann);
    let reply = reply.header("content-encoding", "gzip").raw(small).send();
    reply.await.ok();

    let after = Exposition::of(&server).await;
    let grown = |sample: &str| after.value(sample) - before.find(sample).unwrap_or(0.0);
    let samples = |outcome: &str| grown(&format!("koodtx_samples_total{{outcome=\"{outcome}\"}}"));
    assert_eq!(samples("inserted"), 101.0);
    assert_eq!(samples("duplicate"), 198.0);
    assert_eq!(samples("updated"), 1.0);
    assert_eq!(samples("refused"), 1.0);
    assert_eq!(grown("koodtx_http_request_bytes_total"), wire_bytes as f64);
    let decoded = (bytes + text.len()) as f64;
    assert_eq!(grown("koodtx_http_request_decoded_bytes_total"), decoded);
    assert!(grown("koodtx_http_response_bytes_total") > 100.0);
    let route = "route=\"/api/sync/push\",method=\"POST\"";
    let answered = format!("koodtx_http_requests_total{{{route},status=\"200\"}}");
    assert_eq!(after.value(&answered), 3.0);
    let timed = format!("koodtx_http_request_duration_seconds_count{{{route}}}");
    assert_eq!(after.value(&timed), 3.0);
    let pushes = "koodtx_store_operation_duration_seconds_count{operation=\"push\"}";
    assert_eq!(after.value(pushes), 3.0);
    assert!(after.value("koodtx_http_connections") >= 1.0);
    assert!(after.value("koodtx_uptime_seconds") > 0.0);
    assert_eq!(after.value("koodtx_body_memory_bytes{kind=\"push\"}"), 0.0);
    assert_eq!(after.count("koodtx_build_info{version="), 1);
    assert!(after.text().contains("role=\"server\""));
    assert_eq!(after.value("koodtx_http_requests_abandoned_total"), 0.0);
}

#[tokio::test]
async fn nothing_that_a_client_makes_up_becomes_a_series() {
    let server = TestServer::with(&[ON]).await;
    let ann = server.register("ann").await;
    for session in 1..=5 {
        let path = format!("/api/sessions/{}", session_id(session));
        server.get(&path).by(&ann).send().await;
        server.get(&format!("/made-up-{session}")).send().await;
        let url = format!("http://{}/health", server.address);
        let method = format!("MADEUP{session}").parse().unwrap();
        server.http.request(method, url).send().await.unwrap();
    }
    let scrape = Exposition::of(&server).await;
    let sessions = "koodtx_http_requests_total{route=\"/api/sessions/{session_id}\",";
    assert_eq!(scrape.count(sessions), 1, "{}", scrape.text());
    let none = "koodtx_http_requests_total{route=\"(none)\",method=\"GET\",status=\"404\"}";
    assert_eq!(scrape.value(none), 5.0);
    assert!(!scrape.text().contains("ade-up") && !scrape.text().contains("MADEUP"));
    assert!(scrape.text().contains("method=\"OTHER\""));
    let errors = |code: &str| scrape.value(&format!("koodtx_http_errors_total{{code=\"{code}\"}}"));
    assert_eq!(errors("route_not_found"), 5.0);
    assert_eq!(errors("session_not_found"), 5.0);
    assert_eq!(errors("method_not_allowed"), 5.0);
}

#[tokio::test]
async fn failed_logins_and_shed_requests_are_counted() {
    let server = TestServer::with(&[ON, ("KOODTX_RATE_LIMIT", "3")]).await;
    for _ in 0..5 {
        let body = json!({ "username": "nobody", "password": "wrong one" });
        server.post("/api/auth/login").json(&body).send().await;
    }
    let scrape = Exposition::of(&server).await;
    assert_eq!(scrape.value("koodtx_failed_logins_total"), 3.0);
    let shed = |labels: &str| scrape.value(&format!("koodtx_http_requests_shed_total{{{labels}}}"));
    assert_eq!(shed("code=\"rate_limited\",reason=\"attempts\""), 2.0);
    assert_eq!(shed("code=\"overloaded\",reason=\"body_memory\""), 0.0);
}

#[tokio::test]
async fn failures_of_the_store_are_counted_by_kind() {
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::on(store.clone(), &[ON]).await;
    let ann = server.register("ann").await;
    store.set(Trouble::Fails(StoreErrorKind::Unavailable));
    let body = push_body(1, 1);
    let reply = server.post("/api/sync/push").by(&ann).json(&body).send();
    assert_eq!(reply.await.status, 503);
    let scrape = Exposition::of(&server).await;
    let failed = "koodtx_store_errors_total{operation=\"push\",kind=\"unavailable\"}";
    assert_eq!(scrape.value(failed), 1.0);
    let pushed = "koodtx_samples_total{outcome=\"inserted\"}";
    assert_eq!(scrape.value(pushed), 0.0);
}

#[tokio::test]
async fn the_holdings_of_the_store_and_jobs_are_shown() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let earlier = TestServer::on(store.clone(), &[]).await;
    let ann = earlier.register("ann").await;
    push(&earlier, &ann, 1, 50).await;
    earlier.stop().await;

    let server = TestServer::on(store, &[ON]).await;
    let mut ended = push_body(2, 10);
    ended["session"]["end_time"] = json!("2025-11-13T01:00:00Z");
    let reply = server.post("/api/sync/push").by(&ann).json(&ended);
    reply.send().await.ok();
    let done = "koodtx_job_attempts_total{task=\"analyse\",outcome=\"succeeded\"}";
    let began = Instant::now();
    let scrape = loop {
        let scrape = Exposition::of(&server).await;
        let is_seen = scrape.value("koodtx_store_refreshed_timestamp_seconds") > 0.0;
        if is_seen && scrape.find(done) == Some(1.0) {
            break scrape;
        }
        assert!(began.elapsed() < PATIENCE, "{}", scrape.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(scrape.value("koodtx_store_users"), 1.0);
    // Added up when the server started, or after the push.
    assert!(scrape.value("koodtx_store_sessions") >= 1.0);
    assert!(scrape.value("koodtx_store_samples") >= 50.0);
    let timed = "koodtx_job_duration_seconds_count{task=\"analyse\"}";
    assert_eq!(scrape.value(timed), 1.0);
    assert!(scrape.find("koodtx_jobs_queue_depth").is_some());
}

#[tokio::test]
async fn a_request_that_its_client_gave_up_is_no_longer_in_flight() {
    let server = TestServer::with(&[ON]).await;
    let ann = server.register("ann").await;
    let head = format!(
        "POST /api/sync/push HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         authorization: Bearer {}\r\ncontent-length: 1000\r\n\r\n{{\"ses",
        ann.access
    );
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes())
        .await
        .unwrap();
    let in_flight = "koodtx_http_requests_in_flight";
    let busy = Exposition::until(&server, in_flight, 1.0).await;
    assert!(busy.value("koodtx_body_memory_bytes{kind=\"push\"}") > 0.0);
    drop(stream);
    let idle = Exposition::until(&server, in_flight, 0.0).await;
    assert_eq!(idle.value("koodtx_body_memory_bytes{kind=\"push\"}"), 0.0);
}
