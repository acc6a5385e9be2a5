//! The remembered first pages of pull rounds.

use koodtx_core::id::UserId;
use koodtx_core::limits::{ROUND_MEMORY_MAX_MICROS, ROUNDS_PER_SIGN_IN_MAX_COUNT};
use koodtx_core::pull::RoundKey;
use koodtx_core::time::Timestamp;
use sqlx::PgConnection;

use crate::error::Result;
use crate::instant::Instant;
use crate::statements;

/// Stands for a round without `last_sync_time`: `-infinity` in SQL, and before every clock.
pub(crate) const NO_SINCE: Timestamp = Timestamp::from_micros(i64::MIN);

/// Pages that were remembered at or before this are forgotten.
fn stale(now: Timestamp) -> Instant {
    Instant(now.plus_micros(-ROUND_MEMORY_MAX_MICROS))
}

/// The clock remembered for a round.
pub(crate) async fn find(
    connection: &mut PgConnection,
    user: UserId,
    round: &RoundKey,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let clock: Option<Instant> = sqlx::query_scalar(statements::ROUND_FIND)
        .bind(user.0)
        .bind(round.sign_in.0)
        .bind(Instant(round.since.unwrap_or(NO_SINCE)))
        .bind(round.filter as i64)
        .bind(stale(now))
        .fetch_optional(connection)
        .await?;
    Ok(clock.map(Timestamp::from))
}

/// Remembers the clock of a first page, unless an earlier one of the same round is remembered.
pub(crate) async fn remember(
    connection: &mut PgConnection,
    user: UserId,
    round: &RoundKey,
    clock: Timestamp,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(statements::ROUND_REMEMBER)
        .bind(user.0)
        .bind(round.sign_in.0)
        .bind(Instant(round.since.unwrap_or(NO_SINCE)))
        .bind(round.filter as i64)
        .bind(Instant(clock))
        .bind(Instant(now))
        .bind(stale(now))
        // This one comes on top.
        .bind(ROUNDS_PER_SIGN_IN_MAX_COUNT as i64 - 1)
        .execute(connection)
        .await?;
    Ok(())
}
