//! A device's copy of everything a user has.

use std::collections::BTreeMap;

use serde_json::Value;

/// Sessions by their id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mirror {
    pub sessions: BTreeMap<String, SessionCopy>,
}

/// A session as a pull shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionCopy {
    /// Every member but the records.
    pub metadata: Value,
    /// `data` of each record.
    pub records: BTreeMap<RecordKey, Value>,
}

/// The dedup key within a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// Sample time in microseconds.
    pub micros: i64,
    pub sensor_type: String,
}

impl RecordKey {
    /// The key of a record of a push or a pull.
    pub fn of(record: &Value) -> Self {
        let timestamp = &record["timestamp"];
        let micros = match timestamp.as_i64() {
            Some(millis) => millis * 1_000,
            None => (timestamp.as_f64().expect("a timestamp") * 1_000.0).round() as i64,
        };
        let sensor_type = record["sensor_type"]
            .as_str()
            .expect("a sensor type")
            .to_owned();
        Self {
            micros,
            sensor_type,
        }
    }
}

impl Mirror {
    /// Takes a page in. `keeps_records` where it holds only what changed.
    pub fn apply(&mut self, page: Value, keeps_records: bool) {
        let Value::Object(mut page) = page else {
            panic!("a page is an object")
        };
        for id in page["deleted_session_ids"].as_array().expect("an array") {
            self.sessions.remove(id.as_str().expect("an id"));
        }
        let Some(Value::Array(sessions)) = page.remove("sessions") else {
            panic!("no sessions")
        };
        for session in sessions {
            self.apply_session(session, keeps_records);
        }
    }

    fn apply_session(&mut self, session: Value, keeps_records: bool) {
        let Value::Object(mut metadata) = session else {
            panic!("a session is an object")
        };
        let continues = metadata.remove("continues") == Some(Value::Bool(true));
        let Some(Value::Array(records)) = metadata.remove("sensor_data") else {
            panic!("no records")
        };
        let id = metadata["session_id"].as_str().expect("an id").to_owned();
        let metadata = Value::Object(metadata);
        let copy = self.sessions.entry(id).or_insert_with(|| SessionCopy {
            metadata: Value::Null,
            records: BTreeMap::new(),
        });
        copy.metadata = metadata;
        if !continues && !keeps_records {
            copy.records.clear();
        }
        for mut record in records {
            copy.records
                .insert(RecordKey::of(&record), record["data"].take());
        }
    }

    /// Fails where a session's `data_count` is not its number of records.
    #[track_caller]
    pub fn assert_counts(&self) {
        self.sessions.values().for_each(SessionCopy::assert_count);
    }

    /// Fails where the copies differ, and says where rather than showing both.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, what: &str) {
        let ids = |mirror: &Self| mirror.sessions.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(self), ids(other), "{what}: sessions");
        for (id, mine) in &self.sessions {
            let theirs = &other.sessions[id];
            assert_eq!(mine.metadata, theirs.metadata, "{what}: metadata of {id}");
            let lost = theirs
                .records
                .iter()
                .find(|(key, data)| mine.records.get(key) != Some(data));
            let extra = mine
                .records
                .keys()
                .find(|key| !theirs.records.contains_key(key));
            assert!(
                lost.is_none() && extra.is_none(),
                "{what}: session {id} lacks or differs in {lost:?} and holds {extra:?} beyond"
            );
        }
    }
}

impl SessionCopy {
    /// Fails where `data_count` is not the number of records.
    #[track_caller]
    pub fn assert_count(&self) {
        let count = self.metadata["data_count"].as_u64();
        assert_eq!(
            count,
            Some(self.records.len() as u64),
            "data_count of {}",
            self.metadata
        );
    }
}
