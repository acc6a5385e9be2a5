//! Push and pull in the columnar form.

use std::collections::BTreeMap;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::json;

use super::columns_text::{GroupTimes, StampList, ValueList};
use super::pull::{DamagedRange, pull_answer};
use super::push::PushedSession;
use super::text::example_session_id;
use super::{Nullable, SensorName, WireSessionId, WireTime};

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
    /// The sensor, 1 to 50 characters, no control characters.
    pub sensor_type: SensorName,
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
            sensor_type: SensorName("accelerometer".to_owned()),
            timestamp: GroupTimes::example(),
            data: example_fields(),
            updated_at: None,
        }
    }
}

pull_answer! {
    /// A page of what changed, with samples in columns.
    PullColumnsAnswer = "PullColumnsResult",
    /// A session with its samples in columns.
    PulledColumns = "PulledColumns",
    /// Samples in groups. Those of one sensor are in the order of time, so that they may be appended; groups
    /// of different sensors come in any order.
    columns: PulledGroup, of which an example holds 3
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
