//! What must be on the server after an upload, worked out from the recordings themselves.

use std::collections::BTreeMap;

use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::{PulledRecord, RecordKey};
use super::{Replica, SessionCopy, same_value};

/// Differences that are spelled out; more are only counted.
const DIFFERENCES_SHOWN_COUNT: usize = 20;

/// The sessions of some recordings.
#[derive(Clone, Debug, Default)]
pub struct Expected(BTreeMap<String, ExpectedSession>);

#[derive(Clone, Debug, Default)]
struct ExpectedSession {
    metadata: Map<String, Value>,
    records: BTreeMap<RecordKey, Value>,
}

#[derive(Deserialize)]
struct PushBody {
    session: Map<String, Value>,
    sensor_data: Vec<PulledRecord>,
}

/// How a device's copy compares with the recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Sessions compared.
    pub sessions: usize,
    /// Records compared.
    pub records: usize,
    /// What differs, for the first differences.
    pub differences: Vec<String>,
    /// How many differences there are.
    pub differences_count: usize,
}

impl Expected {
    /// Applies push bodies in their order: of one field or one key the last value stays.
    ///
    /// # Errors
    /// The first body that cannot be read.
    pub fn from_bodies(bodies: &[String]) -> Result<Self, serde_json::Error> {
        let mut sessions: BTreeMap<String, ExpectedSession> = BTreeMap::new();
        for body in bodies {
            let PushBody {
                session,
                sensor_data,
            } = serde_json::from_str(body)?;
            let id = session
                .get("session_id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let expected = sessions.entry(id.to_lowercase()).or_default();
            expected.metadata.extend(session);
            expected.records.extend(
                sensor_data
                    .into_iter()
                    .map(|record| (record.key(), record.data)),
            );
        }
        Ok(Self(sessions))
    }

    /// Compares a device's copy value by value. Sessions that the recordings do not name are the
    /// account's own business.
    pub fn compare(&self, replica: &Replica) -> Comparison {
        let mut comparison = Comparison::default();
        for (id, expected) in &self.0 {
            comparison.sessions += 1;
            match replica.sessions().get(id) {
                Some(copy) => expected.compare(id, copy, &mut comparison),
                None => comparison.differ(format!("session {id} did not come back")),
            }
        }
        comparison
    }
}

impl ExpectedSession {
    fn compare(&self, id: &str, copy: &SessionCopy, comparison: &mut Comparison) {
        for (name, pushed) in self
            .metadata
            .iter()
            .filter(|(name, _)| *name != "session_id")
        {
            let pulled = copy.metadata.get(name).unwrap_or(&Value::Null);
            if !same_time(pushed, pulled) && !same_value(pushed, pulled) {
                comparison.differ(format!("session {id}: {name} was {pushed}, is {pulled}"));
            }
        }
        if copy.data_count != self.records.len() as u64 {
            let (count, wanted) = (copy.data_count, self.records.len());
            comparison.differ(format!("session {id}: data_count is {count}, not {wanted}"));
        }
        for (key, pushed) in &self.records {
            comparison.records += 1;
            match copy.records.get(key) {
                Some(pulled) if same_value(pushed, pulled) => {}
                pulled => {
                    comparison.differ(format!("session {id}, {key:?}: {pushed} is {pulled:?}"));
                }
            }
        }
        for key in copy
            .records
            .keys()
            .filter(|key| !self.records.contains_key(*key))
        {
            comparison.differ(format!("session {id}: nobody pushed a record {key:?}"));
        }
    }
}

/// Whether both are times, and the same one: `12:00:00Z` comes back for `12:00:00.000Z`.
fn same_time(left: &Value, right: &Value) -> bool {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    time(left).is_some_and(|left| time(right) == Some(left))
}

impl Comparison {
    fn differ(&mut self, what: String) {
        self.differences_count += 1;
        if self.differences.len() < DIFFERENCES_SHOWN_COUNT {
            self.differences.push(what);
        }
    }
}
