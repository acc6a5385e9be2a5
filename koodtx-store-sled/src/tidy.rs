//! Tidying up: what expired, and what the janitor has still to do.

use koodtx_core::id::UserId;
use koodtx_core::time::Timestamp;

use crate::error::Result;
use crate::key::{Key, KeyReader, Table};
use crate::store::Inner;
use crate::values::WriteSet;
use crate::{families, janitor, rounds};

/// Removes the remembered rounds that nobody can find any more; returns how many. Who remembers one
/// meanwhile is not in the way: it is fresh.
pub(crate) fn rounds(inner: &Inner, now: Timestamp) -> Result<u64> {
    let mut removed = 0;
    for entry in inner.values.scan_prefix(&Key::table(Table::Round)) {
        let entry = entry?;
        let _alone = inner.rounds.lock();
        if rounds::is_stale(&inner.values, &entry, now)? {
            let mut set = WriteSet::reclaiming(&inner.values);
            set.remove_entry(&entry);
            inner.journal.write(set)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes what deleted and purged sessions have left behind; returns how many of them.
pub(crate) fn garbage(inner: &Inner) -> Result<u64> {
    let mut lives = 0;
    for entry in inner.values.scan_prefix(&Key::table(Table::Garbage)) {
        entry?;
        lives += 1;
    }
    janitor::sweep(inner)?;
    Ok(lives)
}

/// The next user behind `after` who has sign-ins.
pub(crate) fn next_signed_in(inner: &Inner, after: Option<UserId>) -> Result<Option<UserId>> {
    let table = Key::table(Table::Family);
    let from = after.map_or_else(|| table.clone(), |user| Key::families(user).end());
    let entry = inner.values.scan(&from, &table.end()).next().transpose()?;
    entry
        .map(|entry| KeyReader::new(entry.key()).user())
        .transpose()
}

/// Removes the expired sign-ins of a user. The caller holds the user's lock alone.
pub(crate) fn sign_ins(inner: &Inner, user: UserId, now: Timestamp) -> Result<u64> {
    let mut set = WriteSet::reclaiming(&inner.values);
    let removed = families::revoke_where(&inner.values, &mut set, user, |sign_in| {
        sign_in.expires_at <= now
    })?;
    if removed > 0 {
        inner.journal.commit(set)?;
    }
    Ok(removed)
}
