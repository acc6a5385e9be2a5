//! What operators and background jobs need of a store.

use std::fmt::{self, Debug};

use async_trait::async_trait;

use super::StoreError;
use crate::id::{SensorType, SessionId, UserId};
use crate::session::SessionState;
use crate::time::Timestamp;

/// A place in the order `(user, created_at)` of all sessions: where a walk through them stands.
pub type SessionPosition = (UserId, Timestamp);

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
    pub next: Option<SessionPosition>,
}

/// What one step of a repair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepairPage {
    /// Sessions counted anew, tombstones included.
    pub sessions: u64,
    /// What was counted wrong and is right now, a line each, for an operator.
    pub repaired: Vec<String>,
    /// Where to go on; `None` at the end.
    pub next: Option<SessionPosition>,
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

/// Which live sessions a task looks for.
///
/// Age is that of the last change on the server, not of the recording: a device that syncs a month-old
/// recording today finds it kept as long as any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionFilter {
    /// Sessions with samples that have ended, and that nothing has changed since `before`.
    Ended {
        /// Exclusive, for the end of the recording as well as for the last change.
        before: Timestamp,
    },
    /// Sessions that are still recording and that nothing has changed since `before`.
    Stalled {
        /// Exclusive.
        before: Timestamp,
    },
    /// Sessions with samples that have ended and whose analysis is missing, or behind their last
    /// change. Where samples were purged, a result that is there stays: it says more than a new one
    /// could.
    Unanalysed,
    /// Sessions that the server saw first at `since` or later.
    Created {
        /// Inclusive.
        since: Timestamp,
    },
}

impl SessionFilter {
    /// Whether a session is one of them; `analysed` is the clock of its [`Analysis`].
    ///
    /// [`Analysis`]: super::Analysis
    pub fn matches(&self, state: &SessionState, analysed: Option<Timestamp>) -> bool {
        let is_active = state.fields.is_active();
        let holds_ended = !is_active && state.data_count > 0;
        state.live
            && match *self {
                Self::Ended { before } => {
                    let end = state.fields.end_time();
                    holds_ended && state.updated_at < before && end.is_none_or(|end| end < before)
                }
                Self::Stalled { before } => is_active && state.updated_at < before,
                Self::Unanalysed => match analysed {
                    None => holds_ended,
                    Some(clock) => {
                        holds_ended && clock < state.updated_at && state.data_purged_at.is_none()
                    }
                },
                Self::Created { since } => state.created_at >= since,
            }
    }
}

/// A step of a walk through the sessions of all users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundSessions {
    /// Those that match, in the order `(user, created_at)`. There may be none although more follow.
    pub sessions: Vec<(UserId, SessionState)>,
    /// Where to go on; `None` at the end.
    pub next: Option<SessionPosition>,
}

/// What one step of erasing deleted users came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Pieces that were removed: blocks of records, sessions, analyses, log entries and the like.
    pub removed: u64,
    /// Users of whom nothing is left now.
    pub users: Vec<UserId>,
    /// Whether there may be more to remove.
    pub has_more: bool,
}

/// Maintenance of a store.
///
/// Everything works in bounded steps beside the running service, and can be stopped between any two.
/// A change names the `updated_at` that it was decided on, and is not made where the session has
/// changed since: a push that comes in between is never undone.
#[async_trait]
pub trait MaintenanceStore: Send + Sync + Debug + 'static {
    /// Checks up to `limit` sessions after `after`: that every block passes its checksum and is
    /// well-formed and in place, that `data_count` is the number of distinct keys and `data_bytes` what
    /// they count, that no clock of the session is ahead of the user clock. Repairs nothing. What a
    /// deleted user has left and is still to be erased is passed over; what was left by mistake is a
    /// problem.
    async fn verify(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError>;

    /// Counts anew what is counted of up to `limit` sessions after `after`: `data_count`, `data_bytes`,
    /// `series_count`, the count and the range of each series; and with the last session of a user
    /// the totals of the user. No record is touched and no clock steps. A session of which anything
    /// cannot be read is left as it is.
    async fn repair(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<RepairPage, StoreError>;

    /// Adds up what is stored.
    async fn usage(&self) -> Result<Usage, StoreError>;

    /// Looks for sessions behind `after`: returns at most `limit` that match.
    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<FoundSessions, StoreError>;

    /// Removes all records of a live session, and remembers that ([`SessionState::purge`]). No clock
    /// steps: devices keep what they have. Returns how many records there were, or `None` where the
    /// session is not there or its `updated_at` is another.
    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError>;

    /// Ends a live session that is still recording ([`SessionState::close`]), a change that devices
    /// pull. Returns its clock, or `None` where the session is not there, not recording, or its
    /// `updated_at` is another.
    async fn close_session(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Counts the sync log entries of a user that are older than `before`.
    async fn count_logs(&self, user: UserId, before: Timestamp) -> Result<u64, StoreError>;

    /// Removes up to `limit` of the sync log entries of a user that are older than `before`, the
    /// oldest first; returns how many.
    async fn purge_logs(
        &self,
        user: UserId,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64, StoreError>;

    /// Removes some of what [deleted](super::AccountStore::delete_user) users have left behind, about
    /// `limit` pieces. It may be broken off at any time, and several callers may be at it at once.
    async fn erase_deleted(&self, limit: usize) -> Result<Erasure, StoreError>;

    /// Tidies the store up: removes what expired, gives space back, renews statistics. Returns what it
    /// did, a line each, for operators. May take minutes, and can be broken off at any time.
    async fn optimise(&self, now: Timestamp) -> Result<Vec<String>, StoreError>;
}
