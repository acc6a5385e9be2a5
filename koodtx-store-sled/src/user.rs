//! A user's clock and counters.

use koodtx_core::id::{LogId, UserId};
use koodtx_core::session::SessionState;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::key::Key;
use crate::record;
use crate::values::{Values, WriteSet};

/// What is kept of a user beside the sessions. A user that was never seen has the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    /// The user clock.
    pub(crate) clock: Timestamp,
    /// Live sessions.
    pub(crate) live: u64,
    /// Live sessions that are still recording.
    pub(crate) active: u64,
    /// Records of live sessions.
    pub(crate) records: u64,
    /// The latest entry of the sync log.
    pub(crate) last_log: Option<LogId>,
}

impl UserRecord {
    pub(crate) fn read(values: &Values, user: UserId) -> Result<Self> {
        let record = record::get(values, &Key::user_record(user));
        Ok(record
            .map_err(|failure| failure.at(format_args!("user {user}")))?
            .unwrap_or_default())
    }

    pub(crate) fn write(&self, set: &mut WriteSet<'_>, user: UserId) -> Result<()> {
        record::put(set, &Key::user_record(user), self)
    }

    /// Counts a session anew that was `old` (`None`: not there) and is `new`.
    pub(crate) fn recount(&mut self, old: Option<&SessionState>, new: &SessionState) {
        let totals = [&mut self.live, &mut self.active, &mut self.records];
        SessionState::recount(totals, old, new);
    }
}
