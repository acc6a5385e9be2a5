use std::collections::BTreeMap;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::Value;

use super::push::example_data;
use super::text::example_session_id;
use super::{Nullable, SampleMillis, WireSessionId, WireTime};

/// What to pull. Everything is optional, also the body; null is as good as absent.
#[derive(Object)]
#[oai(rename = "Pull", example)]
pub struct PullBody {
    /// Only what changed since: the `server_timestamp` of an earlier pull. Absent or null:
    /// everything.
    #[oai(skip_serializing_if_is_none)]
    pub last_sync_time: Option<Nullable<WireTime>>,
    /// Only these sessions; at most 1,000.
    #[oai(skip_serializing_if_is_none, validator(max_items = 1000))]
    pub session_ids: Option<Nullable<Vec<WireSessionId>>>,
    /// Which page, from 1; 1 where absent.
    #[oai(
        skip_serializing_if_is_none,
        validator(minimum(value = "1"), maximum(value = "10000"))
    )]
    pub page: Option<Nullable<u64>>,
    /// Sessions a page, 1 to 100; 50 where absent.
    #[oai(
        skip_serializing_if_is_none,
        validator(minimum(value = "1"), maximum(value = "100"))
    )]
    pub page_size: Option<Nullable<u64>>,
    /// Whether to send the samples; true where absent.
    #[oai(skip_serializing_if_is_none)]
    pub include_data: Option<Nullable<bool>>,
    /// Only the samples that changed since `last_sync_time`, instead of all samples of each changed
    /// session; false where absent.
    #[oai(skip_serializing_if_is_none)]
    pub changes_only: Option<Nullable<bool>>,
    /// The `next_cursor` of the page before. Costs the same at any depth, unlike `page`.
    #[oai(skip_serializing_if_is_none)]
    pub cursor: Option<Nullable<String>>,
    /// Most samples of the answer; the rest follows under `next_cursor`.
    #[oai(skip_serializing_if_is_none, validator(minimum(value = "1")))]
    pub max_records: Option<Nullable<u64>>,
}

impl Example for PullBody {
    fn example() -> Self {
        Self {
            last_sync_time: Some(Nullable(Some(WireTime::example_millis(1_763_035_200_123)))),
            session_ids: None,
            page: Some(Nullable(Some(1))),
            page_size: Some(Nullable(Some(50))),
            include_data: Some(Nullable(Some(true))),
            changes_only: Some(Nullable(Some(true))),
            cursor: None,
            max_records: None,
        }
    }
}

/// A page of what changed, and a session of it: the same in every form but for the samples.
macro_rules! pull_answer {
    (
        $(#[$page_doc:meta])*
        $page:ident = $page_name:tt,
        $(#[$session_doc:meta])*
        $session:ident = $session_name:tt,
        $(#[$records_doc:meta])*
        $records:ident: $record:ty, of which an example holds $count:literal
    ) => {
        $(#[$page_doc])*
        #[derive(Object)]
        #[oai(rename = $page_name, example)]
        pub struct $page {
            /// Sessions, in the order in which the server first saw them.
            pub sessions: Vec<$session>,
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
            /// The entry in the sync log; null where the server had no room left for one.
            pub sync_log_id: Nullable<i64>,
        }

        impl Example for $page {
            fn example() -> Self {
                Self {
                    sessions: vec![$session::example()],
                    deleted_session_ids: vec![],
                    server_timestamp: WireTime::example_millis(1_763_035_200_123),
                    page: 1,
                    page_size: 50,
                    total: 1,
                    has_more: false,
                    next_cursor: Nullable(None),
                    damaged: None,
                    sync_log_id: Nullable(Some(1_763_035_200_123_457)),
                }
            }
        }

        $(#[$session_doc])*
        #[derive(Object)]
        #[oai(rename = $session_name, example)]
        pub struct $session {
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
            $(#[$records_doc])*
            pub $records: Vec<$record>,
        }

        impl Example for $session {
            fn example() -> Self {
                Self {
                    session_id: example_session_id(),
                    start_time: WireTime::example_millis(1_762_992_000_000),
                    end_time: Nullable(None),
                    is_active: true,
                    enabled_sensors: vec!["accelerometer".to_owned()],
                    sample_rate: Nullable(Some(100.0)),
                    data_count: $count,
                    notes: Nullable(None),
                    is_uploaded: true,
                    created_at: WireTime::example_millis(1_763_035_200_122),
                    updated_at: WireTime::example_millis(1_763_035_200_123),
                    data_purged_at: None,
                    continues: None,
                    $records: vec![<$record>::example()],
                }
            }
        }
    };
}
pub(super) use pull_answer;

pull_answer! {
    /// A page of what changed.
    PullAnswer = "PullResult",
    /// A session with its samples.
    PulledSession = "PulledSession",
    /// Samples, ordered by `(timestamp, sensor_type)`.
    sensor_data: PulledRecord, of which an example holds 1
}

/// A stretch of samples that the server cannot read. A device that still holds them may keep them.
#[derive(Object)]
#[oai(rename = "DamagedRange", example)]
pub struct DamagedRange {
    /// The session.
    pub session_id: WireSessionId,
    /// The sensor.
    pub sensor_type: String,
    /// Time of the first sample concerned.
    pub from: SampleMillis,
    /// Time of the first sample behind the damage; null where it reaches to the end.
    pub until: Nullable<SampleMillis>,
}

impl Example for DamagedRange {
    fn example() -> Self {
        Self {
            session_id: example_session_id(),
            sensor_type: "accelerometer".to_owned(),
            from: SampleMillis(1_763_000_000_000),
            until: Nullable(None),
        }
    }
}

/// One sample.
#[derive(Object)]
#[oai(rename = "PulledRecord", example)]
pub struct PulledRecord {
    /// The sensor.
    pub sensor_type: String,
    /// When it was taken, in milliseconds since 1970.
    pub timestamp: SampleMillis,
    /// What was measured.
    pub data: BTreeMap<String, Value>,
}

impl Example for PulledRecord {
    fn example() -> Self {
        Self {
            sensor_type: "accelerometer".to_owned(),
            timestamp: SampleMillis(1_762_992_000_010),
            data: example_data(),
        }
    }
}
