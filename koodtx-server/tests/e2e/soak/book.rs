//! What a user's devices sent, what everything has to look like in the end, and whether it does.

use std::collections::BTreeMap;

use koodtx_core::time::Timestamp;
use serde_json::{Value, json};

use super::old::OldSessions;
use crate::support::Mirror;
use crate::support::device::count;
use crate::support::mirror::{RecordKey, SessionCopy};

/// Stamps begin here, long ago, and no two pushes have the same.
const FIRST_STAMP_MICROS: i64 = 1_750_000_000_000_000;
const START: &str = "2023-11-14T22:13:20Z";
const END: &str = "2023-11-15T22:13:20Z";

/// One user's pushes. The value with the greatest stamp wins, whatever arrives when and how often.
pub struct Book {
    pushes_count: u64,
    sessions: BTreeMap<String, Session>,
    pub old: OldSessions,
    pub tally: Tally,
}

/// What was answered with 200.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub fresh: u64,
    pub retried: u64,
    pub conflicting: u64,
    pub late: u64,
    pub to_old: u64,
    pub in_columns: u64,
    pub deleted: u64,
    pub inserted: u64,
    pub updated: u64,
    pub duplicates: u64,
    pub whole_pulls: u64,
    pub rounds: u64,
}

/// A session, as it has to be in the end.
#[derive(Default)]
struct Session {
    /// The push that wrote last.
    last: u64,
    /// The push that wrote last to each key.
    records: BTreeMap<RecordKey, u64>,
    has_ended: bool,
    is_deleted: bool,
}

/// A push as a device sends it, again and again if need be.
#[derive(Clone, Debug)]
pub struct Push {
    pub session_id: String,
    pub records_count: u64,
    number: u64,
    keys: Vec<RecordKey>,
    ends: bool,
}

impl Book {
    pub fn new(old: OldSessions) -> Self {
        Self {
            pushes_count: 0,
            sessions: BTreeMap::new(),
            old,
            tally: Tally::default(),
        }
    }

    /// Makes up a push, which will be stored sooner or later.
    pub fn new_push(&mut self, session_id: &str, keys: Vec<RecordKey>, ends: bool) -> Push {
        self.pushes_count += 1;
        let number = self.pushes_count;
        let session = self.sessions.entry(session_id.to_owned()).or_default();
        session.last = number;
        session.has_ended |= ends;
        for key in &keys {
            session.records.insert(key.clone(), number);
        }
        Push {
            session_id: session_id.to_owned(),
            records_count: keys.len() as u64,
            number,
            keys,
            ends,
        }
    }

    /// Takes in what an answer of 200 says of a push.
    pub fn acknowledged(&mut self, push: &Push, answer: &Value) {
        let [inserted, updated, duplicates] =
            ["inserted", "updated", "duplicates"].map(|field| count(answer, field));
        let sum = inserted + updated + duplicates;
        assert_eq!(sum, push.records_count, "{answer}");
        assert_eq!(count(answer, "errors"), 0, "{answer}");
        self.tally.inserted += inserted;
        self.tally.updated += updated;
        self.tally.duplicates += duplicates;
    }

    pub fn deleted(&mut self, session_id: &str) {
        let session = self.sessions.get_mut(session_id).expect("it was pushed");
        session.is_deleted = true;
        // Nobody will look at them again, and a long soak deletes many.
        session.records = BTreeMap::new();
        self.tally.deleted += 1;
    }

    pub fn is_deleted(&self, session_id: &str) -> bool {
        self.sessions[session_id].is_deleted
    }

    /// Whether these sessions of a copy that was pulled meanwhile hold only what somebody pushed.
    pub fn check_meanwhile(&self, copy: &Mirror, ids: &[String]) {
        for id in ids.iter().filter(|id| !self.old.contains(id)) {
            // What changed may have been deleted on a later page.
            let Some(session) = copy.sessions.get(id) else {
                continue;
            };
            assert!(self.sessions.contains_key(id), "nobody pushed {id}");
            for (key, data) in &session.records {
                let number = data["push"].as_u64().unwrap_or(u64::MAX);
                assert!(number <= self.pushes_count, "nobody pushed {key:?}: {data}");
                assert_eq!(*data, sample(number, key), "{id} {key:?}");
            }
        }
    }

