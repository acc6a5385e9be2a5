//! Whether requests should come here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use koodtx_core::store::StoreErrorKind;
use koodtx_store_postgres::testing::TestCluster;
use serde_json::Value;

use crate::support::{FaultyStore, TestServer, Trouble};

const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until the answer is that one: what the store says is good for a second.
async fn eventually(server: &TestServer, status: u16, code: &str) {
    let began = Instant::now();
    loop {
        let reply = server.get("/ready").send().await;
        if reply.status == status && reply.json["code"].as_str().unwrap_or_default() == code {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{}", reply.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_server_is_ready_while_its_store_answers() {
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::on(store.clone(), &[]).await;
    let ready = server.get("/ready").send().await.ok();
    assert_eq!(ready["status"], "ready");
    store.set(Trouble::Fails(StoreErrorKind::Unavailable));
    eventually(&server, 503, "store_unavailable").await;
    store.set(Trouble::None);
    eventually(&server, 200, "").await;
}

#[tokio::test]
async fn a_part_of_an_import_is_not_served() {
    let server = TestServer::start().await;
    server.store.begin_import("a secret place").await.unwrap();
    eventually(&server, 503, "import_unfinished").await;
    let reply = server.get("/ready").send().await;
    assert!(!reply.text.contains("secret place"), "{}", reply.text);
    assert_eq!(server.get("/health").send().await.status, 200);
    server.store.finish_import().await.unwrap();
    eventually(&server, 200, "").await;
}

#[tokio::test]
async fn a_schema_of_another_release_is_not_worked_on() {
    let database = TestCluster::shared().database().await;
    let url = database.url();
    let server = TestServer::by_settings(&[("KOODTX_STORE", &url)]).await;
    eventually(&server, 200, "").await;
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations \
         (version, description, success, checksum, execution_time) \
         VALUES (99990101000000, 'of tomorrow', TRUE, '\\x00', 0)";
    sqlx::query(newer).execute(&pool).await.unwrap();
    eventually(&server, 503, "schema_not_current").await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_drains_says_so_and_goes_on_serving() {
    let server = TestServer::with(&[("KOODTX_DRAIN_SECONDS", "2")]).await;
    server.get("/ready").send().await.ok();
    let (http, address) = (server.http.clone(), server.address);
    let began = Instant::now();
    let stopping = tokio::spawn(server.stop());
    let get = async |path: &str| {
        let url = format!("http://{address}{path}");
        let response = http.get(url).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    loop {
        let (status, body) = get("/ready").await;
        if status == 503 {
            assert_eq!(body["code"], "draining");
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{body}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(get("/health").await.0, 200);
    stopping.await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2));
    let url = format!("http://{address}/ready");
    assert!(http.get(url).send().await.is_err());
}
