//! Four times as many pushes at a time as there are places, by clients that repeat at once what was shed.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::shape::BEGIN_MILLIS;
use crate::support::{Device, Folder, MEBIBYTE_BYTES};

const PLACES_COUNT: usize = 8;
const CLIENTS_COUNT: usize = 4 * PLACES_COUNT;
const ACCOUNTS_COUNT: usize = 4;
const PUSHES_OF_CLIENT_COUNT: usize = 12;
const RECORDS_OF_PUSH_COUNT: usize = 2_000;
/// The store caches 32 MiB; a push stands in memory as a body, as columns and as blocks; and each
/// connection has its buffers.
const GROWTH_MAX_BYTES: u64 = 96 * MEBIBYTE_BYTES + PLACES_COUNT as u64 * 4 * MEBIBYTE_BYTES;
const PROBE_PAUSE: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_is_served_at_the_pace_of_few_in_bounded_memory() {
    let folder = Folder::new();
    let server = folder.start_with(&[("KOODTX_CONCURRENT_REQUESTS", &PLACES_COUNT.to_string())]);
    let mut devices = Vec::new();
    for account in 0..ACCOUNTS_COUNT {
        devices.push(Device::register(&server, &format!("user{account}")).await);
    }
    // Each probe is answered, however busy the server is.
    let probing = tokio::spawn(probe(devices[0].clone()));
    let (few, _) = crowd(&devices, 0, PLACES_COUNT).await;
    let memory = server.memory();
    let before = memory.resident_bytes();
    memory.forget_peak();
    let (many, shed_count) = crowd(&devices, 1, CLIENTS_COUNT).await;
    let growth = memory.peak_bytes().saturating_sub(before);
    println!(
        "{few:.0} pushes a second of {PLACES_COUNT} clients, {many:.0} of {CLIENTS_COUNT}; \
         {shed_count} shed; {growth} bytes more"
    );
    assert!(
        growth <= GROWTH_MAX_BYTES,
        "the server grew by {growth} bytes"
    );
    assert!(!probing.is_finished(), "a probe failed");
    probing.abort();

    // Afterwards everything is as before.
    let (_, shed_count) = crowd(&devices, 2, 1).await;
    assert_eq!(shed_count, 0);
    server.stop();
    let pushes = (PLACES_COUNT + CLIENTS_COUNT + 1) * PUSHES_OF_CLIENT_COUNT;
    assert_eq!(folder.verify(), (pushes * RECORDS_OF_PUSH_COUNT) as u64);
    folder.assert_no_panic();
}

async fn probe(device: Device) {
    loop {
        assert!(device.is_healthy().await);
        tokio::time::sleep(PROBE_PAUSE).await;
    }
}

/// So many clients push at the same time; returns how many pushes a second were taken, and how many
/// times one was shed.
async fn crowd(devices: &[Device], round: usize, clients: usize) -> (f64, usize) {
    let began = Instant::now();
    let clients: Vec<_> = (0..clients)
        .map(|client| {
            let device = devices[client % devices.len()].clone();
            tokio::spawn(push_all(device, (round * CLIENTS_COUNT + client) as u128))
        })
        .collect();
    let pushes = clients.len() * PUSHES_OF_CLIENT_COUNT;
    let mut shed_count = 0;
    for client in clients {
        shed_count += client.await.expect("every push was taken in the end");
    }
    (pushes as f64 / began.elapsed().as_secs_f64(), shed_count)
}

async fn push_all(device: Device, session: u128) -> usize {
    let mut shed_count = 0;
    for push in 0..PUSHES_OF_CLIENT_COUNT {
        let body = bytes::Bytes::from(body(session, push));
        loop {
            let request = device.request(Method::POST, "/api/sync/push");
            let request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
            let response = request.send().await.expect("the server answers");
            if response.status() == StatusCode::OK {
                break;
            }
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(response.headers().contains_key(RETRY_AFTER), "{response:?}");
            shed_count += 1;
        }
    }
    shed_count
}

fn body(session: u128, push: usize) -> String {
    let records: Vec<_> = (0..RECORDS_OF_PUSH_COUNT)
        .map(|index| {
            let millis = BEGIN_MILLIS + (push * RECORDS_OF_PUSH_COUNT + index) as i64;
            json!({ "sensor_type": "gps", "timestamp": millis, "data": { "altitude": index } })
        })
        .collect();
    let session = json!({
        "session_id": Uuid::from_u128(session).to_string(),
        "start_time": "2023-11-14T22:13:20Z",
    });
    json!({ "session": session, "sensor_data": records }).to_string()
}
