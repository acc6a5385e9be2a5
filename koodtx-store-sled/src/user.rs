//! A user's clock and counters.

use koodtx_core::id::{LogId, UserId};
use koodtx_core::session::SessionState;
use koodtx_core::store::Held;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::erase;
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
    /// What these count towards a quota.
    #[serde(default)]
    pub(crate) data_bytes: u64,
    /// The latest entry of the sync log.
    pub(crate) last_log: Option<LogId>,
}

impl UserRecord {
    pub(crate) fn read(values: &Values, user: UserId) -> Result<Self> {
        Ok(Self::find(values, user)?.unwrap_or_default())
    }

    /// Reads it for a change. One that was deleted has none, and gets none: only where there is none is
    /// that looked up. The caller holds the user's lock alone.
    pub(crate) fn read_for(operation: &'static str, values: &Values, user: UserId) -> Result<Self> {
        if let Some(record) = Self::find(values, user)? {
            return Ok(record);
        }
        erase::check_not_deleted(values, operation, user)?;
        Ok(Self::default())
    }

    fn find(values: &Values, user: UserId) -> Result<Option<Self>> {
        record::get(values, &Key::user_record(user))
            .map_err(|failure| failure.at(format_args!("user {user}")))
    }

    pub(crate) fn write(&self, set: &mut WriteSet<'_>, user: UserId) -> Result<()> {
        // A few numbers.
        record::put_over_uncut(set, &Key::user_record(user), self)
    }

    /// What counts towards a quota.
    pub(crate) fn held(&self) -> Held {
        Held {
            sessions: self.live,
            data_bytes: self.data_bytes,
        }
    }

    /// The totals in the order of [`SessionState::recount`].
    pub(crate) fn totals(&self) -> [u64; 4] {
        [self.live, self.active, self.records, self.data_bytes]
    }

    /// Counts a session anew that was `old` (`None`: not there) and is `new`.
    pub(crate) fn recount(&mut self, old: Option<&SessionState>, new: &SessionState) {
        let totals = [
            &mut self.live,
            &mut self.active,
            &mut self.records,
            &mut self.data_bytes,
        ];
        SessionState::recount(totals, old, new);
    }
}
