//! Deleting users: at once what names them and lets them in, bit by bit what they have stored.

use koodtx_core::id::UserId;
use koodtx_core::store::{DeletedUser, StoreError, Taken, name_hash};
use koodtx_core::time::Timestamp;

use crate::error::{Failure, Result};
use crate::key::{Key, KeyReader, Table};
use crate::store::Inner;
use crate::values::{Values, WriteSet};
use crate::{accounts, families, record};

/// The tables, with the user first in each, that hold what a user has stored. Sessions come last: by
/// them a verification finds what was left.
const STORED: [Table; 13] = [
    Table::Block,
    Table::OpenBlock,
    Table::BlockChange,
    Table::Series,
    Table::Garbage,
    Table::Filling,
    Table::Analysis,
    Table::Analysed,
    Table::Log,
    Table::Round,
    Table::Change,
    Table::SessionId,
    Table::Session,
];
/// Keys removed in one step, during which the user's lock is held.
const STEP_MAX_KEYS: usize = 256;

fn mark(user: UserId) -> Key {
    Key::of_user(Table::Deleted, user)
}

fn leaving(user: UserId) -> Key {
    Key::of_user(Table::Leaving, user)
}

/// What is kept of a user who was deleted.
pub(crate) fn deletion(values: &Values, user: UserId) -> Result<Option<DeletedUser>> {
    record::get(values, &mark(user))
}

pub(crate) fn is_deleted(values: &Values, user: UserId) -> Result<bool> {
    values.contains(&mark(user))
}

/// Whether a deleted user has left what is still to be removed.
pub(crate) fn is_leaving(values: &Values, user: UserId) -> Result<bool> {
    values.contains(&leaving(user))
}

/// Fails for a user who was deleted. The caller holds the user's lock alone, as the deletion did.
pub(crate) fn check_not_deleted(
    values: &Values,
    operation: &'static str,
    user: UserId,
) -> Result<()> {
    if is_deleted(values, user)? {
        return Err(Failure::Decided(StoreError::user_deleted(operation, user)));
    }
    Ok(())
}

/// The deleted user with the highest id.
pub(crate) fn last(values: &Values) -> Result<Option<UserId>> {
    let last = values.scan_prefix(&Key::table(Table::Deleted)).next_back();
    last.map(|entry| KeyReader::new(entry?.key()).user())
        .transpose()
}

/// The caller holds the locks of the accounts and of the user alone.
pub(crate) fn delete(inner: &Inner, user: UserId, now: Timestamp) -> Result<bool> {
    let Some(account) = accounts::account(&inner.values, user)? else {
        return Ok(false);
    };
    let deleted = DeletedUser {
        id: user,
        username: name_hash(&account.user.username),
        deleted_at: now,
    };
    let mut set = WriteSet::reclaiming(&inner.values);
    write(&inner.values, &mut set, &deleted)?;
    inner.journal.commit(set)?;
    Ok(true)
}

/// Writes a deletion in place of the account of that id, or says that another one has its name.
pub(crate) fn put(
    values: &Values,
    set: &mut WriteSet<'_>,
    deleted: &DeletedUser,
) -> Result<Result<(), Taken>> {
    let username = accounts::username_key(deleted.username);
    if record::get::<UserId>(values, &username)?.is_some_and(|owner| owner != deleted.id) {
        return Ok(Err(Taken::Username));
    }
    write(values, set, deleted)?;
    Ok(Ok(()))
}

/// The clock and the counters go with the account, so nothing is counted that is still to be removed.
fn write(values: &Values, set: &mut WriteSet<'_>, deleted: &DeletedUser) -> Result<()> {
    accounts::remove(values, set, deleted.id)?;
    families::revoke_where(values, set, deleted.id, |_| true)?;
    record::put(set, &accounts::username_key(deleted.username), &deleted.id)?;
    record::put(set, &mark(deleted.id), deleted)?;
    set.mark(&leaving(deleted.id));
    set.remove(&Key::user_record(deleted.id))
}

/// Has what was left of a deleted user by mistake removed. The caller holds the user's lock alone.
pub(crate) fn again(inner: &Inner, user: UserId) -> Result<()> {
    let mut set = WriteSet::reclaiming(&inner.values);
    set.mark(&leaving(user));
    set.remove(&Key::user_record(user))?;
    inner.journal.commit(set)
}

/// The next user who has left something.
pub(crate) fn next(inner: &Inner) -> Result<Option<UserId>> {
    let next = inner.values.scan_prefix(&Key::table(Table::Leaving)).next();
    next.map(|entry| KeyReader::new(entry?.key()).user())
        .transpose()
}

/// Removes some keys of a deleted user, at most `limit`; returns how many. With none, nothing is left.
/// The caller holds the user's lock alone, so that no reader sees a part of a session.
pub(crate) fn step(inner: &Inner, user: UserId, limit: usize) -> Result<u64> {
    let mut set = WriteSet::reclaiming(&inner.values);
    let mut room = limit.clamp(1, STEP_MAX_KEYS);
    let mut removed = 0;
    for table in STORED {
        let keys = Key::of_user(table, user);
        for prefix in [Key::parts(keys.as_bytes()), keys] {
            for entry in inner.values.scan_prefix(&prefix).take(room) {
                set.remove_stored(&entry?);
                removed += 1;
                room -= 1;
            }
        }
    }
    if removed > 0 {
        inner.journal.write(set)?;
    } else {
        // Last, so that a stop half way is taken up again.
        set.remove(&leaving(user))?;
        inner.journal.commit(set)?;
    }
    Ok(removed)
}
