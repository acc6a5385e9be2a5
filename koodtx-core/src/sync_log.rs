//! The sync log: one entry for every push and pull.

use serde::{Deserialize, Serialize};

use crate::id::{LogId, SensorType, SessionId};
use crate::time::Timestamp;

/// Which way the data went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncKind {
    /// From a device to the server.
    Push,
    /// From the server to a device.
    Pull,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncStatus {
    /// All of it.
    Success,
    /// Without records that were refused (a push) or cannot be read (a pull).
    Partial,
    /// Nothing was stored, or the answer did not reach its end.
    Failed,
}

/// A sync log entry before the store gives it an id and a time of completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSyncLogEntry {
    /// Which way the data went.
    pub kind: SyncKind,
    /// How it ended.
    pub status: SyncStatus,
    /// The session of a push.
    pub session_id: Option<SessionId>,
    /// The device.
    pub device_id: Option<String>,
    /// Records pushed, or records sent.
    pub records_count: u64,
    /// Of a push: records whose key was absent.
    pub inserted: u64,
    /// Of a push: records that won over a different value.
    pub updated: u64,
    /// Of a push: records that changed nothing.
    pub duplicates_count: u64,
    /// Of a push: records that were refused.
    pub errors_count: u64,
    /// Sensor types of a push, bytewise ordered.
    pub sensor_types: Vec<SensorType>,
    /// Size of the request body, in bytes, after decompression.
    pub body_bytes: u64,
    /// What the request was called: the name under which the server's own log tells of it.
    #[serde(default)]
    pub request_id: Option<String>,
    /// When the server began to handle it.
    pub started_at: Timestamp,
    /// What went wrong; of a refused push, in the words that the client got.
    pub error: Option<String>,
}

/// A stored sync log entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncLogEntry {
    /// Its id.
    pub id: LogId,
    /// What happened.
    #[serde(flatten)]
    pub entry: NewSyncLogEntry,
    /// When the server was done: of a push, when it was handed to the store.
    pub completed_at: Timestamp,
}

impl NewSyncLogEntry {
    /// An entry that counts no records and names neither session nor request.
    pub fn new(
        kind: SyncKind,
        status: SyncStatus,
        device_id: Option<String>,
        body_bytes: u64,
        started_at: Timestamp,
    ) -> Self {
        Self {
            kind,
            status,
            session_id: None,
            device_id,
            records_count: 0,
            inserted: 0,
            updated: 0,
            duplicates_count: 0,
            errors_count: 0,
            sensor_types: Vec::new(),
            body_bytes,
            request_id: None,
            started_at,
            error: None,
        }
    }

    /// The stored entry that follows `last` in its log at wall-clock time `now`.
    ///
    /// The id is `max(now in µs, last + 1)`: unique and growing without a sequence, and below 2^53.
    pub fn complete(self, last: Option<LogId>, now: Timestamp) -> SyncLogEntry {
        let floor = last.map_or(1, |last| last.0 + 1);
        SyncLogEntry {
            id: LogId(now.as_micros().max(floor)),
            entry: self,
            completed_at: now,
        }
    }
}
