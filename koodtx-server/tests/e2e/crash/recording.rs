//! Pushes that can be told apart by what is left of them.

use std::fmt::Write;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::mirror::RecordKey;

/// Time of the first sample of every session, in milliseconds.
const BEGIN_MILLIS: i64 = 1_700_000_000_000;
/// Samples of one push are this far apart, and those of other pushes to the session lie between
/// them: every push touches every block. More than there are pushes.
const STRIDE_MILLIS: i64 = 1_000_000;
const SENSOR_TYPES: [&str; 2] = ["accelerometer", "gyroscope"];

/// One push: its marker is in each of its records and in the notes of its session.
#[derive(Clone, Debug)]
pub struct Recording {
    pub marker: usize,
    pub session_id: String,
    /// Whether no other push is to this session.
    pub alone: bool,
    pub records_count: usize,
}

impl Recording {
    /// A push to a session of its own.
    pub fn alone(user: usize, marker: usize, records_count: usize) -> Self {
        let name = format!("user {user} push {marker}");
        let session_id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
        Self {
            marker,
            session_id,
            alone: true,
            records_count,
        }
    }

    /// A push to a session that many push to.
    pub fn shared(user: usize, session: usize, marker: usize, records_count: usize) -> Self {
        let name = format!("user {user} session {session}");
        let session_id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
        Self {
            marker,
            session_id,
            alone: false,
            records_count,
        }
    }

    pub fn body(&self) -> String {
        let session = json!({
            "session_id": self.session_id,
            "start_time": "2023-11-14T22:13:20Z",
            "enabled_sensors": SENSOR_TYPES,
            "notes": self.marker.to_string(),
        });
        let mut body = format!("{{\"session\":{session},\"sensor_data\":[");
        for index in 0..self.records_count {
            let separator = if index == 0 { "" } else { "," };
            let (sensor_type, millis) = (SENSOR_TYPES[index % 2], self.millis(index));
            let data = self.data(index);
            // Writing to a string cannot fail.
            let _ = write!(
                body,
                "{separator}{{\"sensor_type\":\"{sensor_type}\",\"timestamp\":{millis},\"data\":{data}}}"
            );
        }
        body.push_str("]}");
        body
    }

    /// Whether this is one of the push's records as it was sent.
    pub fn holds(&self, key: &RecordKey, data: &Value) -> bool {
        let Some(index) = data["index"].as_u64().map(|index| index as usize) else {
            return false;
        };
        index < self.records_count
            && key.micros == self.millis(index) * 1_000
            && key.sensor_type == SENSOR_TYPES[index % 2]
            && *data == self.data(index)
    }

    fn millis(&self, index: usize) -> i64 {
        BEGIN_MILLIS + index as i64 * STRIDE_MILLIS + self.marker as i64
    }

    fn data(&self, index: usize) -> Value {
        let x = (index * 7 + self.marker * 13) as f64 / 64.0 + 0.1;
        json!({ "push": self.marker, "index": index, "x": x, "unit": "m/s2" })
    }
}

/// The push that a stored record says it is from.
pub fn marker_of(data: &Value) -> Option<usize> {
    data["push"].as_u64().map(|marker| marker as usize)
}

/// The push that wrote a session's notes last.
pub fn marker_of_notes(metadata: &Value) -> Option<usize> {
    metadata["notes"].as_str()?.parse().ok()
}
