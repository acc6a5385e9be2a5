//! A connection that breaks at a commit: nobody knows whether the push was stored, and repeating it is
//! safe.

use serde_json::{Value, json};
use uuid::Uuid;

use super::own_cluster;
use super::proxy::{Cut, Proxy};
use crate::support::device::count;
use crate::support::{Device, Folder, Follower};

/// Records of a push.
const SIZES: [u64; 4] = [1, 100, 600, 3_000];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_whose_commit_was_cut_is_repeated_and_counted_once() {
    let cluster = own_cluster();
    let database = cluster.database().await;
    let proxy = Proxy::start(cluster.port()).await;
    // Between the two nothing may be encrypted.
    let url = format!("{}?sslmode=disable", database.tcp_url(proxy.port()));
    let folder = Folder::on(url);
    let server = folder.start();
    let device = Device::register(&server, "ann").await;

    let (mut session, mut total, mut cuts) = (0, 0, 0);
    for cut in [Cut::BeforeCommit, Cut::AfterCommit] {
        for size in SIZES {
            session += 1;
            let body = body(session, size).to_string();
            proxy.cut_once(cut);
            let failed = device.push(body.clone()).await;
            let failed = failed.expect("the server answers");
            cuts += 1;
            assert_eq!(proxy.cuts_count(), cuts, "{failed:?}");
            assert!(failed.is_store_away(), "{failed:?}");

            let repeated = device.push(body.clone()).await;
            let repeated = repeated.expect("the server answers").ok();
            let counts = |answer: &Value| {
                ["inserted", "updated", "duplicates", "errors"].map(|field| count(answer, field))
            };
            let expected = match cut {
                Cut::AfterCommit => [0, 0, size, 0],
                _ => [size, 0, 0, 0],
            };
            assert_eq!(counts(&repeated), expected, "{cut:?}");
            assert_eq!(count(&repeated, "session_data_count"), size);
            total += size;

            let again = device.push(body).await;
            let again = again.expect("the server answers").ok();
            assert_eq!(counts(&again), [0, 0, size, 0]);
            assert_eq!(again["server_timestamp"], repeated["server_timestamp"]);
        }
    }

    let copy = Follower::whole_copy(&device).await;
    assert_eq!(copy.sessions.len(), session as usize);
    copy.assert_counts();
    server.stop();
    assert_eq!(folder.verify(), total);
    folder.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_whose_commit_was_cut_is_repeated() {
    let cluster = own_cluster();
    let database = cluster.database().await;
    let proxy = Proxy::start(cluster.port()).await;
    let url = format!("{}?sslmode=disable", database.tcp_url(proxy.port()));
    let folder = Folder::on(url);
    let server = folder.start();
    let device = Device::register(&server, "ann").await;
    for (session, cut, then) in [(1, Cut::BeforeCommit, 200), (2, Cut::AfterCommit, 404)] {
        device.push_ok(&body(session, 10)).await;
        let id = Uuid::from_u128(session).to_string();
        proxy.cut_once(cut);
        let failed = device.delete_session(&id).await;
        let failed = failed.expect("the server answers");
        assert!(failed.is_store_away(), "{failed:?}");
        let repeated = device.delete_session(&id).await;
        let repeated = repeated.expect("the server answers");
        assert_eq!(repeated.status, then, "{cut:?}: {repeated:?}");
    }
    assert_eq!(proxy.cuts_count(), 2);
    server.stop();
    assert_eq!(folder.verify(), 0);
}

fn body(session: u128, size: u64) -> Value {
    let records: Vec<_> = (0..size)
        .map(|index| {
            let timestamp = 1_700_000_000_000 + index * 10;
            json!({ "sensor_type": "gps", "timestamp": timestamp, "data": { "altitude": index } })
        })
        .collect();
    let session = json!({
        "session_id": Uuid::from_u128(session).to_string(),
        "start_time": "2023-11-14T22:13:20Z",
    });
    json!({ "session": session, "sensor_data": records })
}
