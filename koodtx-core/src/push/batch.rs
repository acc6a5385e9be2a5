//! A push, parsed, validated and sorted: ready to merge.

use serde::Serialize;

use crate::block::IncomingSeries;
use crate::id::SensorType;
use crate::session::SessionPatch;

/// Why one record of a push was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordError {
    /// The record's place in `sensor_data`, from 0.
    pub index: u64,
    /// A stable code.
    pub code: &'static str,
    /// A sentence that says what to do.
    pub message: String,
}

/// All valid records of one sensor in one push.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesBatch {
    /// The sensor.
    pub sensor_type: SensorType,
    /// Its records, sorted by time, at most one a key. Never empty.
    pub records: IncomingSeries,
}

/// A push, parsed, validated and sorted. Pure data: parsing happens before any lock is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct PushBatch {
    /// What the push says of its session.
    pub session: SessionPatch,
    /// Its records by sensor, ordered by sensor type.
    pub series: Vec<SeriesBatch>,
    /// Records in the push, refused ones included.
    pub total_records: u64,
    /// Records that a later one of the same push replaced. They count as duplicates.
    pub replaced: u64,
    /// Records refused.
    pub errors: u64,
    /// Why, for the first
    /// [`PUSH_ERROR_DETAILS_MAX_COUNT`](crate::limits::PUSH_ERROR_DETAILS_MAX_COUNT) of them.
    pub error_details: Vec<RecordError>,
}

impl PushBatch {
    /// Valid records: what the outcome's `inserted + updated + duplicates` adds up to.
    pub fn valid_records(&self) -> u64 {
        self.total_records - self.errors
    }

    /// The sensors with at least one valid record, ordered.
    pub fn sensor_types(&self) -> Vec<SensorType> {
        self.series
            .iter()
            .map(|series| series.sensor_type.clone())
            .collect()
    }
}
