//! What the tests share: where the recordings are, pushing, and a store that cuts reads short.

#[path = "../export/support/scripted_store.rs"]
#[allow(dead_code)]
mod scripted_store;

use std::sync::Arc;

use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::push::PushBatch;
use koodtx_core::store::{PushCommand, Quota, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_server::analysis::{Anomalies, SensorAnalysis, SessionAnalysis, analyse, anomalies};
use serde_json::{Value, json};

pub use scripted_store::ScriptedStore as TestStore;

/// The real recordings: push bodies, one a line.
pub const RECORDINGS: [&str; 2] = [
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/data/basic_motions.jsonl"
    ),
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/data/gps_tracks.jsonl"
    ),
];
/// What `expected_statistics.py` makes of them.
pub const EXPECTED: &str = include_str!("expected_statistics.json");

pub const USER: UserId = UserId(1);
pub const SESSION: &str = "0f81a4f3-c125-5dbf-ba8e-668c0884d7ac";
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

impl TestStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns at most `limit` records a read.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit: Some(limit),
            ..Self::default()
        }
    }

    pub async fn push_body(&self, body: &[u8], now: Timestamp) {
        let batch = PushBatch::parse(body).unwrap();
        assert_eq!(batch.errors, 0, "{:?}", batch.error_details);
        let command = PushCommand {
            user: USER,
            batch: Arc::new(batch),
            device_id: None,
            body_bytes: body.len() as u64,
            started_at: now,
            request_id: None,
            quota: Quota::default(),
        };
        self.push(command, now).await.unwrap();
    }

    /// Pushes records of [`SESSION`], given as `(sensor, milliseconds, data)`.
    pub async fn push_records(&self, records: &[(&str, f64, Value)]) {
        let records: Vec<Value> = records
            .iter()
            .map(|(sensor, millis, data)| {
                json!({"sensor_type": sensor, "timestamp": millis, "data": data})
            })
            .collect();
        let body = json!({
            "session": {"session_id": SESSION, "start_time": "2024-03-01T09:00:00Z"},
            "sensor_data": records,
        });
        self.push_body(body.to_string().as_bytes(), NOW).await;
    }

    pub async fn analyse(&self) -> SessionAnalysis {
        analyse(self, USER, session(), NOW).await.unwrap().unwrap()
    }

    pub async fn anomalies(&self, sensitivity: f64) -> Anomalies {
        let found = anomalies(self, USER, session(), sensitivity).await;
        found.unwrap().unwrap()
    }
}

/// A store with these records of [`SESSION`].
pub async fn store_of(records: &[(&str, f64, Value)]) -> TestStore {
    let store = TestStore::new();
    store.push_records(records).await;
    store
}

pub fn session() -> SessionId {
    SESSION.parse().unwrap()
}

/// The analysis of one sensor.
pub fn of<'a>(analysis: &'a SessionAnalysis, sensor: &str) -> &'a SensorAnalysis {
    &analysis.analysis[&SensorType::new(sensor).unwrap()]
}

/// Asserts that two texts of JSON say the same, numbers up to a relative distance.
pub fn assert_alike(actual: &Value, expected: &Value, tolerance: f64, path: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            let keys = |map: &serde_json::Map<String, Value>| {
                let mut keys: Vec<String> = map.keys().cloned().collect();
                keys.sort();
                keys
            };
            assert_eq!(keys(actual), keys(expected), "{path}");
            for (key, value) in actual {
                assert_alike(value, &expected[key], tolerance, &format!("{path}/{key}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{path}");
            for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                assert_alike(actual, expected, tolerance, &format!("{path}/{index}"));
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let scale = a.abs().max(b.abs());
            assert!((a - b).abs() <= tolerance * scale, "{path}: {a} is not {b}");
        }
        _ => assert_eq!(actual, expected, "{path}"),
    }
}
