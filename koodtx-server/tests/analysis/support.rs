//! What the tests share: where the recordings are, pushing, and a store that cuts reads short.

use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::id::{LogId, SensorType, SessionId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::{Damage, PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::push::PushBatch;
use koodtx_core::store::{
    PushCommand, PushOutcome, SessionDetail, SessionList, StoreError, StoreInfo, SyncStore,
    UserStatus,
};
use koodtx_core::sync_log::NewSyncLogEntry;
use koodtx_core::time::Timestamp;
use koodtx_server::analysis::{Anomalies, SensorAnalysis, SessionAnalysis, analyse, anomalies};
use serde_json::{Value, json};

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

/// A memory store that returns at most `limit` records a read.
#[derive(Debug)]
pub struct TestStore {
    pub inner: MemoryStore,
    pub limit: usize,
    pub damaged: Vec<Damage>,
}

impl TestStore {
    pub fn new() -> Self {
        Self::with_limit(usize::MAX)
    }

    pub fn with_limit(limit: usize) -> Self {
        Self {
            inner: MemoryStore::new(),
            limit,
            damaged: Vec::new(),
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

#[async_trait]
impl SyncStore for TestStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        self.inner.push(command, now).await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        self.inner.pull(query, now).await
    }

    async fn read_records(&self, mut query: RecordQuery) -> Result<RecordChunk, StoreError> {
        query.limit = query.limit.min(self.limit);
        let mut chunk = self.inner.read_records(query).await?;
        chunk.damaged.clone_from(&self.damaged);
        Ok(chunk)
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        self.inner.delete_session(user, session, now).await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        self.inner.sessions(user, before, limit).await
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.inner.session(user, session).await
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        self.inner.status(user, recent).await
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        self.inner.log(user, entry, now).await
    }
}
