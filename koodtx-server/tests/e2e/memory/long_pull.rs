//! Pulling a session of a million samples.

use std::fmt::Write;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::device::count;
use crate::support::{Device, Folder, MEBIBYTE_BYTES, Server, raw};

const PUSHES_COUNT: usize = 20;
const RECORDS_OF_PUSH_COUNT: usize = 50_000;
const RECORDS_COUNT: usize = PUSHES_COUNT * RECORDS_OF_PUSH_COUNT;
/// What the server may need beyond what it had before the pull.
const GROWTH_MAX_BYTES: u64 = 64 * MEBIBYTE_BYTES;
const SLOW_READERS_COUNT: usize = 4;
const SLOW_READS_COUNT: usize = 60;
const SLOW_READ_BYTES: usize = 16 * 1024;
const SLOW_PAUSE_MILLIS: u64 = 25;
const POLL_MILLIS: u64 = 20;
const BEGIN_MILLIS: i64 = 1_700_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_samples_are_pulled_in_bounded_memory_however_slowly() {
    let folder = Folder::new();
    let server = folder.start();
    let phone = Device::register(&server, "ann").await;
    for push in 0..PUSHES_COUNT {
        let answer = phone.push(body(push)).await.expect("the server answers").ok();
        assert_eq!(count(&answer, "inserted"), RECORDS_OF_PUSH_COUNT as u64);
    }
    // A fresh process: what the pushes left in the allocator would hide what the pull needs.
    server.stop();
    let server = folder.start();
    let phone = phone.at(&server);
    phone.pull(&json!({ "include_data": false })).await.expect("the server answers").ok();

    let memory = server.memory();
    let before = memory.resident_bytes();
    memory.forget_peak();
    pull_whole(&phone).await;
    let after_pull = memory.peak_bytes() - before;

    let slow = read_slowly(&server, &phone).await;
    // Nobody holds a lock while a slow reader reads.
    let late = json!([{ "sensor_type": "late", "timestamp": BEGIN_MILLIS, "data": {} }]);
    let answer = phone.push_ok(&json!({ "session": session(), "sensor_data": late })).await;
    assert_eq!(count(&answer, "session_data_count"), RECORDS_COUNT as u64 + 1);
    drop(slow);
    wait_for_failed_pulls(&phone).await;

    let growth = memory.peak_bytes() - before;
    println!("{before} bytes before, {after_pull} more after a pull, {growth} more after slow ones");
    assert!(growth <= GROWTH_MAX_BYTES, "the server grew by {growth} bytes");
    assert!(phone.is_healthy().await);
    server.stop();
    folder.assert_no_panic();
}

/// Pulls everything and checks that it is whole, without keeping it.
async fn pull_whole(device: &Device) {
    let request = device.request(Method::POST, "/api/sync/pull").header(CONTENT_TYPE, "application/json");
    let mut response = request.body("{}").send().await.expect("the server answers");
    assert_eq!(response.status(), 200);
    let (mut opened, mut closed, mut tail) = (0, 0, Vec::new());
    while let Some(chunk) = response.chunk().await.expect("the answer is not cut") {
        for byte in &chunk {
            opened += usize::from(*byte == b'{');
            closed += usize::from(*byte == b'}');
        }
        tail.extend_from_slice(&chunk);
        tail.drain(..tail.len().saturating_sub(SLOW_READ_BYTES));
    }
    // The answer, its session, and of each record itself and its data.
    assert_eq!((opened, closed), (2 + 2 * RECORDS_COUNT, 2 + 2 * RECORDS_COUNT));
    let tail = String::from_utf8_lossy(&tail);
    assert!(tail.contains("\"total\":1,\"has_more\":false"), "{tail}");
}

/// Begins pulls and reads a little of each, now and then; they are left unfinished.
async fn read_slowly(server: &Server, device: &Device) -> Vec<TcpStream> {
    let mut readers = Vec::new();
    for _ in 0..SLOW_READERS_COUNT {
        let mut stream = TcpStream::connect(server.address()).await.expect("the server listens");
        let head = raw::head("POST", "/api/sync/pull", device.token(), &["Content-Length: 0"]);
        stream.write_all(&head).await.expect("the server reads");
        readers.push(stream);
    }
    let mut buffer = vec![0; SLOW_READ_BYTES];
    for _ in 0..SLOW_READS_COUNT {
        for reader in &mut readers {
            reader.read_exact(&mut buffer).await.expect("the server goes on");
        }
        sleep(Duration::from_millis(SLOW_PAUSE_MILLIS)).await;
    }
    readers
}

/// A pull whose client went away is in the sync log as one that failed.
async fn wait_for_failed_pulls(device: &Device) {
    loop {
        let recent = device.recent_syncs().await;
        let failed = |entry: &&serde_json::Value| entry["kind"] == "pull" && entry["status"] == "failed";
        if recent.iter().filter(failed).count() == SLOW_READERS_COUNT {
            return;
        }
        sleep(Duration::from_millis(POLL_MILLIS)).await;
    }
}

fn session() -> serde_json::Value {
    json!({ "session_id": Uuid::from_u128(1).to_string(), "start_time": "2023-11-14T22:13:20Z" })
}

fn body(push: usize) -> String {
    let mut body = format!("{{\"session\":{},\"sensor_data\":[", session());
    for index in 0..RECORDS_OF_PUSH_COUNT {
        let separator = if index == 0 { "" } else { "," };
        let index = push * RECORDS_OF_PUSH_COUNT + index;
        let (millis, x) = (BEGIN_MILLIS + index as i64 * 10, (index * 7919 % 20_011) as f64 / 1_000.0);
        // Writing to a string cannot fail.
        let _ = write!(
            body,
            "{separator}{{\"sensor_type\":\"accelerometer\",\"timestamp\":{millis},\"data\":{{\"x\":{x}}}}}"
        );
    }
    body.push_str("]}");
    body
}
