//! The sync log.

use std::str::FromStr as _;

use koodtx_core::id::{LogId, SensorType, SessionId, UserId};
use koodtx_core::store::UserStatus;
use koodtx_core::sync_log::{NewSyncLogEntry, SyncKind, SyncLogEntry, SyncStatus};
use koodtx_core::time::Timestamp;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row as _};

use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::user::UserTotals;
use crate::{erase, statements};

/// Appends an entry to the log of a user, whose lock the transaction holds.
pub(crate) async fn append(
    connection: &mut PgConnection,
    user: UserId,
    entry: &NewSyncLogEntry,
    now: Timestamp,
) -> Result<LogId> {
    append_by(statements::LOG_APPEND, connection, user, entry, now).await
}

/// Appends an entry to a user's log, without waiting for who holds the user's lock.
pub(crate) async fn append_alone(
    connection: &mut PgConnection,
    user: UserId,
    entry: &NewSyncLogEntry,
    now: Timestamp,
) -> Result<LogId> {
    append_by(statements::LOG_APPEND_ALONE, connection, user, entry, now).await
}

async fn append_by(
    statement: &'static str,
    connection: &mut PgConnection,
    user: UserId,
    entry: &NewSyncLogEntry,
    now: Timestamp,
) -> Result<LogId> {
    loop {
        let row = bind(sqlx::query(statement).bind(user.0), entry, now)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = row {
            return id_of(&row);
        }
        // Otherwise another entry, which is visible to the next try, took the id.
        erase::check_not_deleted(connection, user).await?;
    }
}

/// Binds all columns of an entry but the user, in their order.
pub(crate) fn bind<'q>(
    query: Query<'q, Postgres, PgArguments>,
    entry: &'q NewSyncLogEntry,
    now: Timestamp,
) -> Query<'q, Postgres, PgArguments> {
    let sensor_types: Vec<&str> = entry.sensor_types.iter().map(SensorType::as_str).collect();
    query
        .bind(now.as_micros())
        .bind(kind_name(entry.kind))
        .bind(status_name(entry.status))
        .bind(entry.session_id.map(|id| id.0))
        .bind(entry.device_id.as_deref())
        .bind(entry.records_count as i64)
        .bind(entry.inserted as i64)
        .bind(entry.updated as i64)
        .bind(entry.duplicates_count as i64)
        .bind(entry.errors_count as i64)
        .bind(sensor_types)
        .bind(entry.body_bytes as i64)
        .bind(Instant(entry.started_at))
        .bind(Instant(now))
        .bind(entry.error.as_deref())
        .bind(entry.request_id.as_deref())
}

/// The id that a statement gave an entry.
pub(crate) fn id_of(row: &PgRow) -> Result<LogId> {
    Ok(LogId(row.try_get("log_id")?))
}

/// A user's totals and latest entries.
pub(crate) async fn status(
    connection: &mut PgConnection,
    user: UserId,
    recent: usize,
) -> Result<UserStatus> {
    let totals = UserTotals::read(connection, user).await?;
    let rows = sqlx::query(statements::LOG_RECENT)
        .bind(user.0)
        .bind(i64::try_from(recent).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    Ok(UserStatus {
        total_sessions: totals.live,
        active_sessions: totals.active,
        uploaded_sessions: totals.live,
        data_bytes: totals.data_bytes,
        recent_syncs: rows.iter().map(entry_of).collect::<Result<_>>()?,
    })
}

/// Entries behind `after`, the oldest first.
pub(crate) async fn entries(
    connection: &mut PgConnection,
    user: UserId,
    after: Option<LogId>,
    limit: usize,
) -> Result<Vec<SyncLogEntry>> {
    let rows = sqlx::query(statements::LOG_EXPORT)
        .bind(user.0)
        .bind(after.map_or(i64::MIN, |after| after.0))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(entry_of).collect()
}

/// The entry of a row that has all columns but the user.
pub(crate) fn entry_of(row: &PgRow) -> Result<SyncLogEntry> {
    let count = |column: &str| -> Result<u64> { Ok(row.try_get::<i64, _>(column)?.unsigned_abs()) };
    let instant = |column: &str| -> Result<Timestamp> { Ok(row.try_get::<Instant, _>(column)?.0) };
    let sensor_types: Vec<String> = row.try_get("sensor_types")?;
    let sensor_types = sensor_types.iter().map(|name| {
        SensorType::from_str(name)
            .map_err(|error| Failure::corrupt(format!("sensor_types of a log entry: {error}")))
    });
    let session_id: Option<uuid::Uuid> = row.try_get("session_id")?;
    Ok(SyncLogEntry {
        id: LogId(row.try_get("log_id")?),
        completed_at: instant("completed_at")?,
        entry: NewSyncLogEntry {
            kind: kind_of(row.try_get("kind")?)?,
            status: status_of(row.try_get("status")?)?,
            session_id: session_id.map(SessionId),
            device_id: row.try_get("device_id")?,
            records_count: count("records_count")?,
            inserted: count("inserted")?,
            updated: count("updated")?,
            duplicates_count: count("duplicates_count")?,
            errors_count: count("errors_count")?,
            sensor_types: sensor_types.collect::<Result<_>>()?,
            body_bytes: count("body_bytes")?,
            request_id: row.try_get("request_id")?,
            started_at: instant("started_at")?,
            error: row.try_get("error")?,
        },
    })
}

pub(crate) fn kind_name(kind: SyncKind) -> &'static str {
    match kind {
        SyncKind::Push => "push",
        SyncKind::Pull => "pull",
    }
}

fn kind_of(name: &str) -> Result<SyncKind> {
    match name {
        "push" => Ok(SyncKind::Push),
        "pull" => Ok(SyncKind::Pull),
        _ => Err(Failure::corrupt(format!(
            "{name:?} is no kind of a log entry"
        ))),
    }
}

pub(crate) fn status_name(status: SyncStatus) -> &'static str {
    match status {
        SyncStatus::Success => "success",
        SyncStatus::Partial => "partial",
        SyncStatus::Failed => "failed",
    }
}

fn status_of(name: &str) -> Result<SyncStatus> {
    match name {
        "success" => Ok(SyncStatus::Success),
        "partial" => Ok(SyncStatus::Partial),
        "failed" => Ok(SyncStatus::Failed),
        _ => Err(Failure::corrupt(format!(
            "{name:?} is no status of a log entry"
        ))),
    }
}
