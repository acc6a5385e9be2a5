use koodtx_core::limits::{
    ENABLED_SENSORS_MAX_COUNT, NOTES_MAX_CHARS, PAGE_MAX_NUMBER, PAGE_SIZE_DEFAULT_COUNT,
    PAGE_SIZE_MAX_COUNT, PULL_SESSION_IDS_MAX_COUNT, PUSH_RECORDS_MAX_COUNT, RECORD_DATA_MAX_BYTES,
    RECORD_DATA_MAX_DEPTH, SENSOR_TYPE_MAX_CHARS, SESSION_MAX_BYTES,
    SESSION_SENSOR_TYPES_MAX_COUNT,
};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};

use super::Nullable;
use crate::auth::Registration;
use crate::config::Config;
use crate::http::{
    BODY_MIN_BYTES_A_SECOND, HEAVY_REQUESTS_MAX_COUNT, HEAVY_REQUESTS_OF_USER_MAX_COUNT,
};

/// What holds on this server. Null stands for no limit.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Limits", example)]
pub struct LimitsAnswer {
    /// Who may make an account.
    pub registration: WireRegistration,
    /// Of requests.
    pub requests: RequestLimits,
    /// Of a push; beyond them it is refused with 413 or 400, or a record of it counted in `errors`.
    pub push: PushLimits,
    /// Of a pull; beyond them it is refused with 400.
    pub pull: PullLimits,
    /// Of all that an account may keep; a push that would raise it above them is refused with 413.
    pub quota: QuotaLimits,
    /// Of tokens.
    pub tokens: TokenLimits,
}

/// Who may make an account: everybody who reaches the server (`open`), or its operator (`closed`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Registration", rename_all = "lowercase")]
pub enum WireRegistration {
    /// Everybody who reaches the server.
    Open,
    /// The operator of the server.
    Closed,
}

/// Limits of requests.
#[derive(Clone, Debug, Object)]
#[oai(rename = "RequestLimits", example)]
pub struct RequestLimits {
    /// Requests a minute from one address; beyond them 429.
    pub per_minute_address: Nullable<u32>,
    /// Requests a minute with tokens of one account; beyond them 429.
    pub per_minute_account: Nullable<u32>,
    /// Attempts a minute to sign in, to register, or to have a session analysed, by address and by
    /// account; beyond them 429.
    pub sign_ins_per_minute: Nullable<u32>,
    /// Requests of all clients in progress at a time; beyond them 503.
    pub concurrent: u64,
    /// Exports, statistics and searches for anomalies of all clients at a time; beyond them 503.
    pub heavy_concurrent: u64,
    /// The same of one account.
    pub heavy_concurrent_account: u64,
    /// Largest body of a request other than a push, in bytes, before and after decompression; beyond
    /// it 413.
    pub body_bytes: u64,
    /// Longest wait for the next part of a body, in seconds; then 408.
    pub body_timeout_seconds: u64,
    /// What a body has to bring in a second, in bytes on average and as sent, beside that wait.
    pub body_min_bytes_per_second: u64,
}

/// Limits of a push.
#[derive(Clone, Debug, Object)]
#[oai(rename = "PushLimits", example)]
pub struct PushLimits {
    /// Largest body, in bytes, before and after decompression.
    pub body_bytes: u64,
    /// Most records.
    pub records: u64,
    /// Largest `session`, in bytes of JSON.
    pub session_bytes: u64,
    /// Longest `notes`, in characters.
    pub notes_chars: u64,
    /// Most `enabled_sensors`.
    pub enabled_sensors: u64,
    /// Most different `sensor_type`s of a session, over all its pushes.
    pub sensor_types: u64,
    /// Longest `sensor_type`, in characters.
    pub sensor_type_chars: u64,
    /// Largest `data` of a record, in bytes of JSON.
    pub data_bytes: u64,
    /// Deepest nesting of `data`; the object itself is 1.
    pub data_depth: u64,
}

