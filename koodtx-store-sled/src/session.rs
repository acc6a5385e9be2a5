//! Sessions and the two indexes by which they are found.

use std::fmt;

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::session::SessionState;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Failure, Result};
use crate::key::{Key, KeyReader};
use crate::record;
use crate::values::{Entry, Values, WriteSet};

/// What is kept of a session beside its series and blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) state: SessionState,
    /// Part of the keys of all its series and blocks: those of a life that ended cannot be mistaken for
    /// live ones. It is the user clock of the push that made the session, or that last revived it; after
    /// a purge, the last change before it with its sign turned, which no other life can be.
    pub(crate) life: Timestamp,
}

/// Which session, for errors that cannot know its id.
struct Place(UserId, Timestamp);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}, the session created at {}", self.0, self.1)
    }
}

/// What the index of changes says of one session or tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) created_at: Timestamp,
    pub(crate) live: bool,
}

impl SessionRecord {
    /// Reads a session by its place in the order of sessions.
    pub(crate) fn at(values: &Values, user: UserId, created_at: Timestamp) -> Result<Option<Self>> {
        record::get(values, &Key::session(user, created_at))
            .map_err(|failure| failure.at(Place(user, created_at)))
    }

    /// Reads a session or tombstone by its id.
    pub(crate) fn find(values: &Values, user: UserId, id: SessionId) -> Result<Option<Self>> {
        match record::get(values, &Key::session_id(user, id))? {
            Some(created_at) => Self::at(values, user, created_at),
            None => Ok(None),
        }
    }

    pub(crate) fn load(values: &Values, entry: &Entry) -> Result<Self> {
        record::load(values, entry).map_err(|failure| match place(entry.key()) {
            Ok((user, created_at)) => failure.at(Place(user, created_at)),
            Err(_) => failure,
        })
    }

    /// Stores the session in place of `old`, and keeps the indexes in step.
    pub(crate) fn write(
        &self,
        set: &mut WriteSet<'_>,
        user: UserId,
        old: Option<&SessionState>,
    ) -> Result<()> {
        let state = &self.state;
        record::put(set, &Key::session(user, state.created_at), self)?;
        if old.is_none() {
            record::put(set, &Key::session_id(user, state.id), &state.created_at)?;
        }
        if old.is_none_or(|old| old.updated_at != state.updated_at) {
            if let Some(old) = old {
                set.remove(&Key::change(user, old.updated_at))?;
            }
            let change = Change {
                created_at: state.created_at,
                live: state.live,
            };
            record::put(set, &Key::change(user, state.updated_at), &change)?;
        }
        Ok(())
    }
}

/// All sessions and tombstones of a user that changed after `since`, in the order of the change.
pub(crate) fn changes(
    values: &Values,
    user: UserId,
    since: Timestamp,
) -> impl Iterator<Item = Result<Change>> + use<'_> {
    let from = Key::change(user, since.plus_micros(1));
    values
        .scan(&from, &Key::changes(user).end())
        .map(|entry| entry.and_then(|entry| record::load(values, &entry)))
}

/// User and `created_at` of the key of a session.
pub(crate) fn place(key: &[u8]) -> Result<(UserId, Timestamp)> {
    let mut reader = KeyReader::new(key);
    Ok((reader.user()?, reader.time()?))
}

/// The id of the session at `created_at`, for when its record cannot be read.
pub(crate) fn id_at(
    values: &Values,
    user: UserId,
    created_at: Timestamp,
) -> Result<Option<SessionId>> {
    for entry in values.scan_prefix(&Key::session_ids(user)) {
        let entry = entry?;
        if record::load::<Timestamp>(values, &entry)? == created_at {
            let mut reader = KeyReader::new(entry.key());
            reader.user()?;
            return Ok(Some(SessionId(reader.uuid()?)));
        }
    }
    Ok(None)
}

/// The session that the index names must be there.
pub(crate) fn missing(user: UserId, created_at: Timestamp) -> Failure {
    Failure::corrupt("an index names it, and it is missing").at(Place(user, created_at))
}
