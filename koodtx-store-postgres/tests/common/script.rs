//! Pushes and reads in a few words.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::pull::{RecordChunk, RecordQuery};
use koodtx_core::push::PushBatch;
use koodtx_core::store::{PushCommand, PushOutcome, Quota, StoreError, SyncStore};
use koodtx_core::time::Timestamp;

pub const USER: UserId = UserId(1);
pub const SESSION: &str = "00000000-0000-4000-8000-000000000001";
pub const NOW: Timestamp = Timestamp::from_millis(1_763_035_200_000);

pub fn session() -> SessionId {
    SESSION.parse().expect("it is a UUID")
}

/// A push of one session; `records` are the elements of `sensor_data`.
pub fn command(records: &[String]) -> PushCommand {
    let body = format!(
        r#"{{"session":{{"session_id":"{SESSION}","start_time":"2025-11-13T00:00:00Z"}},"sensor_data":[{}]}}"#,
        records.join(",")
    );
    PushCommand {
        user: USER,
        batch: Arc::new(PushBatch::parse(body.as_bytes()).expect("a valid push")),
        device_id: None,
        body_bytes: body.len() as u64,
        started_at: NOW,
        request_id: None,
        quota: Quota::default(),
    }
}

pub async fn push(store: &dyn SyncStore, records: &[String]) -> Result<PushOutcome, StoreError> {
    store.push(command(records), NOW).await
}

/// A record, whose time is in milliseconds.
pub fn record(sensor: &str, time: impl std::fmt::Display, data: &str) -> String {
    format!(r#"{{"sensor_type":"{sensor}","timestamp":{time},"data":{data}}}"#)
}

/// All records of the session, in chunks of about `limit`.
pub async fn chunks(store: &dyn SyncStore, limit: usize) -> Vec<RecordChunk> {
    let mut query = RecordQuery {
        user: USER,
        session: session(),
        after: None,
        changed_after: None,
        limit,
    };
    let mut chunks = Vec::new();
    loop {
        let chunk = store
            .read_records(query.clone())
            .await
            .expect("a store that answers");
        query.after.clone_from(&chunk.next);
        chunks.push(chunk);
        if query.after.is_none() {
            return chunks;
        }
    }
}
