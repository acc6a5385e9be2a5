//! A device that records, repeats, contradicts others, comes late, and deletes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::index::sample;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;
use uuid::Uuid;

use super::book::{Book, Push, Tally};
use super::user::lock;
use crate::support::Device;
use crate::support::columns::MEDIA_TYPE;
use crate::support::compress::{CODINGS, compress};
use crate::support::device::count;
use crate::support::mirror::RecordKey;

/// Sessions of its own that a device keeps; it deletes the oldest when there is another.
const OWN_SESSIONS_COUNT: usize = 3;
/// Batches of a recording.
const BATCHES_COUNT: i64 = 3;
const BATCH_RECORDS_COUNT: i64 = 150;
const STEP_MILLIS: i64 = 10;
const BEGIN_MILLIS: i64 = 1_700_000_000_000;
const SENSORS: [&str; 2] = ["acc", "gps"];
/// Sessions that all devices of a user push to, at few times, so that they contradict each other.
const SHARED_SESSIONS_COUNT: u128 = 2;
const SHARED_TIMES_COUNT: usize = 300;
const SHARED_RECORDS_MAX_COUNT: usize = 40;
/// Pushes that a device holds back for later.
const HELD_MAX_COUNT: usize = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// A device of a user.
pub struct Recorder {
    device: Device,
    number: u128,
    book: Arc<Mutex<Book>>,
    random: StdRng,
    sessions_count: u128,
    own: VecDeque<Own>,
    held: Vec<Push>,
}

/// A session that only this device pushes to.
struct Own {
    id: String,
    batches: i64,
}

impl Recorder {
    pub fn new(device: Device, number: u128, book: Arc<Mutex<Book>>) -> Self {
        Self {
            device,
            number,
            book,
            random: StdRng::seed_from_u64(number as u64),
            sessions_count: 0,
            own: VecDeque::new(),
            held: Vec::new(),
        }
    }

    /// Goes on with a server that was started again.
    pub fn go_on_at(&mut self, device: Device) {
        self.device = device;
    }

    /// Works for that long.
    pub async fn work(mut self, end: Instant) -> Self {
        while Instant::now() < end {
            match self.random.random_range(0..100) {
                0..50 => self.record().await,
                50..75 => self.contradict().await,
                75..85 => self.hold_back(),
                85..95 => self.come_late().await,
                _ => self.look().await,
            }
            tokio::time::sleep(PAUSE).await;
        }
        self
    }

    /// Pushes what is held back, so that nothing is left.
    pub async fn finish(mut self) {
        while !self.held.is_empty() {
            self.come_late().await;
        }
    }

    async fn record(&mut self) {
        let push = self.next_batch();
        self.push(&push, |tally| &mut tally.fresh).await;
        if self.random.random_bool(0.2) {
            let answer = self.push(&push, |tally| &mut tally.retried).await;
            let changed = count(&answer, "inserted") + count(&answer, "updated");
            assert_eq!(changed, 0, "a retry changed something: {answer}");
        }
        if self.own.len() > OWN_SESSIONS_COUNT {
            let oldest = self.own.pop_front().expect("there are some");
            let deleted = self.device.delete_session(&oldest.id).await;
            deleted.expect("the server answers").ok();
            lock(&self.book).deleted(&oldest.id);
        }
    }

    /// The next samples of the session that is being recorded, or of a new one.
    fn next_batch(&mut self) -> Push {
        if self
            .own
            .back()
            .is_none_or(|own| own.batches == BATCHES_COUNT)
        {
            self.sessions_count += 1;
            let id = ((self.number + 1) << 64) + self.sessions_count;
            let id = Uuid::from_u128(id).to_string();
            self.own.push_back(Own { id, batches: 0 });
        }
        let own = self.own.back_mut().expect("one was just begun");
        let first = own.batches * BATCH_RECORDS_COUNT;
        own.batches += 1;
        let keys = (first..first + BATCH_RECORDS_COUNT)
            .flat_map(|nth| SENSORS.map(|sensor| key(sensor, BEGIN_MILLIS + nth * STEP_MILLIS)));
        let ends = own.batches == BATCHES_COUNT;
        lock(&self.book).new_push(&own.id, keys.collect(), ends)
    }

    /// Pushes to what others push to.
    async fn contradict(&mut self) {
        let push = self.shared();
        self.push(&push, |tally| &mut tally.conflicting).await;
    }

    fn shared(&mut self) -> Push {
        let session = Uuid::from_u128(self.random.random_range(1..=SHARED_SESSIONS_COUNT));
        let count = self.random.random_range(0..=SHARED_RECORDS_MAX_COUNT);
        let times = sample(&mut self.random, SHARED_TIMES_COUNT, count).into_iter();
        let keys: Vec<_> = times
            .map(|time| key(SENSORS[time % 2], BEGIN_MILLIS + time as i64))
            .collect();
        lock(&self.book).new_push(&session.to_string(), keys, false)
    }

    /// Makes up a push and keeps it: by the time that it arrives, others have written what is newer.
    fn hold_back(&mut self) {
        if self.held.len() < HELD_MAX_COUNT {
            let push = if self.random.random_bool(0.5) {
                self.shared()
            } else {
                self.next_batch()
            };
            self.held.push(push);
        }
    }

    async fn come_late(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let nth = self.random.random_range(0..self.held.len());
        let push = self.held.swap_remove(nth);
        let answer = self.push(&push, |tally| &mut tally.late).await;
        if lock(&self.book).is_deleted(&push.session_id) {
            let duplicates = count(&answer, "duplicates");
            assert_eq!(duplicates, push.records_count, "it is deleted: {answer}");
        }
    }

    /// Reads this and that.
    async fn look(&mut self) {
        self.device.get("/api/sync/status").await;
        let list = self.device.get("/api/sessions?limit=10").await;
        let sessions = list["sessions"].as_array().expect("an array");
        if let Some(id) = sessions.first().and_then(|one| one["session_id"].as_str()) {
            // Another device may have deleted it, and not every session is analysed.
            for path in ["", "/analysis"] {
                let path = format!("/api/sessions/{id}{path}");
                let answer = self.device.try_get(&path).await;
                assert!([200, 404].contains(&answer.status.as_u16()), "{answer:?}");
            }
        }
    }

    /// Pushes in the one form or the other, compressed or not, and counts it.
    async fn push(&mut self, push: &Push, count: fn(&mut Tally) -> &mut u64) -> Value {
        let in_columns = self.random.random_bool(0.5);
        let (kind, body) = if in_columns {
            (MEDIA_TYPE, push.columns())
        } else {
            ("application/json", push.rows())
        };
        let body = body.to_string();
        let request = self.device.request(Method::POST, "/api/sync/push");
        let request = request.header(CONTENT_TYPE, kind);
        let request = if self.random.random_bool(0.25) {
            let coding = CODINGS[self.random.random_range(0..CODINGS.len())];
            let body = compress(coding, body.as_bytes()).await;
            request.header(CONTENT_ENCODING, coding).body(body)
        } else {
            request.body(body)
        };
        let answer = self.device.send(request).await.expect("the server answers");
        let answer = answer.ok();
        let mut book = lock(&self.book);
        book.acknowledged(push, &answer);
        *count(&mut book.tally) += 1;
        book.tally.in_columns += u64::from(in_columns);
        answer
    }
}

fn key(sensor_type: &str, millis: i64) -> RecordKey {
    RecordKey {
        micros: millis * 1_000,
        sensor_type: sensor_type.to_owned(),
    }
}
