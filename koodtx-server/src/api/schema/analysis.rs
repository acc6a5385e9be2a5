use std::collections::BTreeMap;

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde_json::Value;

use super::text::example_session_id;
use super::{Nullable, SampleMillis, WireSessionId, WireTime};

const EXAMPLE_JOB: &str = "01K9YQ4M7ZC5V3N8R2T6W0XBAE";

/// A job that was accepted.
#[derive(Object)]
#[oai(rename = "SubmittedJob", example)]
pub struct SubmittedAnswer {
    /// The job: see `/api/jobs/{job_id}`.
    pub job_id: String,
}

impl Example for SubmittedAnswer {
    fn example() -> Self {
        Self {
            job_id: EXAMPLE_JOB.to_owned(),
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Enum)]
#[oai(rename = "JobState", rename_all = "lowercase")]
pub enum WireJobState {
    /// It waits for a worker, or for its next attempt.
    Queued,
    /// A worker is at it.
    Running,
    /// It is done.
    Succeeded,
    /// It was given up.
    Failed,
}

/// A job.
#[derive(Object)]
#[oai(rename = "Job", example)]
pub struct JobAnswer {
    /// The job.
    pub job_id: String,
    /// How far it is.
    pub state: WireJobState,
    /// How often it was started.
    pub attempts: u32,
    /// When it was submitted.
    pub created_at: WireTime,
    /// When the latest attempt began.
    pub started_at: Nullable<WireTime>,
    /// When it was done, or given up.
    pub finished_at: Nullable<WireTime>,
    /// What it came to.
    pub result: Nullable<Value>,
    /// What went wrong with the latest attempt that failed.
    pub error: Nullable<String>,
}

impl Example for JobAnswer {
    fn example() -> Self {
        Self {
            job_id: EXAMPLE_JOB.to_owned(),
            state: WireJobState::Succeeded,
            attempts: 1,
            created_at: WireTime::example_millis(1_763_035_200_123),
            started_at: Nullable(Some(WireTime::example_millis(1_763_035_200_130))),
            finished_at: Nullable(Some(WireTime::example_millis(1_763_035_200_420))),
            result: Nullable(Some(serde_json::json!({ "total_records": 5_000 }))),
            error: Nullable(None),
        }
    }
}

/// The analysis of a session.
#[derive(Object)]
#[oai(rename = "Analysis", example)]
pub struct AnalysisAnswer {
    /// The session.
    pub session_id: WireSessionId,
    /// Samples analysed.
    pub total_records: u64,
    /// The sensors that have samples.
    pub sensor_types: Vec<String>,
    /// What was found of each sensor.
    pub analysis: BTreeMap<String, SensorAnalysisBody>,
    /// True where stored samples are damaged and therefore left out.
    #[oai(skip_serializing_if_is_none)]
    pub incomplete: Option<bool>,
    /// When the analysis was made.
    pub analyzed_at: WireTime,
    /// The session's `updated_at` when it was analysed.
    pub computed_at_clock: WireTime,
    /// Whether the session has changed since.
    pub stale: bool,
}

impl Example for AnalysisAnswer {
    fn example() -> Self {
        Self {
            session_id: example_session_id(),
            total_records: 5_000,
            sensor_types: vec!["accelerometer".to_owned()],
            analysis: BTreeMap::from([("accelerometer".to_owned(), SensorAnalysisBody::example())]),
            incomplete: None,
            analyzed_at: WireTime::example_millis(1_763_035_200_420),
            computed_at_clock: WireTime::example_millis(1_763_035_200_123),
            stale: false,
        }
    }
}

/// The analysis of one sensor.
#[derive(Object)]
#[oai(rename = "SensorAnalysis", example)]
pub struct SensorAnalysisBody {
    /// Samples.
    pub count: u64,
    /// Time from the first to the last sample, in milliseconds.
    pub duration_ms: SampleMillis,
    /// When the first sample was taken, in milliseconds since 1970.
    pub first_timestamp: SampleMillis,
    /// When the last sample was taken, in milliseconds since 1970.
    pub last_timestamp: SampleMillis,
    /// Intervals a second; null for a single sample.
    pub sample_rate_hz: Nullable<f64>,
    /// Intervals longer than five median intervals.
    pub gaps: u64,
    /// Standard deviation of the intervals, in milliseconds; null for a single sample.
    pub jitter_ms: Nullable<f64>,
    /// Statistics of each numeric field; of sensors with `x`, `y` and `z` also of the `magnitude`.
    pub statistics: BTreeMap<String, FieldStatisticsBody>,
    /// Fields that were left out because there are too many.
    #[oai(skip_serializing_if_is_none)]
    pub fields_omitted: Option<u64>,
    /// Length of the way, in kilometres; of sensors with `latitude` and `longitude`.
    #[oai(skip_serializing_if_is_none)]
    pub distance_km: Option<f64>,
    /// Where the way lies; of sensors with `latitude` and `longitude`.
    #[oai(skip_serializing_if_is_none)]
    pub bounding_box: Option<BoundingBoxBody>,
    /// How fast the way was travelled; of sensors with at least two positions.
    #[oai(skip_serializing_if_is_none)]
    pub speed: Option<SpeedBody>,
}

impl Example for SensorAnalysisBody {
    fn example() -> Self {
        Self {
            count: 5_000,
            duration_ms: SampleMillis(49_990),
            first_timestamp: SampleMillis(1_762_992_000_010),
            last_timestamp: SampleMillis(1_762_992_050_000),
            sample_rate_hz: Nullable(Some(100.0)),
            gaps: 0,
            jitter_ms: Nullable(Some(0.4)),
            statistics: BTreeMap::from([("x".to_owned(), FieldStatisticsBody::example())]),
            fields_omitted: None,
            distance_km: None,
            bounding_box: None,
            speed: None,
        }
    }
}

/// The distribution of a field's values. Null where a double cannot hold the number.
#[derive(Object)]
#[oai(rename = "FieldStatistics", example)]
pub struct FieldStatisticsBody {
    /// Arithmetic mean.
    pub mean: Nullable<f64>,
    /// Population standard deviation.
    pub std: Nullable<f64>,
    /// Least value.
    pub min: Nullable<f64>,
    /// Greatest value.
    pub max: Nullable<f64>,
    /// Greatest minus least value.
    pub peak_to_peak: Nullable<f64>,
    /// 5th percentile; of long recordings an estimate.
    pub p5: Nullable<f64>,
    /// Median; of long recordings an estimate.
    pub p50: Nullable<f64>,
    /// 95th percentile; of long recordings an estimate.
    pub p95: Nullable<f64>,
}

impl Example for FieldStatisticsBody {
    fn example() -> Self {
        let some = |number| Nullable(Some(number));
        Self {
            mean: some(0.02),
            std: some(0.31),
            min: some(-1.9),
            max: some(2.4),
            peak_to_peak: some(4.3),
            p5: some(-0.5),
            p50: some(0.01),
            p95: some(0.55),
        }
    }
}

/// The ranges of latitude and longitude, in degrees.
#[derive(Object)]
#[oai(rename = "BoundingBox", example)]
pub struct BoundingBoxBody {
    /// Southern edge.
    pub min_latitude: f64,
    /// Northern edge.
    pub max_latitude: f64,
    /// Western edge.
    pub min_longitude: f64,
    /// Eastern edge.
    pub max_longitude: f64,
}

impl Example for BoundingBoxBody {
    fn example() -> Self {
        Self {
            min_latitude: 47.37,
            max_latitude: 47.41,
            min_longitude: 8.5,
            max_longitude: 8.57,
        }
    }
}

/// Speed over ground, in km/h.
#[derive(Object)]
#[oai(rename = "Speed", example)]
pub struct SpeedBody {
    /// The whole distance over the whole time.
    pub mean_kmh: f64,
    /// The greatest speed between two positions in a row.
    pub max_kmh: f64,
}

impl Example for SpeedBody {
    fn example() -> Self {
        Self {
            mean_kmh: 9.8,
            max_kmh: 14.2,
        }
    }
}

/// Samples that lie far from what is normal for their sensor.
#[derive(Object)]
#[oai(rename = "Anomalies", example)]
pub struct AnomaliesAnswer {
    /// The session.
    pub session_id: WireSessionId,
    /// How many standard deviations from the mean are still normal.
    pub sensitivity: f64,
    /// The anomalies of each sensor that has a numeric signal.
    pub anomalies: BTreeMap<String, SensorAnomaliesBody>,
    /// Anomalous samples of all sensors.
    pub total_anomalies: u64,
    /// True where stored samples are damaged and therefore left out.
    #[oai(skip_serializing_if_is_none)]
    pub incomplete: Option<bool>,
}

impl Example for AnomaliesAnswer {
    fn example() -> Self {
        Self {
            session_id: example_session_id(),
            sensitivity: 3.0,
            anomalies: BTreeMap::from([(
                "accelerometer".to_owned(),
                SensorAnomaliesBody::example(),
            )]),
            total_anomalies: 1,
            incomplete: None,
        }
    }
}

/// The anomalies of one sensor.
#[derive(Object)]
#[oai(rename = "SensorAnomalies", example)]
pub struct SensorAnomaliesBody {
    /// Anomalous samples.
    pub count: u64,
    /// Their share of the sensor's samples, in percent.
    pub percentage: f64,
    /// Mean of the field.
    pub mean: Nullable<f64>,
    /// Population standard deviation of the field.
    pub std: Nullable<f64>,
    /// The largest distance from the mean, in standard deviations; null for a constant signal.
    pub max_z_score: Nullable<f64>,
    /// The field of that distance: `magnitude` for sensors with `x`, `y` and `z`.
    pub field: String,
    /// When the first ten of them were taken, in milliseconds since 1970.
    pub timestamps: Vec<SampleMillis>,
    /// How many follow those.
    pub more_timestamps: u64,
}

impl Example for SensorAnomaliesBody {
    fn example() -> Self {
        Self {
            count: 1,
            percentage: 0.02,
            mean: Nullable(Some(9.81)),
            std: Nullable(Some(0.3)),
            max_z_score: Nullable(Some(7.2)),
            field: "magnitude".to_owned(),
            timestamps: vec![SampleMillis(1_762_992_031_450)],
            more_timestamps: 0,
        }
    }
}

/// Totals of the sessions that began within a period.
#[derive(Object)]
#[oai(rename = "Statistics", example)]
pub struct StatisticsAnswer {
    /// The period.
    pub period: PeriodBody,
    /// The totals.
    pub statistics: TotalsBody,
}

impl Example for StatisticsAnswer {
    fn example() -> Self {
        Self {
            period: PeriodBody::example(),
            statistics: TotalsBody::example(),
        }
    }
}

/// From `start` up to, but not including, `end`; open where null.
#[derive(Object)]
#[oai(rename = "Period", example)]
pub struct PeriodBody {
    /// The first instant.
    pub start: Nullable<WireTime>,
    /// The first instant behind.
    pub end: Nullable<WireTime>,
}

impl Example for PeriodBody {
    fn example() -> Self {
        Self {
            start: Nullable(Some(WireTime::example_millis(1_761_955_200_000))),
            end: Nullable(None),
        }
    }
}

/// Totals of several sessions.
#[derive(Object)]
#[oai(rename = "Totals", example)]
pub struct TotalsBody {
    /// Sessions.
    pub total_sessions: u64,
    /// Samples stored.
    pub total_data_records: u64,
    /// Duration of all sessions, in milliseconds.
    pub total_duration_ms: SampleMillis,
    /// The same in hours.
    pub total_duration_hours: f64,
    /// Duration of a session, in milliseconds; null without sessions.
    pub average_session_duration_ms: Nullable<f64>,
    /// Samples of each sensor.
    pub sensor_types_usage: BTreeMap<String, u64>,
    /// True where there are too many sensors to list all.
    #[oai(skip_serializing_if_is_none)]
    pub sensor_types_omitted: Option<bool>,
}

impl Example for TotalsBody {
    fn example() -> Self {
        Self {
            total_sessions: 2,
            total_data_records: 10_000,
            total_duration_ms: SampleMillis(7_200_000),
            total_duration_hours: 2.0,
            average_session_duration_ms: Nullable(Some(3_600_000.0)),
            sensor_types_usage: BTreeMap::from([("accelerometer".to_owned(), 10_000)]),
            sensor_types_omitted: None,
        }
    }
}
