use koodtx_core::session::SessionState;
use koodtx_core::store::SeriesStats;
use poem_openapi::Object;
use poem_openapi::types::Example;

use super::text::example_session_id;
use super::{Nullable, WireSessionId, WireTime};

/// A session without its samples.
#[derive(Object)]
#[oai(rename = "Session", example)]
pub struct SessionMeta {
    /// The session.
    pub session_id: WireSessionId,
    /// When the recording began.
    pub start_time: WireTime,
    /// When it ended.
    pub end_time: Nullable<WireTime>,
    /// Whether the device is still recording.
    pub is_active: bool,
    /// Which sensors the client means to record.
    pub enabled_sensors: Vec<String>,
    /// Samples per second.
    pub sample_rate: Nullable<f64>,
    /// Samples stored.
    pub data_count: u64,
    /// Free text.
    pub notes: Nullable<String>,
    /// Whether the server holds an upload of it.
    pub is_uploaded: bool,
    /// When the server first saw it, by the user's clock.
    pub created_at: WireTime,
    /// When it last changed, by the user's clock.
    pub updated_at: WireTime,
    /// When samples of it were removed because of their age; absent where none were.
    #[oai(skip_serializing_if_is_none)]
    pub data_purged_at: Option<WireTime>,
}

impl SessionMeta {
    pub(in crate::api) fn of(state: &SessionState) -> Self {
        let fields = &state.fields;
        Self {
            session_id: WireSessionId(state.id),
            start_time: fields.start_time().into(),
            end_time: Nullable(fields.end_time().map(WireTime)),
            is_active: fields.is_active(),
            enabled_sensors: fields.enabled_sensors().to_vec(),
            sample_rate: Nullable(fields.sample_rate()),
            data_count: state.data_count,
            notes: Nullable(fields.notes().map(str::to_owned)),
            is_uploaded: state.is_uploaded(),
            created_at: state.created_at.into(),
            updated_at: state.updated_at.into(),
            data_purged_at: state.data_purged_at.map(WireTime),
        }
    }
}

impl Example for SessionMeta {
    fn example() -> Self {
        Self {
            session_id: example_session_id(),
            start_time: WireTime::example_millis(1_762_992_000_000),
            end_time: Nullable(Some(WireTime::example_millis(1_762_995_600_000))),
            is_active: false,
            enabled_sensors: vec!["accelerometer".to_owned(), "gps".to_owned()],
            sample_rate: Nullable(Some(100.0)),
            data_count: 5_000,
            notes: Nullable(Some("Morning workout".to_owned())),
            is_uploaded: true,
            created_at: WireTime::example_millis(1_763_035_200_122),
            updated_at: WireTime::example_millis(1_763_035_200_123),
            data_purged_at: None,
        }
    }
}

/// A page of sessions.
#[derive(Object)]
#[oai(rename = "SessionList", example)]
pub struct SessionListAnswer {
    /// Sessions, the one that the server saw last first.
    pub sessions: Vec<SessionMeta>,
    /// Whether older ones follow.
    pub has_more: bool,
    /// What to send as `cursor` to get them.
    pub next_cursor: Nullable<String>,
}

impl Example for SessionListAnswer {
    fn example() -> Self {
        Self {
            sessions: vec![SessionMeta::example()],
            has_more: true,
            next_cursor: Nullable(Some("AQAGQ3qmvUVA".to_owned())),
        }
    }
}

/// One session with what is stored of each sensor.
#[derive(Object)]
#[oai(rename = "SessionDetail", example)]
pub struct SessionAnswer {
    /// The session.
    pub session: SessionMeta,
    /// Its sensors, ordered by name.
    pub sensors: Vec<SensorSummary>,
}

impl Example for SessionAnswer {
    fn example() -> Self {
        Self {
            session: SessionMeta::example(),
            sensors: vec![SensorSummary::example()],
        }
    }
}

/// What is stored of one sensor.
#[derive(Object)]
#[oai(rename = "SensorSummary", example)]
pub struct SensorSummary {
    /// The sensor.
    pub sensor_type: String,
    /// Samples stored.
    pub count: u64,
    /// When the first of them was taken.
    pub first_time: WireTime,
    /// When the last of them was taken.
    pub last_time: WireTime,
}

impl SensorSummary {
    pub(in crate::api) fn of(series: &SeriesStats) -> Self {
        Self {
            sensor_type: series.sensor_type.to_string(),
            count: series.count,
            first_time: series.first.into(),
            last_time: series.last.into(),
        }
    }
}

impl Example for SensorSummary {
    fn example() -> Self {
        Self {
            sensor_type: "accelerometer".to_owned(),
            count: 5_000,
            first_time: WireTime::example_millis(1_762_992_000_010),
            last_time: WireTime::example_millis(1_762_995_600_000),
        }
    }
}

/// A session that was deleted.
#[derive(Object)]
#[oai(rename = "Deleted", example)]
pub struct DeleteAnswer {
    /// A sentence for people.
    pub message: String,
    /// The session.
    pub session_id: WireSessionId,
    /// The user's clock of the deletion.
    pub server_timestamp: WireTime,
}

impl Example for DeleteAnswer {
    fn example() -> Self {
        Self {
            message: "Session deleted".to_owned(),
            session_id: example_session_id(),
            server_timestamp: WireTime::example_millis(1_763_035_200_123),
        }
    }
}
