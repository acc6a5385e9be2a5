//! The types of the wire as the OpenAPI document describes them, with an example of each.
//!
//! Small answers are built from these types. Pushes, pulls and the sync log have types of their own
//! in the core; the tests check every answer against the document.

mod account;
mod analysis;
mod columns;
mod columns_text;
mod error;
mod limits;
mod pull;
mod push;
mod restricted;
mod server;
mod session;
mod text;

use poem_openapi::Tags;

pub use account::{
    DeleteAccountBody, DeviceBody, DevicesAnswer, LoginBody, MeAnswer, MessageAnswer, PasswordBody,
    RegisterBody, SignedInAnswer, TokensAnswer, WireUser,
};
pub use analysis::{
    AnalysisAnswer, AnomaliesAnswer, BoundingBoxBody, FieldStatisticsBody, JobAnswer, PeriodBody,
    SensorAnalysisBody, SensorAnomaliesBody, SpeedBody, StatisticsAnswer, SubmittedAnswer,
    TotalsBody, WireJobState,
};
pub use columns::{PullColumnsAnswer, PulledColumns, PulledGroup, PushColumnsBody, PushedGroup};
pub use columns_text::{GroupTimes, StampList, ValueList};
pub use error::ErrorBody;
pub use limits::{
    LimitsAnswer, PullLimits, PushLimits, QuotaLimits, RequestLimits, TokenLimits, WireRegistration,
};
pub use pull::{PullAnswer, PullBody, PulledRecord, PulledSession};
pub use push::{PushAnswer, PushBody, PushedRecord, PushedSession, RefusedRecord};
pub(super) use restricted::SENSITIVITY_MAX;
pub use restricted::{
    DeviceId, Email, EnabledSensor, Notes, PageLimit, Sensitivity, SensorName, Username,
    WireExportFormat, WireTimeOrDate,
};
pub use server::{
    HealthAnswer, LinksBody, ReadyAnswer, RootAnswer, StatusAnswer, StoreHealth, SyncLogBody,
};
pub use session::{DeleteAnswer, SensorSummary, SessionAnswer, SessionListAnswer, SessionMeta};
pub use text::{Nullable, SampleMillis, WireSessionId, WireSignInId, WireTime};

/// The groups of the documentation.
#[derive(Tags)]
pub enum Tag {
    /// What the server is and how it does.
    Server,
    /// Registering and signing in.
    Accounts,
    /// Push and pull.
    Sync,
    /// Looking at sessions and deleting them.
    Sessions,
    /// What the server computes of sessions, and exports.
    Analysis,
}
