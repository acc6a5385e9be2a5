//! A user's clock and totals, and the lock that serialises the user's changes.

use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::Held;
use koodtx_core::time::Timestamp;
use sqlx::PgConnection;

use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::{erase, statements};

/// What is kept of a user beside the sessions. A user that was never seen has the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UserTotals {
    /// The user clock.
    pub(crate) clock: Timestamp,
    /// Live sessions.
    pub(crate) live: u64,
    /// Live sessions that are still recording.
    pub(crate) active: u64,
    /// Records of live sessions.
    pub(crate) records: u64,
    /// What these count towards a quota.
    pub(crate) data_bytes: u64,
}

/// The columns of a row.
pub(crate) type Row = (Instant, i64, i64, i64, i64);

impl From<Row> for UserTotals {
    fn from((clock, live, active, records, data_bytes): Row) -> Self {
        Self {
            clock: clock.0,
            live: live.unsigned_abs(),
            active: active.unsigned_abs(),
            records: records.unsigned_abs(),
            data_bytes: data_bytes.unsigned_abs(),
        }
    }
}

impl UserTotals {
    /// Takes the user's lock, which ends with the transaction. Whatever is read in a later statement
    /// is no older than it. Fails for a user who was deleted.
    pub(crate) async fn lock(connection: &mut PgConnection, user: UserId) -> Result<Self> {
        if let Some(totals) = Self::try_lock(connection, user).await? {
            return Ok(totals);
        }
        sqlx::query(statements::CLOCK_BEGIN)
            .bind(user.0)
            .bind(Instant(Timestamp::ZERO))
            .execute(&mut *connection)
            .await?;
        if let Some(totals) = Self::try_lock(connection, user).await? {
            return Ok(totals);
        }
        erase::check_not_deleted(connection, user).await?;
        let message = format!("user {user} has lost the clock");
        Err(Failure::corrupt(message))
    }

    /// Takes the user's lock for a change that a deleted user has no use for; `None` for one.
    pub(crate) async fn lock_if_there(
        connection: &mut PgConnection,
        user: UserId,
    ) -> Result<Option<Self>> {
        match Self::lock(connection, user).await {
            Ok(totals) => Ok(Some(totals)),
            Err(Failure::UserDeleted(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn try_lock(connection: &mut PgConnection, user: UserId) -> Result<Option<Self>> {
        let row: Option<Row> = sqlx::query_as(statements::CLOCK_LOCK)
            .bind(user.0)
            .fetch_optional(connection)
            .await?;
        Ok(row.map(Self::from))
    }

    pub(crate) async fn read(connection: &mut PgConnection, user: UserId) -> Result<Self> {
        let row: Option<Row> = sqlx::query_as(statements::CLOCK_READ)
            .bind(user.0)
            .fetch_optional(connection)
            .await?;
        Ok(row.map(Self::from).unwrap_or_default())
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
