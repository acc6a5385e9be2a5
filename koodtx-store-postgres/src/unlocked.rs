//! A push that takes no lock: what it finds has a version, and what it comes to is written in one statement,
//! unless the user has changed since.
//!
//! The version is that of the row of the user's clock (`xmin`). Whoever changes a session or its blocks writes
//! that row in the same transaction, so while it is the same nothing has changed. Whatever such a push finds
//! beside a failure of the database is therefore no more than an attempt: where the version has passed, or
//! something does not fit together, the push is done under the lock.

use std::sync::Arc;

use koodtx_core::store::{PushCommand, PushOutcome};
use koodtx_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::block::BlockType;
use crate::error::{Failure, Result, Stage};
use crate::instant::Instant;
use crate::merge::{BlockWriter, Target};
use crate::push::{Found, Merge, apply, target};
use crate::session::SessionRow;
use crate::user::UserTotals;
use crate::{PostgresStore, log, statements};

/// What a push comes to that nothing is written of yet.
struct Prepared {
    /// The version of the clock that it is true of.
    version: String,
    merge: Merge,
    writer: BlockWriter,
}

/// Merges a batch and logs it, as [`crate::push::push`] does, without the lock of its user.
pub(crate) async fn push(
    store: &PostgresStore,
    command: &Arc<PushCommand>,
    now: Timestamp,
) -> std::result::Result<PushOutcome, (Failure, Stage)> {
    let of = store.block_type;
    let (read, written) = (Arc::clone(command), Arc::clone(command));
    store
        .read_then_write(
            move |connection| {
                let command = Arc::clone(&read);
                Box::pin(async move { prepare(connection, of, &command, now).await })
            },
            move |connection, prepared| {
                Box::pin(async move { write(connection, &written, prepared, now).await })
            },
        )
        .await
}

/// Finds out what a push comes to.
async fn prepare(
    connection: &mut PgConnection,
    of: BlockType,
    command: &PushCommand,
    now: Timestamp,
) -> Result<Prepared> {
    let target = target(command);
    let (version, found) = find(connection, target).await?;
    let mut writer = BlockWriter::unlocked(target, of);
    let merge = apply(connection, &mut writer, command, found, now).await?;
    Ok(Prepared {
        version,
        merge,
        writer,
    })
}

/// Reads what a push finds, and the version of the clock. A user without a clock gets it under the lock.
async fn find(connection: &mut PgConnection, target: Target) -> Result<(String, Found)> {
    let row = sqlx::query(statements::PUSH_FIND)
        .bind(target.user.0)
        .bind(target.session.0)
        .fetch_optional(connection)
        .await?
        .ok_or(Failure::NeedsLock)?;
    let clock: Instant = row.try_get("clock")?;
    let totals = UserTotals::from((
        clock,
        row.try_get("live_sessions")?,
        row.try_get("active_sessions")?,
        row.try_get("records")?,
        row.try_get("user_bytes")?,
    ));
    let is_there = row.try_get::<Option<Uuid>, _>("session_id")?.is_some();
    let session = is_there.then(|| SessionRow::of(&row)).transpose()?;
    Ok((row.try_get("version")?, Found { totals, session }))
}

/// Writes what a push comes to, unless the user has changed since it was prepared.
async fn write(
    connection: &mut PgConnection,
    command: &PushCommand,
    prepared: Prepared,
    now: Timestamp,
) -> Result<PushOutcome> {
    let Prepared {
        version,
        merge,
        writer,
    } = prepared;
    let user = command.user.0;
    let entry = command.log_entry(merge.counts);
    let query = if let Some(row) = &merge.session {
        let query = row.bind(sqlx::query(statements::PUSH_WRITE), user, &merge.totals);
        let query = writer.bind(query.bind(version.as_str()));
        log::bind(query, &entry, now)
    } else {
        let query = sqlx::query(statements::LOG_APPEND_AT).bind(user);
        log::bind(query, &entry, now).bind(version.as_str())
    };
    let row = query.fetch_optional(connection).await?;
    let log_id = log::id_of(&row.ok_or(Failure::NeedsLock)?)?;
    Ok(merge.outcome(log_id))
}
