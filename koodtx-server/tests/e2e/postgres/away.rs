//! A database that is away, and comes back.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::own_cluster;
use crate::support::device::count;
use crate::support::{Device, Folder, Follower};

/// Longest wait for a server to find its database again.
const RECOVERY_MAX_SECONDS: u64 = 60;
const POLL_MILLIS: u64 = 20;
/// How often the database goes away.
const ROUNDS_COUNT: u64 = 3;
/// Requests that wait for the database at the same time.
const WAITING_COUNT: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_the_server_says_when_to_come_back_and_recovers() {
    let cluster = own_cluster();
    let database = cluster.database().await;
    let folder = Folder::on(database.url());
    let settings = [("KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS", "1")];
    let server = folder.start_with(&settings);
    let device = Device::register(&server, "ann").await;
    device.push_ok(&body(0)).await;

    for round in 1..=ROUNDS_COUNT {
        let stopping = cluster.clone();
        on_thread(move || stopping.stop_immediately()).await;
        let health = device.try_get("/health").await;
        assert!(health.is_store_away(), "{health:?}");
        assert_eq!(health.body["details"]["store"]["kind"], "postgres");
        assert_eq!(health.body["details"]["status"], "unhealthy");
        let pushes = (0..WAITING_COUNT).map(|_| device.push(body(round).to_string()));
        for push in futures_util::future::join_all(pushes).await {
            let push = push.expect("the server answers");
            assert!(push.is_store_away(), "{push:?}");
        }
        let pull = device.pull(&json!({})).await.expect("the server answers");
        assert!(pull.is_store_away(), "{pull:?}");
        let status = device.try_get("/api/sync/status").await;
        assert!(status.is_store_away(), "{status:?}");
        let login = json!({ "username": "ann", "password": "correct horse battery" });
        let login = device.post("/api/auth/login", login.to_string()).await;
        let login = login.expect("the server answers");
        assert!(login.is_store_away(), "{login:?}");
        // What needs no store is still there.
        device.get("/").await;

        let starting = cluster.clone();
        on_thread(move || starting.restart()).await;
        wait_until_healthy(&device).await;
        let pushed = device.push_ok(&body(round)).await;
        assert_eq!(count(&pushed, "inserted"), 1);
    }
    let copy = Follower::whole_copy(&device).await;
    assert_eq!(copy.sessions.len() as u64, ROUNDS_COUNT + 1);
    copy.assert_counts();
    server.stop();
    assert_eq!(folder.verify(), ROUNDS_COUNT + 1);
    folder.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_between_requests_goes_unnoticed() {
    let cluster = own_cluster();
    let database = cluster.database().await;
    let folder = Folder::on(database.url());
    let server = folder.start();
    let device = Device::register(&server, "ann").await;
    for round in 0..ROUNDS_COUNT {
        // Several idle connections, each of which will turn out to be broken.
        let pushes = (0..WAITING_COUNT).map(|_| device.push(body(round).to_string()));
        for push in futures_util::future::join_all(pushes).await {
            push.expect("the server answers").ok();
        }
        let restarting = cluster.clone();
        on_thread(move || restarting.restart()).await;
    }
    server.stop();
    assert_eq!(folder.verify(), ROUNDS_COUNT);
}

#[test]
fn a_server_that_starts_without_its_database_says_why_it_does_not() {
    let folder = Folder::on("postgres://koodtx@127.0.0.1:1/koodtx".to_owned());
    for arguments in [&["--listen", "127.0.0.1:0"][..], &["verify"], &["migrate"]] {
        let mut command = folder.command();
        command.args(arguments);
        command.env("KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS", "1");
        let output = Folder::finish(command);
        let err = String::from_utf8_lossy(&output.stderr);
        let says_why = err.contains("127.0.0.1:1/koodtx") && err.contains("Connection refused");
        assert!(!output.status.success() && says_why, "{err}");
    }
}

/// Waits until the server has found its database.
pub async fn wait_until_healthy(device: &Device) {
    let healthy = async {
        while device.try_get("/health").await.status != 200 {
            sleep(Duration::from_millis(POLL_MILLIS)).await;
        }
    };
    let limit = Duration::from_secs(RECOVERY_MAX_SECONDS);
    timeout(limit, healthy)
        .await
        .expect("the server finds its database again");
}

/// Stopping and starting a cluster blocks.
pub async fn on_thread(work: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(work)
        .await
        .expect("the cluster does as it is told");
}

fn body(session: u64) -> serde_json::Value {
    let session = json!({
        "session_id": Uuid::from_u128(session.into()).to_string(),
        "start_time": "2023-11-14T22:13:20Z",
    });
    let record = json!({
        "sensor_type": "gps", "timestamp": 1_700_000_000_000_i64, "data": { "altitude": 7 },
    });
    json!({ "session": session, "sensor_data": [record] })
}
