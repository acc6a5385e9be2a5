//! Devices that follow the protocol's loop while others write end with exactly the server's state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::follower::Style;
use crate::support::{Device, Folder, Follower};

const WRITERS_COUNT: u64 = 4;
/// The writers go on until every follower has pulled that many rounds in between.
const ROUNDS_COUNT: usize = 10;
/// Sessions that are pushed to, deleted and revived again and again.
const OLD_SESSIONS_COUNT: u128 = 8;
/// Sessions that each writer adds beside them.
const NEW_SESSIONS_COUNT: u128 = 10;
/// Sample times of a session: few, so that pushes collide.
const TIMES_COUNT: i64 = 300;
const RECORDS_MAX_COUNT: usize = 40;
/// Answers of the follower with cursors end within sessions.
const MAX_RECORDS: usize = 17;
const BEGIN_MILLIS: i64 = 1_700_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_of_both_styles_end_with_the_servers_state() {
    let folder = Folder::new();
    let server = folder.start();
    let device = Device::register(&server, "ann").await;
    let styles = [
        Style::Pages { size: 2 },
        Style::Cursors {
            size: 3,
            max_records: MAX_RECORDS,
        },
    ];
    let lagging = Arc::new(AtomicUsize::new(styles.len()));
    let mut followers = Vec::new();
    for (number, style) in styles.into_iter().enumerate() {
        let device = Device::login(&server, "ann", &format!("follower {number}")).await;
        followers.push(follow(Follower::new(device, style), lagging.clone()));
    }
    let writers: Vec<_> = (0..WRITERS_COUNT)
        .map(|number| {
            let writer = Writer::new(device.clone(), number);
            tokio::spawn(writer.work(lagging.clone()))
        })
        .collect();
    for writer in writers {
        writer.await.expect("every write was accepted");
    }

    let state = Follower::whole_copy(&device).await;
    state.assert_counts();
    for (number, follower) in followers.into_iter().enumerate() {
        let mut follower = follower.await.expect("every pull was answered");
        follower.round().await.expect("the server answers");
        follower
            .copy
            .assert_same(&state, &format!("follower {number}"));
        assert_eq!(
            follower.round().await.expect("the server answers"),
            [""; 0],
            "nothing is left"
        );
    }
    let listed = device.get("/api/sync/status").await;
    assert_eq!(
        listed["total_sessions"].as_u64(),
        Some(state.sessions.len() as u64)
    );
    server.stop();
    folder.verify();
    folder.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_idle_downloads_a_change_once() {
    let folder = Folder::new();
    let server = folder.start();
    let device = Device::register(&server, "ann").await;
    let mut writer = Writer::new(device.clone(), 0);
    let mut follower = Follower::new(device, Style::Pages { size: 2 });
    writer.push_to_each().await;
    assert_eq!(
        follower.round().await.expect("the server answers").len(),
        OLD_SESSIONS_COUNT as usize
    );
    for _ in 0..3 {
        assert_eq!(follower.round().await.expect("the server answers"), [""; 0]);
    }
    writer.push_to_each().await;
    assert_eq!(
        follower.round().await.expect("the server answers").len(),
        OLD_SESSIONS_COUNT as usize
    );
    assert_eq!(
        follower.round().await.expect("the server answers"),
        [""; 0],
        "downloaded twice"
    );
    server.stop();
}

/// Follows until all followers have pulled enough rounds beside the writers.
fn follow(mut follower: Follower, lagging: Arc<AtomicUsize>) -> JoinHandle<Follower> {
    tokio::spawn(async move {
        let mut rounds = 0;
        while lagging.load(Ordering::Relaxed) > 0 {
            follower.round().await.expect("the server answers");
            rounds += 1;
            if rounds == ROUNDS_COUNT {
                lagging.fetch_sub(1, Ordering::Relaxed);
            }
        }
        follower
    })
}

struct Writer {
    device: Device,
    number: u64,
    random: StdRng,
    new_sessions: u128,
}

impl Writer {
    fn new(device: Device, number: u64) -> Self {
        Self {
            device,
            number,
            random: StdRng::seed_from_u64(number),
            new_sessions: 0,
        }
    }

    /// Changes every old session.
    async fn push_to_each(&mut self) {
        for id in 0..OLD_SESSIONS_COUNT {
            let mut body = self.body(&Uuid::from_u128(id).to_string());
            body["session"]["notes"] = json!(self.random.random::<u64>().to_string());
            body["session"]["updated_at"] = Value::Null;
            self.device.push_ok(&body).await;
        }
    }

    async fn work(mut self, lagging: Arc<AtomicUsize>) {
        while lagging.load(Ordering::Relaxed) > 0 {
            let id = self.session_id();
            if self.random.random_bool(0.08) {
                // Another writer may have deleted it, or nobody pushed it yet.
                let answer = self
                    .device
                    .delete_session(&id)
                    .await
                    .expect("the server answers");
                assert!([200, 404].contains(&answer.status.as_u16()), "{answer:?}");
                continue;
            }
            let body = self.body(&id);
            self.device.push_ok(&body).await;
            if self.random.random_bool(0.2) {
                // A retry, which may meet what others wrote meanwhile.
                self.device.push_ok(&body).await;
            }
        }
    }

    fn session_id(&mut self) -> String {
        let id = if self.new_sessions < NEW_SESSIONS_COUNT && self.random.random_bool(0.1) {
            self.new_sessions += 1;
            (u128::from(self.number + 1) << 64) + self.new_sessions
        } else {
            self.random.random_range(0..OLD_SESSIONS_COUNT)
        };
        Uuid::from_u128(id).to_string()
    }

    fn body(&mut self, id: &str) -> Value {
        let mut session = Map::new();
        session.insert("session_id".to_owned(), json!(id));
        session.insert("start_time".to_owned(), json!("2023-11-14T22:13:20Z"));
        if self.random.random_bool(0.3) {
            session.insert(
                "notes".to_owned(),
                json!(format!("by {}", self.random.random::<u16>())),
            );
        }
        if self.random.random_bool(0.2) {
            session.insert(
                "sample_rate".to_owned(),
                json!(self.random.random_range(1..200)),
            );
        }
        if self.random.random_bool(0.2) {
            session.insert("updated_at".to_owned(), json!(self.stamp()));
        }
        let count = self.random.random_range(0..=RECORDS_MAX_COUNT);
        let records: Vec<_> = (0..count).map(|_| self.record()).collect();
        json!({ "session": session, "sensor_data": records })
    }

    /// Late data and conflicting values come by themselves: times and values are drawn at random.
    fn record(&mut self) -> Value {
        let mut record = Map::new();
        let sensor_type = ["accelerometer", "gps", "heart_rate"][self.random.random_range(0..3)];
        let millis = BEGIN_MILLIS + self.random.random_range(0..TIMES_COUNT);
        record.insert("sensor_type".to_owned(), json!(sensor_type));
        record.insert("timestamp".to_owned(), json!(millis));
        let value: f64 = self.random.random();
        let data = match self.random.random_range(0..3) {
            0 => json!({ "x": value }),
            1 => json!({ "x": value, "state": "moving" }),
            _ => json!({ "at": [value, null] }),
        };
        record.insert("data".to_owned(), data);
        if self.random.random_bool(0.3) {
            record.insert("updated_at".to_owned(), json!(self.stamp()));
        }
        Value::Object(record)
    }

    /// A time of a client's clock: of some minute of the last hours.
    fn stamp(&mut self) -> String {
        let now = koodtx_core::time::Timestamp::now();
        now.plus_micros(-60_000_000 * self.random.random_range(0..300_i64))
            .to_string()
    }
}
