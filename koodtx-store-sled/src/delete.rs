//! Ending a session's life: by deleting it, or by purging its records.

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::session::SessionState;
use koodtx_core::store::{StoreError, StoreErrorKind};
use koodtx_core::time::{Tick, Timestamp};

use crate::error::{Failure, Result};
use crate::key::{Key, Table};
use crate::session::SessionRecord;
use crate::store::Inner;
use crate::user::UserRecord;
use crate::values::WriteSet;
use crate::{erase, results, series};

/// Turns a session into a tombstone. The caller holds the user's lock alone.
///
/// However many blocks the session has, this writes a handful of keys: its records go with the life
/// that ends here, and the janitor removes what is left of that afterwards.
pub(crate) fn delete(
    inner: &Inner,
    user_id: UserId,
    id: SessionId,
    now: Timestamp,
) -> Result<Timestamp> {
    let mut user = UserRecord::read_for("delete_session", &inner.values, user_id)?;
    let Some(SessionRecord { state: old, life }) =
        SessionRecord::find(&inner.values, user_id, id)?.filter(|record| record.state.live)
    else {
        let message = format!("no live session {id}");
        let error = StoreError::new(StoreErrorKind::NotFound, "delete_session", message);
        return Err(Failure::Decided(error));
    };
    let tick = Tick::after(user.clock, now);
    let state = old.clone().delete(tick);
    user.clock = tick.at();
    user.recount(Some(&old), &state);

    let mut set = WriteSet::reclaiming(&inner.values);
    SessionRecord { state, life }.write(&mut set, user_id, Some(&old))?;
    set.mark(&Key::life(Table::Garbage, user_id, life));
    results::forget(&mut set, user_id, old.created_at)?;
    user.write(&mut set, user_id)?;
    inner.journal.commit(set)?;
    inner.bell.ring();
    Ok(user.clock)
}

/// Removes all records of a session that has not changed since `updated_at`; returns how many. The
/// caller holds the user's lock alone.
pub(crate) fn purge(
    inner: &Inner,
    user_id: UserId,
    id: SessionId,
    updated_at: Timestamp,
    now: Timestamp,
) -> Result<Option<u64>> {
    if erase::is_deleted(&inner.values, user_id)? {
        return Ok(None);
    }
    let Some(SessionRecord { state: old, life }) = SessionRecord::find(&inner.values, user_id, id)?
        .filter(|record| record.state.live && record.state.updated_at == updated_at)
    else {
        return Ok(None);
    };
    let mut user = UserRecord::read(&inner.values, user_id)?;
    let state = old.clone().purge(now);
    user.recount(Some(&old), &state);

    let mut set = WriteSet::reclaiming(&inner.values);
    // A session without records has nothing to leave behind, and may have this very life already.
    let next_life = if old.data_count == 0 {
        life
    } else {
        set.mark(&Key::life(Table::Garbage, user_id, life));
        Timestamp::from_micros(-updated_at.as_micros())
    };
    let purged = SessionRecord {
        state,
        life: next_life,
    };
    purged.write(&mut set, user_id, Some(&old))?;
    user.write(&mut set, user_id)?;
    inner.journal.commit(set)?;
    inner.bell.ring();
    Ok(Some(old.data_count))
}

/// Ends a session that is still recording and has not changed since `updated_at`; returns the clock.
/// The caller holds the user's lock alone.
pub(crate) fn close(
    inner: &Inner,
    user_id: UserId,
    id: SessionId,
    updated_at: Timestamp,
    note: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    if erase::is_deleted(&inner.values, user_id)? {
        return Ok(None);
    }
    let is_due = |state: &SessionState| {
        state.live && state.updated_at == updated_at && state.fields.is_active()
    };
    let Some(SessionRecord { state: old, life }) =
        SessionRecord::find(&inner.values, user_id, id)?.filter(|record| is_due(&record.state))
    else {
        return Ok(None);
    };
    let mut user = UserRecord::read(&inner.values, user_id)?;
    let tick = Tick::after(user.clock, now);
    let all = series::all(&inner.values, user_id, life)?;
    let last = all.iter().map(|(_, series)| series.last).max();
    let state = old.clone().close(last, note, tick);
    user.clock = tick.at();
    user.recount(Some(&old), &state);

    let mut set = WriteSet::new(&inner.values);
    SessionRecord { state, life }.write(&mut set, user_id, Some(&old))?;
    user.write(&mut set, user_id)?;
    inner.journal.commit(set)?;
    Ok(Some(user.clock))
}
