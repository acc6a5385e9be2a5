use poem_openapi::Object;
use poem_openapi::types::Example;

use super::text::example_session_id;
use super::{Nullable, WireSessionId, WireTime};
use crate::api::{DOCS_PATH, DOCUMENT_PATH, LIMITS_PATH, SERVICE_NAME, SERVICE_VERSION};

/// What this is.
#[derive(Object)]
#[oai(rename = "Root", example)]
pub struct RootAnswer {
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// Where to go on.
    pub links: LinksBody,
}

impl Example for RootAnswer {
    fn example() -> Self {
        Self {
            service: SERVICE_NAME.to_owned(),
            version: SERVICE_VERSION.to_owned(),
            links: LinksBody::example(),
        }
    }
}

/// Paths on this server.
#[derive(Object)]
#[oai(rename = "Links", example)]
pub struct LinksBody {
    /// The documentation.
    pub docs: String,
    /// The OpenAPI document.
    pub openapi: String,
    /// Whether it works.
    pub health: String,
    /// Whether requests should come here.
    pub ready: String,
    /// What holds on this server.
    pub limits: String,
}

impl Example for LinksBody {
    fn example() -> Self {
        Self {
            docs: DOCS_PATH.to_owned(),
            openapi: DOCUMENT_PATH.to_owned(),
            health: "/health".to_owned(),
            ready: "/ready".to_owned(),
            limits: LIMITS_PATH.to_owned(),
        }
    }
}

/// Whether requests should come here.
#[derive(Object)]
#[oai(rename = "Ready", example)]
pub struct ReadyAnswer {
    /// `ready`.
    pub status: String,
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
}

impl Example for ReadyAnswer {
    fn example() -> Self {
        Self {
            status: "ready".to_owned(),
            service: SERVICE_NAME.to_owned(),
            version: SERVICE_VERSION.to_owned(),
        }
    }
}

/// How the server does.
#[derive(Object)]
#[oai(rename = "Health", example)]
pub struct HealthAnswer {
    /// `healthy`.
    pub status: String,
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The store below.
    pub store: StoreHealth,
}

impl Example for HealthAnswer {
    fn example() -> Self {
        Self {
            status: "healthy".to_owned(),
            service: SERVICE_NAME.to_owned(),
            version: SERVICE_VERSION.to_owned(),
            store: StoreHealth::example(),
        }
    }
}

/// How the store does.
#[derive(Object)]
#[oai(rename = "StoreHealth", example)]
pub struct StoreHealth {
    /// What store it is.
    pub kind: String,
    /// `healthy`.
    pub status: String,
}

impl Example for StoreHealth {
    fn example() -> Self {
        Self {
            kind: "sled".to_owned(),
            status: "healthy".to_owned(),
        }
    }
}

/// Totals of the caller.
#[derive(Object)]
#[oai(rename = "SyncStatus", example)]
pub struct StatusAnswer {
    /// Sessions.
    pub total_sessions: u64,
    /// Sessions that are still recording.
    pub active_sessions: u64,
    /// Sessions of which the server holds an upload.
    pub uploaded_sessions: u64,
    /// What the samples of all sessions count towards a quota, in bytes: 16 for each sample, and for each
    /// of its fields those of the name and 8 for a number or those of the JSON of another value.
    pub data_bytes: u64,
    /// The last 10 entries of the sync log, the newest first.
    pub recent_syncs: Vec<SyncLogBody>,
}

impl Example for StatusAnswer {
    fn example() -> Self {
        Self {
            total_sessions: 12,
            active_sessions: 1,
            uploaded_sessions: 12,
            data_bytes: 2_580_000,
            recent_syncs: vec![SyncLogBody::example()],
        }
    }
}

/// One push or pull.
#[derive(Object)]
#[oai(rename = "SyncLogEntry", example)]
pub struct SyncLogBody {
    /// Its id.
    pub id: i64,
    /// `push` or `pull`.
    pub kind: String,
    /// `success`, `partial` (without the records that were refused) or `failed`.
    pub status: String,
    /// The session of a push.
    pub session_id: Nullable<WireSessionId>,
    /// The device.
    pub device_id: Nullable<String>,
    /// Records pushed, or records sent.
    pub records_count: u64,
    /// Of a push: records that were new.
    pub inserted: u64,
    /// Of a push: records that won over a different stored value.
    pub updated: u64,
    /// Of a push: records that changed nothing.
    pub duplicates_count: u64,
    /// Of a push: records that were refused.
    pub errors_count: u64,
    /// Of a push: its sensors.
    pub sensor_types: Vec<String>,
    /// Size of the request's body after decompression.
    pub body_bytes: u64,
    /// The `X-Request-Id` of its answer; null of entries from before there was one.
    pub request_id: Nullable<String>,
    /// When the server began.
    pub started_at: WireTime,
    /// When it was done.
    pub completed_at: WireTime,
    /// What went wrong.
    pub error: Nullable<String>,
}

impl Example for SyncLogBody {
    fn example() -> Self {
        Self {
            id: 1_763_035_200_123_456,
            kind: "push".to_owned(),
            status: "success".to_owned(),
            session_id: Nullable(Some(example_session_id())),
            device_id: Nullable(Some("phone-1".to_owned())),
            records_count: 1_000,
            inserted: 950,
            updated: 30,
            duplicates_count: 20,
            errors_count: 0,
            sensor_types: vec!["accelerometer".to_owned()],
            body_bytes: 98_304,
            request_id: Nullable(Some("7d1c0b2e9a5f4c6f8e3b5a1d2c4e6f80".to_owned())),
            started_at: WireTime::example_millis(1_763_035_200_100),
            completed_at: WireTime::example_millis(1_763_035_200_123),
            error: Nullable(None),
        }
    }
}
