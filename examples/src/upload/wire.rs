//! What the server answers, as far as a client needs it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The answer to a push.
#[derive(Clone, Debug, Deserialize)]
pub struct PushAnswer {
    /// The session.
    pub session_id: String,
    /// Records in the push.
    pub total_records: u64,
    /// Records that were new.
    pub inserted: u64,
    /// Records that won over another value.
    pub updated: u64,
    /// Records that were there.
    pub duplicates: u64,
    /// Records that were refused.
    pub errors: u64,
}

/// One page of a pull.
#[derive(Clone, Debug, Deserialize)]
pub struct PullAnswer {
    /// The sessions that changed.
    pub sessions: Vec<PulledSession>,
    /// The sessions that were deleted.
    pub deleted_session_ids: Vec<String>,
    /// The `last_sync_time` of the next round.
    pub server_timestamp: String,
    /// Whether there are further pages.
    pub has_more: bool,
}

/// A session of a page.
#[derive(Clone, Debug, Deserialize)]
pub struct PulledSession {
    /// The session.
    pub session_id: String,
    /// Distinct records that the server holds.
    pub data_count: u64,
    /// When it last changed.
    pub updated_at: String,
    /// Its records.
    pub sensor_data: Vec<PulledRecord>,
    /// All other members.
    #[serde(flatten)]
    pub metadata: Map<String, Value>,
}

/// A record.
#[derive(Clone, Debug, Deserialize)]
pub struct PulledRecord {
    /// The sensor.
    pub sensor_type: String,
    /// Milliseconds since 1970.
    pub timestamp: f64,
    /// The sample.
    pub data: Value,
}

/// What makes a record of a session the same record: sensor, and time in microseconds.
pub type RecordKey = (String, i64);

impl PulledRecord {
    /// The record's key.
    pub fn key(&self) -> RecordKey {
        const MICROS_PER_MILLI: f64 = 1_000.0;
        // Exact: a double holds every microsecond until the year 2255.
        (
            self.sensor_type.clone(),
            (self.timestamp * MICROS_PER_MILLI).round() as i64,
        )
    }
}
