use std::collections::BTreeMap;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::{Value, json};

use super::text::example_session_id;
use super::{EnabledSensor, Notes, Nullable, SampleMillis, SensorName, WireSessionId, WireTime};

/// One session's metadata and any number of its samples.
#[derive(Object)]
#[oai(rename = "Push", example)]
pub struct PushBody {
    /// The session.
    pub session: PushedSession,
    /// Its samples; may be empty. At most 1,000,000.
    pub sensor_data: Vec<PushedRecord>,
}

impl Example for PushBody {
    fn example() -> Self {
        Self {
            session: PushedSession::example(),
            sensor_data: vec![PushedRecord::example()],
        }
    }
}

/// What a push says of its session. A field that is absent is left as it is, and so is one that is null unless it
/// says otherwise.
#[derive(Object)]
#[oai(rename = "PushSession", example)]
pub struct PushedSession {
    /// A UUID chosen by the client.
    pub session_id: WireSessionId,
    /// When the recording began.
    pub start_time: WireTime,
    /// When it ended, not before `start_time`; null takes an end back.
    #[oai(skip_serializing_if_is_none)]
    pub end_time: Option<Nullable<WireTime>>,
    /// Whether the device is still recording. Absent: kept, or ended by an `end_time`.
    #[oai(skip_serializing_if_is_none)]
    pub is_active: Option<Nullable<bool>>,
    /// Which sensors the client means to record; at most 100 names of 1 to 50 characters.
    #[oai(skip_serializing_if_is_none, validator(max_items = 100))]
    pub enabled_sensors: Option<Nullable<Vec<EnabledSensor>>>,
    /// Samples per second, above 0.
    #[oai(
        skip_serializing_if_is_none,
        validator(minimum(value = "0", exclusive))
    )]
    pub sample_rate: Option<Nullable<f64>>,
    /// Free text of at most 10,000 characters; null clears it.
    #[oai(skip_serializing_if_is_none)]
    pub notes: Option<Nullable<Notes>>,
    /// When the client last changed these fields: the newer change wins, field by field. Absent:
    /// now.
    #[oai(skip_serializing_if_is_none)]
    pub updated_at: Option<Nullable<WireTime>>,
}

impl Example for PushedSession {
    fn example() -> Self {
        Self {
            session_id: example_session_id(),
            start_time: WireTime::example_millis(1_762_992_000_000),
            end_time: Some(Nullable(Some(WireTime::example_millis(1_762_995_600_000)))),
            is_active: Some(Nullable(Some(false))),
            enabled_sensors: Some(Nullable(Some(
                ["accelerometer", "gps"]
                    .map(|name| EnabledSensor(name.to_owned()))
                    .into(),
            ))),
            sample_rate: Some(Nullable(Some(100.0))),
            notes: Some(Nullable(Some(Notes("Morning workout".to_owned())))),
            updated_at: Some(Nullable(Some(WireTime::example_millis(1_762_995_601_250)))),
        }
    }
}

/// One sample. `(session_id, sensor_type, timestamp)` is what makes it the same sample.
#[derive(Object)]
#[oai(rename = "PushRecord", example)]
pub struct PushedRecord {
    /// The sensor, 1 to 50 characters, no control characters.
    pub sensor_type: SensorName,
    /// When it was taken, in milliseconds since 1970.
    pub timestamp: SampleMillis,
    /// What was measured: any JSON object of at most 16 KiB, nested at most 16 deep.
    pub data: BTreeMap<String, Value>,
    /// When the client last changed it: the newer change wins. Absent or null: now.
    #[oai(skip_serializing_if_is_none)]
    pub updated_at: Option<Nullable<WireTime>>,
}

pub(super) fn example_data() -> BTreeMap<String, Value> {
    [("x", json!(0.1)), ("y", json!(0.2)), ("z", json!(9.8))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

impl Example for PushedRecord {
    fn example() -> Self {
        Self {
            sensor_type: SensorName("accelerometer".to_owned()),
            timestamp: SampleMillis(1_762_992_000_010),
            data: example_data(),
            updated_at: None,
        }
    }
}

/// What a push did. `total_records = inserted + updated + duplicates + errors`.
#[derive(Object)]
#[oai(rename = "PushResult", example)]
pub struct PushAnswer {
    /// A sentence for people.
    pub message: String,
    /// The session.
    pub session_id: WireSessionId,
    /// Records in the push.
    pub total_records: u64,
    /// Records that were new.
    pub inserted: u64,
    /// Records that won over a different stored value.
    pub updated: u64,
    /// Records that changed nothing.
    pub duplicates: u64,
    /// Records that were refused.
    pub errors: u64,
    /// The entry in the sync log.
    pub sync_log_id: i64,
    /// Records stored of the session after the push.
    pub session_data_count: u64,
    /// The user's clock after the push.
    pub server_timestamp: WireTime,
    /// Why records were refused, for the first 100 of them. Only where `errors` is above 0.
    #[oai(skip_serializing_if_is_none)]
    pub error_details: Option<Vec<RefusedRecord>>,
}

impl Example for PushAnswer {
    fn example() -> Self {
        Self {
            message: "Sync completed successfully".to_owned(),
            session_id: example_session_id(),
            total_records: 1_000,
            inserted: 950,
            updated: 30,
            duplicates: 20,
            errors: 0,
            sync_log_id: 1_763_035_200_123_456,
            session_data_count: 5_000,
            server_timestamp: WireTime::example_millis(1_763_035_200_123),
            error_details: None,
        }
    }
}

/// A record that was refused.
#[derive(Object)]
#[oai(rename = "RecordError", example)]
pub struct RefusedRecord {
    /// Its place in `sensor_data`, or among the rows of all groups of `columns`, from 0.
    pub index: u64,
    /// A stable code.
    pub code: String,
    /// A sentence that says what to do.
    pub message: String,
}

impl Example for RefusedRecord {
    fn example() -> Self {
        Self {
            index: 17,
            code: "timestamp_out_of_range".to_owned(),
            message: "`timestamp` has to be in milliseconds since 1970".to_owned(),
        }
    }
}