    /// Whether a copy of what the server has is what it has to be.
    pub fn check(&self, copy: &Mirror) {
        copy.assert_counts();
        let live = self.sessions.iter().filter(|(_, one)| !one.is_deleted);
        let live: BTreeMap<_, _> = live.collect();
        let (old, recorded): (Vec<_>, Vec<_>) = copy
            .sessions
            .iter()
            .partition(|(id, _)| self.old.contains(id));
        assert!(
            live.keys().eq(recorded.iter().map(|(id, _)| id)),
            "sessions"
        );
        for (id, stored) in recorded {
            live[id].check(id, stored);
        }
        self.old.check(&old.into_iter().collect());
    }

    /// How many pushes the sync log has to tell of, beside those to old sessions.
    pub fn pushes_acknowledged_count(&self) -> u64 {
        let tally = &self.tally;
        tally.fresh + tally.retried + tally.conflicting + tally.late + tally.to_old
    }
}

impl Session {
    fn check(&self, id: &str, stored: &SessionCopy) {
        assert_eq!(stored.metadata["notes"], self.last.to_string(), "{id}");
        assert_eq!(stored.metadata["is_active"], !self.has_ended, "{id}");
        let differs = self
            .records
            .iter()
            .find(|(key, number)| stored.records.get(key) != Some(&sample(**number, key)));
        assert!(differs.is_none(), "{id} has not {differs:?}");
        assert_eq!(stored.records.len(), self.records.len(), "{id}");
    }
}

impl Push {
    /// The body in the documented form.
    pub fn rows(&self) -> Value {
        let stamp = self.stamp();
        let records: Vec<_> = self
            .keys
            .iter()
            .map(|key| {
                json!({
                    "sensor_type": key.sensor_type, "timestamp": key.micros / 1_000,
                    "data": sample(self.number, key), "updated_at": stamp,
                })
            })
            .collect();
        json!({ "session": self.session(), "sensor_data": records })
    }

    /// The body in the columnar form.
    pub fn columns(&self) -> Value {
        let mut sensors: BTreeMap<&str, Vec<&RecordKey>> = BTreeMap::new();
        for key in &self.keys {
            sensors.entry(&key.sensor_type).or_default().push(key);
        }
        let group = |(sensor_type, keys): (&str, Vec<&RecordKey>)| {
            let times: Vec<_> = keys.iter().map(|key| key.micros / 1_000).collect();
            let values = |name: &str| -> Vec<_> {
                let value = |key: &&RecordKey| sample(self.number, key)[name].take();
                keys.iter().map(value).collect()
            };
            json!({
                "sensor_type": sensor_type, "timestamp": times, "updated_at": self.stamp(),
                "data": { "push": values("push"), "x": values("x") },
            })
        };
        let groups: Vec<_> = sensors.into_iter().map(group).collect();
        json!({ "session": self.session(), "columns": groups })
    }

    fn session(&self) -> Value {
        let mut session = json!({
            "session_id": self.session_id, "start_time": START, "notes": self.number.to_string(),
            "updated_at": self.stamp(),
        });
        if self.ends {
            session["end_time"] = json!(END);
        }
        session
    }

    fn stamp(&self) -> Timestamp {
        Timestamp::from_micros(FIRST_STAMP_MICROS + self.number.cast_signed())
    }
}

/// What a push writes to a key.
fn sample(push: u64, key: &RecordKey) -> Value {
    let x = (key.micros / 1_000 % 1_000) as f64 / 8.0;
    // Never a whole number: those come back without a fraction.
    json!({ "push": push, "x": x + 0.0625 })
}
