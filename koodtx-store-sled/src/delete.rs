//! Deleting a session.

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{StoreError, StoreErrorKind};
use koodtx_core::time::{Tick, Timestamp};

use crate::error::{Failure, Result};
use crate::key::{Key, Table};
use crate::session::SessionRecord;
use crate::store::Inner;
use crate::user::UserRecord;
use crate::values::WriteSet;

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
    let mut user = UserRecord::read(&inner.values, user_id)?;
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

    let mut set = WriteSet::new(&inner.values);
    SessionRecord { state, life }.write(&mut set, user_id, Some(&old))?;
    set.mark(&Key::life(Table::Garbage, user_id, life));
    user.write(&mut set, user_id)?;
    inner.journal.commit(set)?;
    inner.bell.ring();
    Ok(user.clock)
}
