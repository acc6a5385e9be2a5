//! Waiting for a lock has an end.

use koodtx_store_postgres::testing::TestCluster;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::support::device::count;
use crate::support::{Device, Folder};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_waits_too_long_for_its_user_is_told_to_come_back() {
    let database = TestCluster::shared().database().await;
    let folder = Folder::on(database.url());
    let settings = [("KOODTX_POSTGRES_LOCK_TIMEOUT_SECONDS", "1")];
    let server = folder.start_with(&settings);
    let ann = Device::register(&server, "ann").await;
    let bob = Device::register(&server, "bob").await;
    let body = json!({
        "session": { "session_id": Uuid::from_u128(1), "start_time": "2023-11-14T22:13:20Z" },
        "sensor_data": [{ "sensor_type": "gps", "timestamp": 1_700_000_000_000_i64, "data": { "x": 1 } }],
    });
    let another = json!({
        "session": { "session_id": Uuid::from_u128(2), "start_time": "2023-11-14T22:13:20Z" },
        "sensor_data": [],
    });
    ann.push_ok(&another).await;

    let mut connection = PgConnection::connect(&database.url())
        .await
        .expect("the database answers");
    let mut holding = connection.begin().await.expect("the database answers");
    let id = ann.get("/api/auth/me").await["user"]["id"].as_i64();
    let locked = sqlx::query("SELECT FROM user_clock WHERE user_id = $1 FOR UPDATE")
        .bind(id)
        .fetch_all(&mut *holding)
        .await
        .expect("the row is free");
    assert_eq!(locked.len(), 1, "a user has a clock");

    let push = ann.push(body.to_string()).await;
    let push = push.expect("the server answers");
    assert!(push.is_store_away(), "{push:?}");
    let deletion = ann.delete_session(&Uuid::from_u128(2).to_string()).await;
    let deletion = deletion.expect("the server answers");
    assert!(deletion.is_store_away(), "{deletion:?}");
    // Nobody else waits, nor do pulls.
    bob.push_ok(&body).await;
    let pulled = ann.pull(&json!({})).await.expect("the server answers");
    assert_eq!(count(&pulled.ok(), "total"), 1);

    holding.rollback().await.expect("the database answers");
    assert_eq!(count(&ann.push_ok(&body).await, "inserted"), 1);
    server.stop();
    assert_eq!(folder.verify(), 2);
}
