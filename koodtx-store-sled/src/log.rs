//! The sync log.

use koodtx_core::id::{LogId, UserId};
use koodtx_core::store::UserStatus;
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

use crate::error::Result;
use crate::key::Key;
use crate::record;
use crate::store::Inner;
use crate::user::UserRecord;
use crate::values::{Entry, WriteSet};

/// Adds an entry; the caller writes `record` afterwards.
pub(crate) fn append(
    set: &mut WriteSet<'_>,
    user: UserId,
    record: &mut UserRecord,
    entry: NewSyncLogEntry,
    now: Timestamp,
) -> Result<LogId> {
    let entry = entry.complete(record.last_log, now);
    record.last_log = Some(entry.id);
    // Ids are not used twice.
    record::put_over_uncut(set, &Key::log(user, entry.id), &entry)?;
    Ok(entry.id)
}

/// Logs by itself, without waiting for the disk. The caller holds the user's lock alone.
pub(crate) fn log(
    inner: &Inner,
    user: UserId,
    entry: NewSyncLogEntry,
    now: Timestamp,
) -> Result<LogId> {
    let mut record = UserRecord::read_for("log", &inner.values, user)?;
    let mut set = WriteSet::reclaiming(&inner.values);
    let id = append(&mut set, user, &mut record, entry, now)?;
    record.write(&mut set, user)?;
    inner.journal.write(set)?;
    Ok(id)
}

/// Entries behind `after`, the oldest first. The caller shares the user's lock.
pub(crate) fn entries(
    inner: &Inner,
    user: UserId,
    after: Option<LogId>,
    limit: usize,
) -> Result<Vec<SyncLogEntry>> {
    let all = Key::logs(user);
    let from = after.map_or_else(|| all.clone(), |after| Key::log(user, after).end());
    let entries = inner.values.scan(&from, &all.end()).take(limit);
    entries
        .map(|entry| record::load(&inner.values, &entry?))
        .collect()
}

/// Entries of a user that are older than `before`, the oldest first.
fn older(
    inner: &Inner,
    user: UserId,
    before: Timestamp,
) -> impl Iterator<Item = Result<Entry>> + use<> {
    let end = Key::log(user, LogId(before.as_micros()));
    inner.values.scan(&Key::logs(user), &end)
}

/// Counts the entries that are older than `before`.
pub(crate) fn count(inner: &Inner, user: UserId, before: Timestamp) -> Result<u64> {
    older(inner, user, before).try_fold(0, |count, entry| entry.map(|_| count + 1))
}

/// Removes up to `limit` of the entries that are older than `before`; returns how many. The caller holds
/// the user's lock alone.
pub(crate) fn purge(inner: &Inner, user: UserId, before: Timestamp, limit: usize) -> Result<u64> {
    let mut set = WriteSet::reclaiming(&inner.values);
    let mut removed = 0;
    for entry in older(inner, user, before).take(limit) {
        set.remove_entry(&entry?);
        removed += 1;
    }
    if removed > 0 {
        inner.journal.commit(set)?;
    }
    Ok(removed)
}

/// A user's totals with the latest `recent` entries, the newest first.
pub(crate) fn status(inner: &Inner, user: UserId, recent: usize) -> Result<UserStatus> {
    let record = UserRecord::read(&inner.values, user)?;
    let recent_syncs: Vec<SyncLogEntry> = inner
        .values
        .scan_prefix(&Key::logs(user))
        .rev()
        .take(recent)
        .map(|entry| record::load(&inner.values, &entry?))
        .collect::<Result<_>>()?;
    Ok(UserStatus {
        total_sessions: record.live,
        active_sessions: record.active,
        // A session comes to be only by an upload.
        uploaded_sessions: record.live,
        data_bytes: record.data_bytes,
        recent_syncs,
    })
}