/// Limits of a pull, and of lists.
#[derive(Clone, Debug, Object)]
#[oai(rename = "PullLimits", example)]
pub struct PullLimits {
    /// Most `session_ids`.
    pub session_ids: u64,
    /// Largest `page_size` of a pull, and `limit` of a list.
    pub page_size: u64,
    /// The `page_size` where there is none.
    pub page_size_default: u64,
    /// Highest `page`; `next_cursor` goes beyond it.
    pub page: u64,
}

/// Limits of all that an account may keep.
#[derive(Clone, Debug, Object)]
#[oai(rename = "QuotaLimits", example)]
pub struct QuotaLimits {
    /// Most sessions; compare `total_sessions` of the status.
    pub sessions: Nullable<u64>,
    /// Most bytes of samples; compare `data_bytes` of the status.
    pub bytes: Nullable<u64>,
}

/// How long tokens live.
#[derive(Clone, Debug, Object)]
#[oai(rename = "TokenLimits", example)]
pub struct TokenLimits {
    /// An access token, in seconds.
    pub access_seconds: u64,
    /// A refresh token, in seconds.
    pub refresh_seconds: u64,
}

impl LimitsAnswer {
    /// Those of these settings.
    pub(crate) fn of(config: &Config) -> Self {
        let (bodies, limits) = (config.http.bodies, config.limits);
        let lifetimes = config.auth.lifetimes;
        Self {
            registration: match config.auth.registration {
                Registration::Open => WireRegistration::Open,
                Registration::Closed => WireRegistration::Closed,
            },
            requests: RequestLimits {
                per_minute_address: Nullable(limits.requests_of_address.per_minute()),
                per_minute_account: Nullable(limits.requests_of_account.per_minute()),
                sign_ins_per_minute: Nullable(config.auth.rate_limit.per_minute()),
                concurrent: limits.concurrent_requests as u64,
                heavy_concurrent: HEAVY_REQUESTS_MAX_COUNT as u64,
                heavy_concurrent_account: HEAVY_REQUESTS_OF_USER_MAX_COUNT as u64,
                body_bytes: bodies.other_max_bytes as u64,
                body_timeout_seconds: bodies.idle_timeout.as_secs(),
                body_min_bytes_per_second: BODY_MIN_BYTES_A_SECOND,
            },
            push: PushLimits {
                body_bytes: bodies.push_max_bytes as u64,
                records: PUSH_RECORDS_MAX_COUNT as u64,
                session_bytes: SESSION_MAX_BYTES as u64,
                notes_chars: NOTES_MAX_CHARS as u64,
                enabled_sensors: ENABLED_SENSORS_MAX_COUNT as u64,
                sensor_types: SESSION_SENSOR_TYPES_MAX_COUNT as u64,
                sensor_type_chars: SENSOR_TYPE_MAX_CHARS as u64,
                data_bytes: RECORD_DATA_MAX_BYTES as u64,
                data_depth: RECORD_DATA_MAX_DEPTH as u64,
            },
            pull: PullLimits {
                session_ids: PULL_SESSION_IDS_MAX_COUNT as u64,
                page_size: PAGE_SIZE_MAX_COUNT as u64,
                page_size_default: PAGE_SIZE_DEFAULT_COUNT as u64,
                page: PAGE_MAX_NUMBER as u64,
            },
            quota: QuotaLimits {
                sessions: Nullable(limits.quota.sessions),
                bytes: Nullable(limits.quota.bytes),
            },
            tokens: TokenLimits {
                access_seconds: lifetimes.access_seconds.unsigned_abs(),
                refresh_seconds: lifetimes.refresh_seconds.unsigned_abs(),
            },
        }
    }
}

impl Example for LimitsAnswer {
    fn example() -> Self {
        Self::of(&Config::default())
    }
}

impl Example for RequestLimits {
    fn example() -> Self {
        LimitsAnswer::example().requests
    }
}

impl Example for PushLimits {
    fn example() -> Self {
        LimitsAnswer::example().push
    }
}

impl Example for PullLimits {
    fn example() -> Self {
        LimitsAnswer::example().pull
    }
}

impl Example for QuotaLimits {
    fn example() -> Self {
        LimitsAnswer::example().quota
    }
}

impl Example for TokenLimits {
    fn example() -> Self {
        LimitsAnswer::example().tokens
    }
}
