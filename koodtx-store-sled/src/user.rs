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
        fn change(total: &mut u64, old: u64, new: u64) {
            *total = total.saturating_sub(old).saturating_add(new);
        }
        let live = |state: &SessionState| u64::from(state.live);
        let active = |state: &SessionState| u64::from(state.live && state.fields.is_active());
        let records = |state: &SessionState| state.data_count;
        change(&mut self.live, old.map_or(0, live), live(new));
        change(&mut self.active, old.map_or(0, active), active(new));
        change(&mut self.records, old.map_or(0, records), records(new));
    }
}
