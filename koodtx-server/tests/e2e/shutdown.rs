//! SIGTERM in the middle of the work.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::{Device, Folder, Follower, Server, raw};

const PUSHERS_COUNT: usize = 4;
const RECORDS_COUNT: usize = 200;
/// Pushes that every pusher has had acknowledged before the signal.
const PUSHES_BEFORE_COUNT: usize = 5;
const POLL_MILLIS: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_sigterm_is_there_after_a_restart() {
    stop_under_load(&Folder::new()).await;
}

/// Stops a server while devices push, and checks what the next one has.
pub async fn stop_under_load(folder: &Folder) {
    let server = folder.start();
    let device = Device::register(&server, "ann").await;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let pushers: Vec<_> = (0..PUSHERS_COUNT)
        .map(|number| {
            tokio::spawn(push_until_refused(
                device.clone(),
                number,
                acknowledged.clone(),
            ))
        })
        .collect();
    while acknowledged.lock().expect("no pusher panicked").len()
        < PUSHERS_COUNT * PUSHES_BEFORE_COUNT
    {
        sleep(Duration::from_millis(POLL_MILLIS)).await;
    }
    server.stop();
    for pusher in pushers {
        pusher.await.expect("a pusher found nothing wrong");
    }
    folder.verify();

    let server = folder.start();
    let copy = Follower::whole_copy(&device.at(&server)).await;
    copy.assert_counts();
    for (id, session) in &copy.sessions {
        assert_eq!(
            session.records.len(),
            RECORDS_COUNT,
            "{id} is there in part"
        );
    }
    let acknowledged = acknowledged.lock().expect("no pusher panicked");
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !copy.sessions.contains_key(*id))
        .collect();
    assert!(lost.is_empty(), "acknowledged and gone: {lost:?}");
    server.stop();
    folder.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_in_flight_is_finished_and_nothing_new_is_begun() {
    stop_within_a_push(&Folder::new()).await;
}

/// Stops a server in the middle of a push, and checks that the push is finished.
pub async fn stop_within_a_push(folder: &Folder) {
    let server = folder.start();
    let device = Device::register(&server, "ann").await;
    let body = body(1).to_string();
    let (first_half, second_half) = body.as_bytes().split_at(body.len() / 2);
    let length = format!("Content-Length: {}", body.len());
    let mut stream = TcpStream::connect(server.address())
        .await
        .expect("the server listens");
    let head = raw::head(
        "POST",
        "/api/sync/push",
        device.token(),
        &[&length, "Expect: 100-continue"],
    );
    stream.write_all(&head).await.expect("the server reads");
    // The server asks for the body, so from here on the request is in flight.
    let mut interim = [0; 25];
    stream
        .read_exact(&mut interim)
        .await
        .expect("the server answers");
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
    stream
        .write_all(first_half)
        .await
        .expect("the server reads");

    server.terminate();
    while TcpStream::connect(server.address()).await.is_ok() {
        sleep(Duration::from_millis(POLL_MILLIS)).await;
    }
    stream
        .write_all(second_half)
        .await
        .expect("the server still reads");
    let answer = raw::read_to_end(&mut stream).await;
    assert_eq!(
        raw::status(&answer),
        Some(200),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let status = server.wait();
    assert!(status.success(), "{status}");

    let server: Server = folder.start();
    let copy = Follower::whole_copy(&device.at(&server)).await;
    assert_eq!(copy.sessions.len(), 1);
    copy.assert_counts();
    server.stop();
}

async fn push_until_refused(
    device: Device,
    number: usize,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
) {
    for push in 1.. {
        let body = body(((number as u128) << 64) + push);
        let Ok(answer) = device.push(body.to_string()).await else {
            return;
        };
        let id = answer.ok()["session_id"]
            .as_str()
            .expect("an id")
            .to_owned();
        acknowledged.lock().expect("no pusher panicked").insert(id);
    }
}

fn body(session: u128) -> Value {
    let records: Vec<_> = (0..RECORDS_COUNT)
        .map(|index| {
            let timestamp = 1_700_000_000_000_i64 + index as i64 * 10;
            json!({ "sensor_type": "gps", "timestamp": timestamp, "data": { "altitude": index } })
        })
        .collect();
    let session = json!({
        "session_id": Uuid::from_u128(session).to_string(),
        "start_time": "2023-11-14T22:13:20Z",
    });
    json!({ "session": session, "sensor_data": records })
}
