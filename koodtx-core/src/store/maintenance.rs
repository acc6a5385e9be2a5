//! What operators and background jobs need of a store.

use std::fmt::{self, Debug};

use async_trait::async_trait;

use super::StoreError;
use crate::id::{SensorType, SessionId, UserId};
use crate::time::Timestamp;

/// Where a verification stands: sessions up to this one, in the order `(user, created_at)`, are done.
pub type VerifyPosition = (UserId, Timestamp);

/// Something a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose data.
    pub user: UserId,
    /// Which session.
    pub session: SessionId,
    /// Which series, where it is about one.
    pub sensor_type: Option<SensorType>,
    /// What is wrong, for an operator.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}, session {}", self.user, self.session)?;
        if let Some(sensor_type) = &self.sensor_type {
            write!(f, ", sensor {sensor_type}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What one step of a verification saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyPage {
    /// Sessions checked, tombstones included.
    pub sessions: u64,
    /// Records checked.
    pub records: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Where to go on; `None` at the end.
    pub next: Option<VerifyPosition>,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Accounts.
    pub users: u64,
    /// Live sessions.
    pub sessions: u64,
    /// Records.
    pub records: u64,
    /// Bytes on disk; 0 for a store that keeps nothing there.
    pub disk_bytes: u64,
}

/// Maintenance of a store.
///
/// Everything works in bounded steps beside the running service, and can be stopped between any two.
#[async_trait]
pub trait MaintenanceStore: Send + Sync + Debug + 'static {
    /// Checks up to `limit` sessions after `after`: that every block passes its checksum and is
    /// well-formed and in place, that `data_count` is the number of distinct keys, that no clock of
    /// the session is ahead of the user clock. Repairs nothing.
    async fn verify(
        &self,
        after: Option<VerifyPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError>;

    /// Adds up what is stored.
    async fn usage(&self) -> Result<Usage, StoreError>;
}
