//! Log entries on their way in.

use koodtx_core::id::UserId;
use koodtx_core::sync_log::SyncLogEntry;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::log::{kind_name, status_name};
use crate::statements;

/// Writes entries with their ids, in one statement; passes over those that are there.
pub(super) async fn import(
    connection: &mut PgConnection,
    user: UserId,
    entries: &[SyncLogEntry],
) -> Result<()> {
    fn column<'e, T>(entries: &'e [SyncLogEntry], of: impl Fn(&'e SyncLogEntry) -> T) -> Vec<T> {
        entries.iter().map(of).collect()
    }
    let sensor_types = entries.iter().map(|one| {
        serde_json::to_string(&one.entry.sensor_types)
            .map_err(|error| Failure::corrupt(format!("sensor types of a log entry: {error}")))
    });
    sqlx::query(statements::LOG_IMPORT)
        .bind(user.0)
        .bind(column(entries, |one| one.id.0))
        .bind(column(entries, |one| kind_name(one.entry.kind)))
        .bind(column(entries, |one| status_name(one.entry.status)))
        .bind(column(entries, |one| -> Option<Uuid> {
            one.entry.session_id.map(|id| id.0)
        }))
        .bind(column(entries, |one| one.entry.device_id.as_deref()))
        .bind(column(entries, |one| one.entry.records_count as i64))
        .bind(column(entries, |one| one.entry.inserted as i64))
        .bind(column(entries, |one| one.entry.updated as i64))
        .bind(column(entries, |one| one.entry.duplicates_count as i64))
        .bind(column(entries, |one| one.entry.errors_count as i64))
        .bind(sensor_types.collect::<Result<Vec<String>>>()?)
        .bind(column(entries, |one| one.entry.body_bytes as i64))
        .bind(column(entries, |one| Instant(one.entry.started_at)))
        .bind(column(entries, |one| Instant(one.completed_at)))
        .bind(column(entries, |one| one.entry.error.as_deref()))
        .bind(column(entries, |one| one.entry.request_id.as_deref()))
        .execute(connection)
        .await?;
    Ok(())
}
