//! What a user's devices sent, what everything has to look like in the end, and whether it does.

use std::collections::{BTreeMap, BTreeSet};

use koodtx_core::store::Store;
use koodtx_core::sync_log::{SyncKind, SyncStatus};
use koodtx_core::time::Timestamp;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::index::sample;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Mirror;
use crate::support::device::count;
use crate::support::mirror::RecordKey;

/// Sample times of a series: few, so that pushes collide.
const TIMES_COUNT: usize = 60;
const RECORDS_MAX_COUNT: usize = 12;
const BEGIN_MILLIS: i64 = 1_700_000_000_000;
/// Stamps begin here, long ago, and no two pushes have the same.
const FIRST_STAMP_MICROS: i64 = 1_750_000_000_000_000;
const SENSORS: [&str; 2] = ["acc", "gps"];
/// All entries of a log.
const LOG_MAX_COUNT: usize = 1_000_000;

/// One user's pushes. The value with the greatest stamp wins, whatever arrives when and how often.
pub struct Ledger {
    username: String,
    pushes_count: usize,
    sessions: BTreeMap<String, Session>,
    /// Names of all requests that pushed.
    sent: BTreeSet<String>,
    acknowledged: Vec<Acknowledged>,
    /// Requests that a client gave up.
    pub aborted_count: usize,
    /// Answers that spoke of a defect.
    pub internal_count: usize,
    repeated_count: usize,
}

/// A session, as it has to be in the end.
#[derive(Default)]
struct Session {
    /// The push that wrote last.
    last: usize,
    /// The push that wrote last to each key.
    records: BTreeMap<RecordKey, usize>,
    is_deleted: bool,
}

/// A push as a device sends it, again and again if need be.
pub struct Push {
    pub number: usize,
    pub body: String,
    records_count: u64,
}

/// What an answer of 200 to a push said.
struct Acknowledged {
    log_id: u64,
    request_id: String,
    /// Inserted, updated, duplicates.
    counts: [u64; 3],
}

/// How a user's pushes went.
#[derive(Debug)]
pub struct Tally {
    pub acknowledged: usize,
    pub repeated: usize,
}

impl Ledger {
    pub fn new(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            pushes_count: 0,
            sessions: BTreeMap::new(),
            sent: BTreeSet::new(),
            acknowledged: Vec::new(),
            aborted_count: 0,
            internal_count: 0,
            repeated_count: 0,
        }
    }

    /// Makes up a push, which will be repeated until it is stored.
    pub fn new_push(&mut self, session: u128, random: &mut StdRng) -> Push {
        let number = self.pushes_count;
        self.pushes_count += 1;
        let id = Uuid::from_u128(session).to_string();
        let stamp = Timestamp::from_micros(FIRST_STAMP_MICROS + number as i64);
        let model = self.sessions.entry(id.clone()).or_default();
        model.last = number;
        let mut records = Vec::new();
        for sensor_type in SENSORS {
            let count = random.random_range(0..=RECORDS_MAX_COUNT);
            for time in sample(random, TIMES_COUNT, count) {
                let record = json!({
                    "sensor_type": sensor_type, "timestamp": BEGIN_MILLIS + time as i64,
                    "data": { "push": number }, "updated_at": stamp,
                });
                model.records.insert(RecordKey::of(&record), number);
                records.push(record);
            }
        }
        let session = json!({
            "session_id": id, "start_time": "2023-11-14T22:13:20Z", "notes": number.to_string(),
            "updated_at": stamp,
        });
        Push {
            number,
            records_count: records.len() as u64,
            body: json!({ "session": session, "sensor_data": records }).to_string(),
        }
    }

    /// Notes that a push is about to be sent; returns the name of the request.
    pub fn sending(&mut self, push: &Push, attempt: usize) -> String {
        let id = format!("{}-{}-{attempt}", self.username, push.number);
        self.repeated_count += usize::from(attempt > 0);
        assert!(self.sent.insert(id.clone()), "{id} twice");
        id
    }

    pub fn acknowledged(&mut self, push: &Push, request_id: String, answer: &Value) {
        let counts = ["inserted", "updated", "duplicates"].map(|field| count(answer, field));
        assert_eq!(counts.iter().sum::<u64>(), push.records_count, "{answer}");
        assert_eq!(count(answer, "errors"), 0, "{answer}");
        let log_id = count(answer, "sync_log_id");
        self.acknowledged.push(Acknowledged {
            log_id,
            request_id,
            counts,
        });
    }

    pub fn deleted(&mut self, session_id: &str) {
        let session = self.sessions.get_mut(session_id);
        session.expect("it was pushed").is_deleted = true;
    }

    /// Whether a copy of what the server has is what it has to be.
    pub fn check_copy(&self, copy: &Mirror) {
        copy.assert_counts();
        let live = self
            .sessions
            .iter()
            .filter(|(_, session)| !session.is_deleted);
        let live: BTreeMap<_, _> = live.collect();
        assert!(live.keys().copied().eq(copy.sessions.keys()), "sessions");
        for (id, session) in live {
            let stored = &copy.sessions[id];
            assert_eq!(stored.metadata["notes"], session.last.to_string(), "{id}");
            let records = stored
                .records
                .iter()
                .map(|(key, data)| (key, &data["push"]));
            let expected = session.records.iter().map(|(key, push)| (key, json!(push)));
            for ((key, found), (expected_key, expected)) in records.zip(expected) {
                assert_eq!((key, found), (expected_key, &expected), "{id}");
            }
            assert_eq!(stored.records.len(), session.records.len(), "{id}");
        }
    }

    /// Whether the sync log tells of all that was acknowledged and of nothing that was not sent, and its
    /// counts add up; how many pushes it has.
    pub async fn check_log(&self, store: &dyn Store) -> usize {
        let found = store.credentials(&self.username).await;
        let user = found.expect("the store answers").expect("a user").user.id;
        let status = store.status(user, LOG_MAX_COUNT).await;
        let mut log = status.expect("the store answers").recent_syncs;
        log.retain(|logged| logged.entry.kind == SyncKind::Push);

        let mut by_request = BTreeMap::new();
        let mut inserted: BTreeMap<String, u64> = BTreeMap::new();
        for logged in &log {
            let entry = &logged.entry;
            assert_eq!(entry.status, SyncStatus::Success, "{logged:?}");
            let request_id = entry.request_id.clone().expect("requests have names");
            assert!(self.sent.contains(&request_id), "{logged:?}");
            let counts = [entry.inserted, entry.updated, entry.duplicates_count];
            assert_eq!(
                counts.iter().sum::<u64>(),
                entry.records_count,
                "{logged:?}"
            );
            let session = entry.session_id.expect("a push has a session").to_string();
            *inserted.entry(session).or_default() += entry.inserted;
            let other = by_request.insert(request_id, (logged.id.0.unsigned_abs(), counts));
            assert_eq!(other, None, "a request was stored twice: {logged:?}");
        }
        for promise in &self.acknowledged {
            let logged = by_request.get(&promise.request_id);
            let expected = (promise.log_id, promise.counts);
            assert_eq!(logged, Some(&expected), "{}", promise.request_id);
        }
        for (id, session) in &self.sessions {
            assert_eq!(
                inserted[id],
                session.records.len() as u64,
                "inserted of {id}"
            );
        }
        log.len()
    }

    pub fn tally(&self) -> Tally {
        Tally {
            acknowledged: self.acknowledged.len(),
            repeated: self.repeated_count,
        }
    }
}
