//! Push and pull in the columnar form.

use std::collections::BTreeMap;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::json;

use super::columns_text::{GroupTimes, StampList, ValueList};
use super::pull::DamagedRange;
use super::push::PushedSession;
use super::text::example_session_id;
use super::{Nullable, WireSessionId, WireTime};

/// One session's metadata and any number of its samples, in columns.
#[derive(Object)]
#[oai(rename = "PushColumns", example)]
pub struct PushColumnsBody {
    /// The session.
    pub session: PushedSession,
    /// Its samples in groups; a sensor may have several. At most 1,000,000 rows in all.
    pub columns: Vec<PushedGroup>,
}

impl Example for PushColumnsBody {
    fn example() -> Self {
        Self {
            session: PushedSession::example(),
            columns: vec![PushedGroup::example()],
        }
    }
}

/// Samples of one sensor: a list of times, and one of values for each field. What a row has in these lists
/// is a sample.
#[derive(Object)]
#[oai(rename = "PushGroup", example)]
pub struct PushedGroup {
    /// The sensor, 1 to 50 characters.
    #[oai(validator(min_length = 1, max_length = 50))]
    pub sensor_type: String,
    /// When each sample was taken, in milliseconds since 1970: a list, or the first one and the whole
    /// milliseconds from each to the next.
    pub timestamp: GroupTimes,
    /// For each field a list of one value a row; or, where not all rows have it, `rows` in ascending order
    /// (from 0) with their `values`.
    pub data: BTreeMap<String, ValueList>,
    /// When the client last changed the samples: the newer change wins. One time for all rows, or a list like
    /// those of `data`. Absent: now.
    #[oai(skip_serializing_if_is_none)]
    pub updated_at: Option<StampList>,
}

fn example_fields() -> BTreeMap<String, ValueList> {
    [
        ("x", json!([0.1, 0.12, 0.09])),
        ("y", json!([0.2, 0.2, 0.21])),
        ("z", json!([9.8, 9.79, 9.81])),
        ("event", json!({ "rows": [1], "values": ["step"] })),
    ]
    .into_iter()
    .map(|(name, list)| (name.to_owned(), ValueList(list)))
    .collect()
}

impl Example for PushedGroup {
    fn example() -> Self {
        Self {
            sensor_type: "accelerometer".to_owned(),
            timestamp: GroupTimes::example(),
            data: example_fields(),
            updated_at: None,
        }
    }
}

/// A page of what changed, with samples in columns.
#[derive(Object)]
#[oai(rename = "PullColumnsResult", example)]
pub struct PullColumnsAnswer {
    /// Sessions, in the order in which the server first saw them.
    pub sessions: Vec<PulledColumns>,
    /// Sessions that were deleted. Apply these before `sessions`: where only changes were asked for,
    /// a session that was deleted and pushed again stands in both.
    pub deleted_session_ids: Vec<WireSessionId>,
    /// What to send as `last_sync_time` in the next round.
    pub server_timestamp: WireTime,
    /// Which page this is.
    pub page: u64,
    /// Sessions a page.
    pub page_size: u64,
    /// Sessions on all pages.
    pub total: u64,
    /// Whether more follows.
    pub has_more: bool,
    /// Where it follows.
    pub next_cursor: Nullable<String>,
    /// Only where stored samples are damaged: which ones are missing from this page, at most 100
    /// places.
    #[oai(skip_serializing_if_is_none)]
    pub damaged: Option<Vec<DamagedRange>>,
    /// The entry in the sync log.
    pub sync_log_id: i64,
}

impl Example for PullColumnsAnswer {
    fn example() -> Self {
        Self {
            sessions: vec![PulledColumns::example()],
            deleted_session_ids: vec![],
            server_timestamp: WireTime::example_millis(1_763_035_200_123),
            page: 1,
            page_size: 50,
            total: 1,
            has_more: false,
            next_cursor: Nullable(None),
            damaged: None,
            sync_log_id: 1_763_035_200_123_457,
        }
    }
}

/// A session with its samples in columns.
#[derive(Object)]
#[oai(rename = "PulledColumns", example)]
pub struct PulledColumns {
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
    /// Whether the server holds an upload of it: true for every session here.
    pub is_uploaded: bool,
    /// When the server first saw it, by the user's clock.
    pub created_at: WireTime,
    /// When it last changed, by the user's clock.
    pub updated_at: WireTime,
    /// When samples of it were removed because of their age; absent where none were. A device keeps
    /// what it has: this is no deletion.
    #[oai(skip_serializing_if_is_none)]
    pub data_purged_at: Option<WireTime>,
    /// True where the session's first samples were on an earlier page.
    #[oai(skip_serializing_if_is_none)]
    pub continues: Option<bool>,
    /// Samples in groups. Those of one sensor are in the order of time, so that they may be appended; groups
    /// of different sensors come in any order.
    pub columns: Vec<PulledGroup>,
}

impl Example for PulledColumns {
    fn example() -> Self {
        Self {
            session_id: example_session_id(),
            start_time: WireTime::example_millis(1_762_992_000_000),
            end_time: Nullable(None),
            is_active: true,
            enabled_sensors: vec!["accelerometer".to_owned()],
            sample_rate: Nullable(Some(100.0)),
            data_count: 3,
            notes: Nullable(None),
            is_uploaded: true,
            created_at: WireTime::example_millis(1_763_035_200_122),
            updated_at: WireTime::example_millis(1_763_035_200_123),
            data_purged_at: None,
            continues: None,
            columns: vec![PulledGroup::example()],
        }
    }
}

/// Samples of one sensor. As it is, it may be pushed elsewhere.
#[derive(Object)]
#[oai(rename = "PulledGroup", example)]
pub struct PulledGroup {
    /// The sensor.
    pub sensor_type: String,
    /// When each sample was taken, in milliseconds since 1970: the first one and the milliseconds from each to
    /// the next; or a list, where one of them has a fraction.
    pub timestamp: GroupTimes,
    /// For each field a list of one value a row; or, where not all rows have it, `rows` in ascending order
    /// (from 0) with their `values`.
    pub data: BTreeMap<String, ValueList>,
}

impl Example for PulledGroup {
    fn example() -> Self {
        Self {
            sensor_type: "accelerometer".to_owned(),
            timestamp: GroupTimes::example(),
            data: example_fields(),
        }
    }
}
