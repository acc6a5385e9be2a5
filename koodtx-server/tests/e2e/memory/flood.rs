//! More bodies at once than there is memory for, and bodies that blow up.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::compress::{CODINGS, bomb};
use crate::support::{Device, Folder, MEBIBYTE_BYTES};

const BODY_MAX_BYTES: u64 = 16 * MEBIBYTE_BYTES;
/// Memory that the server may take for bodies in flight: the least it accepts for such bodies.
const BODY_MEMORY_BYTES: u64 = BODY_MAX_BYTES + 32 * MEBIBYTE_BYTES;
/// A growing buffer stands beside its successor while it is copied, a parsed push beside its body,
/// and the store caches 32 MiB.
const GROWTH_MAX_BYTES: u64 = 3 * BODY_MEMORY_BYTES + 96 * MEBIBYTE_BYTES;
const PUSHES_COUNT: u128 = 64;
const RECORDS_OF_PUSH_COUNT: usize = 10_000;
const BOMB_BYTES: u64 = 256 * MEBIBYTE_BYTES;
const BOMBS_OF_CODING_COUNT: usize = 4;
/// Pause before a push that was shed is repeated; shorter than what the server asks for.
const RETRY_MILLIS: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_and_a_crowd_of_pushes_stay_within_the_memory_for_bodies() {
    let folder = Folder::new();
    let server = folder.start_with(&[
        ("KOODTX_MAX_BODY_BYTES", &BODY_MAX_BYTES.to_string()),
        ("KOODTX_BODY_MEMORY_BYTES", &BODY_MEMORY_BYTES.to_string()),
    ]);
    let device = Device::register(&server, "ann").await;
    let memory = server.memory();
    let before = memory.resident_bytes();
    memory.forget_peak();

    throw_bombs(&device).await;
    let after_bombs = memory.peak_bytes() - before;
    let pushes: Vec<_> = (0..PUSHES_COUNT)
        .map(|session| tokio::spawn(push_until_taken(device.clone(), session)))
        .collect();
    for push in pushes {
        push.await.expect("every push was taken in the end");
    }
    let growth = memory.peak_bytes() - before;
    println!("{before} bytes before, {after_bombs} more after bombs, {growth} more after pushes");
    assert!(
        growth <= GROWTH_MAX_BYTES,
        "the server grew by {growth} bytes"
    );
    assert!(device.is_healthy().await);
    server.stop();
    assert_eq!(
        folder.verify(),
        PUSHES_COUNT as u64 * RECORDS_OF_PUSH_COUNT as u64
    );
    folder.assert_no_panic();
}

async fn throw_bombs(device: &Device) {
    let mut bombs = Vec::new();
    for coding in CODINGS {
        let body = bytes::Bytes::from(bomb(coding, BOMB_BYTES).await);
        assert!(
            (body.len() as u64) < BODY_MAX_BYTES / 4,
            "no bomb: {coding} {}",
            body.len()
        );
        for path in ["/api/sync/push", "/api/sync/pull", "/api/auth/login"] {
            for _ in 0..BOMBS_OF_CODING_COUNT {
                bombs.push(tokio::spawn(send(
                    device.clone(),
                    path,
                    coding,
                    body.clone(),
                )));
            }
        }
    }
    for bomb in bombs {
        let response = bomb.await.expect("the request was sent");
        if !was_shed(&response) {
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
}

async fn send(device: Device, path: &str, coding: &str, body: bytes::Bytes) -> Response {
    let request = device
        .request(Method::POST, path)
        .header(CONTENT_TYPE, "application/json");
    let sent = request
        .header(CONTENT_ENCODING, coding)
        .body(body)
        .send()
        .await;
    sent.expect("the server answers")
}

async fn push_until_taken(device: Device, session: u128) {
    let body = bytes::Bytes::from(body(session));
    loop {
        let request = device.request(Method::POST, "/api/sync/push");
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(body.clone());
        let response = request.send().await.expect("the server answers");
        if !was_shed(&response) {
            assert_eq!(response.status(), StatusCode::OK);
            return;
        }
        sleep(Duration::from_millis(RETRY_MILLIS)).await;
    }
}

/// Whether the server said that it had no room, and when to come back.
fn was_shed(response: &Response) -> bool {
    let is_busy = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    assert!(
        !is_busy || response.headers().contains_key(RETRY_AFTER),
        "{response:?}"
    );
    is_busy
}

fn body(session: u128) -> String {
    let records: Vec<_> = (0..RECORDS_OF_PUSH_COUNT)
        .map(|index| {
            let timestamp = 1_700_000_000_000_i64 + index as i64 * 10;
            json!({ "sensor_type": "gps", "timestamp": timestamp, "data": { "altitude": index } })
        })
        .collect();
    let session = json!({
        "session_id": Uuid::from_u128(session).to_string(),
        "start_time": "2023-11-14T22:13:20Z",
    });
    json!({ "session": session, "sensor_data": records }).to_string()
}
