//! Devices that follow the protocol's loop while others write end with exactly the server's state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::device::count;
use crate::support::follower::Style;
use crate::support::{Device, Folder, Follower, Server};

/// Rounds that every follower pulls beside the writers.
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
    let servers = [folder.start()];
    let race = Race {
        writers_count: 4,
        styles: both_styles(),
        rounds_count: ROUNDS_COUNT,
        deletes: true,
        shortest: Duration::ZERO,
    };
    let records = race.run(&servers, "ann").await;
    servers.into_iter().for_each(Server::stop);
    assert_eq!(folder.verify(), records);
    folder.assert_no_panic();
}

/// Devices of one user that write while others follow.
#[derive(Clone, Debug)]
pub struct Race {
    pub writers_count: u64,
    /// One follower of each.
    pub styles: Vec<Style>,
    /// The writers go on until every follower has pulled that many rounds in between.
    pub rounds_count: usize,
    /// Whether the writers delete too. Where they do not, what was inserted has to be there.
    pub deletes: bool,
    /// The writers go on for at least that long.
    pub shortest: Duration,
}

/// The ways of following, each with small answers.
pub fn both_styles() -> Vec<Style> {
    vec![
        Style::Pages { size: 2 },
        Style::Cursors {
            size: 3,
            max_records: MAX_RECORDS,
        },
    ]
}

impl Race {
    /// Runs it for a new user, with every device spread over the servers; how many records are there
    /// afterwards.
    pub async fn run(&self, servers: &[Server], username: &str) -> u64 {
        let device = Device::register(&servers[0], username).await;
        let device = device.across(servers);
        let finish = Arc::new(Finish {
            lagging: AtomicUsize::new(self.styles.len()),
            not_before: Instant::now() + self.shortest,
        });
        let mut followers = Vec::new();
        for (number, style) in self.styles.iter().enumerate() {
            let name = format!("{username}'s {number}");
            let device = Device::login(&servers[0], username, &name).await;
            let device = device.across(servers);
            let follower = Follower::new(device, style.clone());
            followers.push(follow(follower, self.rounds_count, finish.clone()));
        }
        let writers: Vec<_> = (0..self.writers_count)
            .map(|number| {
                let writer = Writer::new(device.clone(), number, self.deletes);
                tokio::spawn(writer.work(finish.clone()))
            })
            .collect();
        let mut inserted = 0;
        for writer in writers {
            inserted += writer.await.expect("every write was accepted");
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
        let sessions = state.sessions.values();
        let records = sessions.map(|session| session.records.len() as u64).sum();
        if !self.deletes {
            assert_eq!(inserted, records, "what was inserted is what is there");
        }
        records
    }
}

/// When the writers have done enough.
struct Finish {
    /// Followers that have not pulled enough rounds yet.
    lagging: AtomicUsize,
    not_before: Instant,
}

impl Finish {
    fn is_reached(&self) -> bool {
        self.lagging.load(Ordering::Relaxed) == 0 && Instant::now() >= self.not_before
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_idle_downloads_a_change_once() {
    let folder = Folder::new();
    let server = folder.start();
    let device = Device::register(&server, "ann").await;
    let mut writer = Writer::new(device.clone(), 0, false);
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
fn follow(
    mut follower: Follower,
    rounds_count: usize,
    finish: Arc<Finish>,
) -> JoinHandle<Follower> {
    tokio::spawn(async move {
        let mut rounds = 0;
        while !finish.is_reached() {
            follower.round().await.expect("the server answers");
            rounds += 1;
            if rounds == rounds_count {
                finish.lagging.fetch_sub(1, Ordering::Relaxed);
            }
        }
        follower
    })
}

struct Writer {
    device: Device,
    number: u64,
    deletes: bool,
    random: StdRng,
    new_sessions: u128,
    inserted: u64,
}

impl Writer {
    fn new(device: Device, number: u64, deletes: bool) -> Self {
        Self {
            device,
            number,
            deletes,
            random: StdRng::seed_from_u64(number),
            new_sessions: 0,
            inserted: 0,
        }
    }

    /// Changes every old session.
    async fn push_to_each(&mut self) {
        for id in 0..OLD_SESSIONS_COUNT {
            let mut body = self.body(&Uuid::from_u128(id).to_string());
            body["session"]["notes"] = json!(self.random.random::<u64>().to_string());
            body["session"]["updated_at"] = Value::Null;
            self.push(&body).await;
        }
    }

    /// Writes until it is enough; returns how many records were inserted.
    async fn work(mut self, finish: Arc<Finish>) -> u64 {
        while !finish.is_reached() {
            let id = self.session_id();
            if self.deletes && self.random.random_bool(0.08) {
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
            self.push(&body).await;
            if self.random.random_bool(0.2) {
                // A retry, which may meet what others wrote meanwhile.
                self.push(&body).await;
            }
        }
        self.inserted
    }

    async fn push(&mut self, body: &Value) {
        let answer = self.device.push_ok(body).await;
        self.inserted += count(&answer, "inserted");
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
