//! Sessions from before the soak: they get too old one after the other while it lasts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use koodtx_core::id::SignInId;
use koodtx_core::push::PushBatch;
use koodtx_core::service::{Caller, SyncService};
use koodtx_core::store::Store;
use koodtx_core::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::plan::Plan;
use crate::support::device::count;
use crate::support::mirror::SessionCopy;

/// Ended sessions of a user whose samples are purged in the end, unless somebody pushes to them before.
pub const ENDED_COUNT: usize = 60;
/// Sessions of a user that seem to record still, and are closed.
pub const SILENT_COUNT: usize = 40;
/// What the server is told: `KOODTX_RETENTION_DAYS`, `KOODTX_LOG_RETENTION_DAYS` and
/// `KOODTX_STALE_SESSION_HOURS`, each the least that may be set.
pub const RETENTION_DAYS: u64 = 1;
pub const SILENT_HOURS: u64 = 1;

const FIRST_ENDED: u128 = 100 << 64;
const FIRST_SILENT: u128 = 200 << 64;
const SAMPLES_COUNT: usize = 40;
const LATE_SAMPLES_COUNT: usize = 5;
const BEGIN_MILLIS: usize = 1_700_000_000_000;
/// Late samples are of a later time.
const LATE_MILLIS: usize = BEGIN_MILLIS + 1_000_000;
const START: &str = "2023-11-14T22:13:20Z";
const ENDED_AT: &str = "2023-11-14T23:13:20Z";
/// The time of the last sample.
const LAST_SAMPLE_AT: &str = "2023-11-14T22:13:20.039Z";

/// A user's sessions of before.
pub struct OldSessions {
    /// Those that have ended.
    ended: BTreeMap<String, Ended>,
    silent: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Nobody pushed to it: its samples have to be gone in the end.
    Untouched,
    /// A late push came before the purge: all samples stay.
    Kept,
    /// A late push came behind the purge: only its samples are there.
    PurgedBefore,
}

impl OldSessions {
    /// Stores them as if that had been long ago, each a little later than the one before.
    pub async fn store(store: Arc<dyn Store>, username: &str, plan: Plan) -> Self {
        let found = store.credentials(username).await.expect("a store");
        let caller = Caller {
            user: found.expect("the user is registered").user.id,
            device_id: Some("old".to_owned()),
            sign_in: SignInId(Uuid::nil()),
            request_id: None,
        };
        let begin = Timestamp::now();
        let clock = Arc::new(AtomicI64::new(0));
        let reading = clock.clone();
        let now = move || Timestamp::from_micros(reading.load(Ordering::Relaxed));
        let service = SyncService::with_clock(store, Arc::new(now));
        let push = async |number: u128, has_ended: bool, age: Duration, too_old_in: Duration| {
            let micros = (age.as_micros() - too_old_in.as_micros()) as i64;
            clock.store(begin.plus_micros(-micros).as_micros(), Ordering::Relaxed);
            let body = body(number, has_ended, BEGIN_MILLIS, SAMPLES_COUNT).to_string();
            let batch = Arc::new(PushBatch::parse(body.as_bytes()).expect("a good body"));
            let bytes = body.len() as u64;
            let pushed = service.push(&caller, batch, bytes, service.now()).await;
            let inserted = pushed.expect("the store takes it").inserted;
            assert_eq!(inserted, SAMPLES_COUNT as u64);
        };
        // In the order of time: a user's clock does not go back.
        let days = Duration::from_hours(24 * RETENTION_DAYS);
        for (number, nth) in (FIRST_ENDED..).zip(0..ENDED_COUNT) {
            push(number, true, days, plan.aged_at(nth, ENDED_COUNT)).await;
        }
        let hours = Duration::from_hours(SILENT_HOURS);
        for (number, nth) in (FIRST_SILENT..).zip(0..SILENT_COUNT) {
            push(number, false, hours, plan.aged_at(nth, SILENT_COUNT)).await;
        }
        let ids = |first, count| (first..).map(id).take(count);
        Self {
            ended: ids(FIRST_ENDED, ENDED_COUNT)
                .map(|id| (id, Ended::Untouched))
                .collect(),
            silent: ids(FIRST_SILENT, SILENT_COUNT).collect(),
        }
    }

