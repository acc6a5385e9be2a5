//! What an analysis of a session says.

use std::collections::BTreeMap;

use koodtx_core::id::{SensorType, SessionId};
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Millis;

/// The analysis of one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionAnalysis {
    /// The session.
    pub session_id: SessionId,
    /// Records analysed.
    pub total_records: u64,
    /// The sensors that have records, ordered.
    pub sensor_types: Vec<SensorType>,
    /// The analysis of each sensor.
    pub analysis: BTreeMap<SensorType, SensorAnalysis>,
    /// Whether stored records are damaged and therefore left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub incomplete: bool,
    /// When the analysis was made.
    pub analyzed_at: Timestamp,
    /// The session's `updated_at` as of before its records were read: what changed since is newer.
    pub computed_at_clock: Timestamp,
}

/// The analysis of one sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensorAnalysis {
    /// Records.
    pub count: u64,
    /// Time from the first to the last record, in milliseconds.
    pub duration_ms: Millis,
    /// Time of the first record, in milliseconds since the epoch.
    pub first_timestamp: Millis,
    /// Time of the last record, in milliseconds since the epoch.
    pub last_timestamp: Millis,
    /// Intervals a second, in Hz; undefined for one record.
    pub sample_rate_hz: Option<f64>,
    /// Intervals longer than [five](super::limits::GAP_MEDIANS_COUNT) median intervals.
    pub gaps: u64,
    /// Population standard deviation of the intervals, in milliseconds; undefined for one record.
    pub jitter_ms: Option<f64>,
    /// Statistics of each numeric field; of sensors with numeric `x`, `y` and `z` also of the
    /// `magnitude` √(x² + y² + z²), unless a real field has that name.
    pub statistics: BTreeMap<String, FieldStatistics>,
    /// Fields left out because there are too many or their names too long, counted up to
    /// [`OMITTED_FIELDS_MAX_COUNT`](super::limits::OMITTED_FIELDS_MAX_COUNT).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fields_omitted: u64,
    /// Length of the way from point to point on a sphere of 6,371 km radius, in kilometres; only of
    /// sensors with numeric `latitude` and `longitude`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_km: Option<f64>,
    /// Where the points lie; only of sensors with `latitude` and `longitude`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// How fast the way was travelled; only of sensors with at least two points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
}

/// The distribution of a field's values, in the unit of the field.
///
/// `None` where a double cannot hold the number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldStatistics {
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Population standard deviation.
    pub std: Option<f64>,
    /// Least value.
    pub min: Option<f64>,
    /// Greatest value.
    pub max: Option<f64>,
    /// Greatest minus least value.
    pub peak_to_peak: Option<f64>,
    /// 5th percentile. Exact, with linear interpolation, up to
    /// [`EXACT_VALUES_MAX_COUNT`](super::limits::EXACT_VALUES_MAX_COUNT) values; else estimated.
    pub p5: Option<f64>,
    /// Median, like `p5`.
    pub p50: Option<f64>,
    /// 95th percentile, like `p5`.
    pub p95: Option<f64>,
}

/// The ranges of latitude and longitude, in degrees.
///
/// Longitudes are taken as they are: a way over the antimeridian spans nearly all of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Southern edge.
    pub min_latitude: f64,
    /// Northern edge.
    pub max_latitude: f64,
    /// Western edge.
    pub min_longitude: f64,
    /// Eastern edge.
    pub max_longitude: f64,
}

/// Speed over ground, in km/h.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// The whole distance over the time from the first to the last point.
    pub mean_kmh: f64,
    /// The greatest speed between two consecutive points.
    pub max_kmh: f64,
}

// The signatures are serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_zero(value: &u64) -> bool {
    *value == 0
}
