//! Pulling a long session, at once and slowly.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::shape::{BEGIN_MILLIS, Shape, session};
use crate::support::device::count;
use crate::support::{Device, Folder, Server, raw};

const SLOW_READERS_COUNT: usize = 4;
const SLOW_READS_COUNT: usize = 60;
const SLOW_READ_BYTES: usize = 16 * 1024;
const SLOW_PAUSE_MILLIS: u64 = 25;
const POLL_MILLIS: u64 = 20;
/// How much of the end of an answer is looked at.
const TAIL_BYTES: usize = 4 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_samples_are_pulled_in_bounded_memory() {
    pull_in_bounded_memory(Shape::MILLION).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_series_are_pulled_in_bounded_memory() {
    pull_in_bounded_memory(Shape::SERIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_samples_are_pulled_in_bounded_memory() {
    pull_in_bounded_memory(Shape::TEXTS).await;
}

async fn pull_in_bounded_memory(shape: Shape) {
    let folder = Folder::new();
    let server = folder.start();
    let phone = Device::register(&server, "ann").await;
    for push in 0..shape.pushes_count {
        let answer = phone
            .push(shape.body(push))
            .await
            .expect("the server answers")
            .ok();
        assert_eq!(
            count(&answer, "inserted"),
            shape.records_of_push_count as u64
        );
    }
    // A fresh process: what the pushes left in the allocator would hide what the pull needs.
    server.stop();
    let server = folder.start();
    let phone = phone.at(&server);
    phone
        .pull(&json!({ "include_data": false }))
        .await
        .expect("the server answers")
        .ok();

    let memory = server.memory();
    let before = memory.resident_bytes();
    memory.forget_peak();
    pull_whole(&phone, shape).await;
    let after_pull = memory.peak_bytes() - before;

    let slow = read_slowly(&server, &phone).await;
    // Nobody holds a lock while a slow reader reads.
    let late = json!([{ "sensor_type": "s0", "timestamp": BEGIN_MILLIS + 1, "data": {} }]);
    let answer = phone
        .push_ok(&json!({ "session": session(), "sensor_data": late }))
        .await;
    assert_eq!(
        count(&answer, "session_data_count"),
        shape.records_count() as u64 + 1
    );
    drop(slow);
    wait_for_failed_pulls(&phone).await;

    let growth = memory.peak_bytes() - before;
    println!(
        "{shape:?}: {before} bytes before, {after_pull} more after a pull, {growth} after all"
    );
    assert!(
        growth <= shape.growth_max_bytes,
        "the server grew by {growth} bytes"
    );
    assert!(phone.is_healthy().await);
    server.stop();
    folder.assert_no_panic();
}

/// Pulls everything and checks that it is whole, without keeping it.
async fn pull_whole(device: &Device, shape: Shape) {
    let request = device.request(Method::POST, "/api/sync/pull");
    let request = request.header(CONTENT_TYPE, "application/json").body("{}");
    let mut response = request.send().await.expect("the server answers");
    assert_eq!(response.status(), 200);
    let (mut opened, mut closed, mut tail) = (0, 0, Vec::new());
    while let Some(chunk) = response.chunk().await.expect("the answer is not cut") {
        for byte in &chunk {
            opened += usize::from(*byte == b'{');
            closed += usize::from(*byte == b'}');
        }
        tail.extend_from_slice(&chunk);
        tail.drain(..tail.len().saturating_sub(TAIL_BYTES));
    }
    // The answer, its session, and of each record itself and its data.
    let expected = 2 + 2 * shape.records_count();
    assert_eq!((opened, closed), (expected, expected));
    let tail = String::from_utf8_lossy(&tail);
    assert!(tail.contains("\"total\":1,\"has_more\":false"), "{tail}");
}

/// Begins pulls and reads a little of each, now and then; they are left unfinished.
async fn read_slowly(server: &Server, device: &Device) -> Vec<TcpStream> {
    let mut readers = Vec::new();
    for _ in 0..SLOW_READERS_COUNT {
        let mut stream = TcpStream::connect(server.address())
            .await
            .expect("the server listens");
        let head = raw::head(
            "POST",
            "/api/sync/pull",
            device.token(),
            &["Content-Length: 0"],
        );
        stream.write_all(&head).await.expect("the server reads");
        readers.push(stream);
    }
    let mut buffer = vec![0; SLOW_READ_BYTES];
    for _ in 0..SLOW_READS_COUNT {
        for reader in &mut readers {
            reader
                .read_exact(&mut buffer)
                .await
                .expect("the server goes on");
        }
        sleep(Duration::from_millis(SLOW_PAUSE_MILLIS)).await;
    }
    readers
}

/// A pull whose client went away is in the sync log as one that failed.
async fn wait_for_failed_pulls(device: &Device) {
    loop {
        let recent = device.recent_syncs().await;
        let failed = |entry: &&Value| entry["kind"] == "pull" && entry["status"] == "failed";
        if recent.iter().filter(failed).count() == SLOW_READERS_COUNT {
            return;
        }
        sleep(Duration::from_millis(POLL_MILLIS)).await;
    }
}