    pub fn contains(&self, id: &str) -> bool {
        self.ended.contains_key(id) || self.silent.iter().any(|silent| silent == id)
    }

    /// Takes in the answer to a [`late_body`].
    pub fn answered(&mut self, nth: usize, answer: &Value) {
        assert_eq!(count(answer, "inserted"), LATE_SAMPLES_COUNT as u64);
        let stored = count(answer, "session_data_count") as usize;
        let session = self.ended.get_mut(&late_id(nth)).expect("it is there");
        assert_eq!(*session, Ended::Untouched, "pushed to once");
        *session = match stored {
            LATE_SAMPLES_COUNT => Ended::PurgedBefore,
            _ if stored == SAMPLES_COUNT + LATE_SAMPLES_COUNT => Ended::Kept,
            _ => panic!("purged in part: {answer}"),
        };
    }

    /// Whether everything that is too old is gone by now, or closed.
    pub fn are_done(&self, copies: &BTreeMap<String, SessionCopy>) -> bool {
        let is_purged = |id: &String| !copies[id].metadata["data_purged_at"].is_null();
        let untouched = self
            .ended
            .iter()
            .filter(|(_, one)| **one == Ended::Untouched);
        let is_closed = |id: &String| copies[id].metadata["is_active"] == false;
        untouched.map(|(id, _)| id).all(is_purged) && self.silent.iter().all(is_closed)
    }

    /// How many samples of sessions were purged.
    pub fn purged_count(&self) -> usize {
        let was_purged = |one: &&Ended| **one != Ended::Kept;
        self.ended.values().filter(was_purged).count()
    }

    /// Whether they are what they have to be in the end.
    pub fn check(&self, copies: &BTreeMap<&String, &SessionCopy>) {
        assert_eq!(copies.len(), self.ended.len() + self.silent.len());
        for (id, session) in &self.ended {
            let copy = copies[id];
            let first = copy
                .records
                .keys()
                .next()
                .map(|key| key.micros as usize / 1_000);
            let expected = match session {
                Ended::Untouched => (0, None),
                Ended::Kept => (SAMPLES_COUNT + LATE_SAMPLES_COUNT, Some(BEGIN_MILLIS)),
                Ended::PurgedBefore => (LATE_SAMPLES_COUNT, Some(LATE_MILLIS)),
            };
            assert_eq!((copy.records.len(), first), expected, "{id}");
            let is_purged = !copy.metadata["data_purged_at"].is_null();
            assert_eq!(is_purged, *session != Ended::Kept, "{id}: {session:?}");
        }
        for id in &self.silent {
            let copy = copies[id];
            assert_eq!(copy.records.len(), SAMPLES_COUNT, "{id}");
            assert_eq!(copy.metadata["is_active"], false, "{id}");
            assert_eq!(copy.metadata["end_time"], LAST_SAMPLE_AT, "{id}");
            let notes = copy.metadata["notes"].as_str().unwrap_or_default();
            assert!(notes.starts_with("[closed by the server"), "{id}: {notes}");
        }
    }
}

/// More samples of the `nth` ended session, from a phone that was out of reach.
pub fn late_body(nth: usize) -> Value {
    body(
        FIRST_ENDED + nth as u128,
        true,
        LATE_MILLIS,
        LATE_SAMPLES_COUNT,
    )
}

fn late_id(nth: usize) -> String {
    id(FIRST_ENDED + nth as u128)
}

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn body(number: u128, has_ended: bool, begin_millis: usize, count: usize) -> Value {
    let records: Vec<_> = (begin_millis..begin_millis + count)
        .map(|time| json!({ "sensor_type": "acc", "timestamp": time, "data": { "x": time } }))
        .collect();
    let mut session = json!({ "session_id": id(number), "start_time": START });
    if has_ended {
        session["end_time"] = json!(ENDED_AT);
    }
    json!({ "session": session, "sensor_data": records })
}
