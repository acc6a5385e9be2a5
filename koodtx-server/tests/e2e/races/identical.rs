//! The same push from many devices at the same moment, and again.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::support::device::count;
use crate::support::{Device, Folder, Follower, Server};

const DEVICES_COUNT: usize = 8;
/// Records of a push: none, one, within a block, exactly a block, several blocks.
const SIZES: [usize; 6] = [0, 1, 100, 512, 2_000, 5_000];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identical_pushes_sum_to_one_insert_each() {
    let folder = Folder::new();
    let servers = [folder.start()];
    let records = push_identically(&servers, "ann").await;
    servers.into_iter().for_each(Server::stop);
    assert_eq!(folder.verify(), records);
}

/// Pushes the same from many devices of one user, spread over the servers; how many records are
/// there afterwards.
pub async fn push_identically(servers: &[Server], username: &str) -> u64 {
    let first = Device::register(&servers[0], username).await;
    let mut devices = vec![first.across(servers)];
    for number in 1..DEVICES_COUNT {
        let name = format!("{username}'s {number}");
        let device = Device::login(&servers[0], username, &name).await;
        // Devices that push at the same time do so to different servers.
        let (before, from) = servers.split_at(number % servers.len());
        let turned: Vec<_> = from.iter().chain(before).collect();
        devices.push(device.across(turned));
    }
    for size in SIZES {
        let body = body(size);
        let answers = push_at_once(&devices, &body).await;
        let sum = |field| {
            answers
                .iter()
                .map(|answer| count(answer, field))
                .sum::<u64>()
        };
        let (size, repeats) = (size as u64, DEVICES_COUNT as u64 - 1);
        assert_eq!(sum("inserted"), size);
        assert_eq!(sum("updated") + sum("errors"), 0);
        assert_eq!(sum("duplicates"), size * repeats);
        for answer in &answers {
            assert_eq!(count(answer, "session_data_count"), size);
            // Only the first one changed anything, so only that one stepped the clock.
            assert_eq!(answer["server_timestamp"], answers[0]["server_timestamp"]);
        }

        let before = Follower::whole_copy(&devices[0]).await;
        before.assert_counts();
        for retry in push_at_once(&devices[..2], &body).await {
            assert_eq!(
                (count(&retry, "inserted"), count(&retry, "updated")),
                (0, 0)
            );
            assert_eq!(count(&retry, "duplicates"), size);
            assert_eq!(retry["server_timestamp"], answers[0]["server_timestamp"]);
        }
        Follower::whole_copy(&devices[1])
            .await
            .assert_same(&before, "after retries");
    }
    SIZES.iter().map(|size| *size as u64).sum()
}

async fn push_at_once(devices: &[Device], body: &str) -> Vec<Value> {
    let barrier = Arc::new(Barrier::new(devices.len()));
    let pushes = devices.iter().cloned().map(|device| {
        let (barrier, body) = (barrier.clone(), body.to_owned());
        tokio::spawn(async move {
            barrier.wait().await;
            device.push(body).await.expect("the server answers").ok()
        })
    });
    let mut answers = Vec::new();
    for push in pushes.collect::<Vec<_>>() {
        answers.push(push.await.expect("the push was accepted"));
    }
    answers
}

fn body(size: usize) -> String {
    let records: Vec<_> = (0..size)
        .map(|index| {
            let sensor_type = ["accelerometer", "gps"][usize::from(index % 3 == 0)];
            let data = json!({ "x": index as f64 / 8.0, "tag": format!("sample {index}") });
            json!({ "sensor_type": sensor_type, "timestamp": 1_700_000_000_000_i64 + index as i64, "data": data })
        })
        .collect();
    let session = json!({
        "session_id": Uuid::from_u128(size as u128 + 1).to_string(),
        "start_time": "2023-11-14T22:13:20Z",
        "notes": "pushed by all",
    });
    json!({ "session": session, "sensor_data": records }).to_string()
}
