//! A walk through the sessions of a user.

use std::collections::VecDeque;

use koodtx_core::id::UserId;
use koodtx_core::pull::{PageStart, PullHead, PullQuery};
use koodtx_core::session::SessionState;
use koodtx_core::store::{Store, StoreError};
use koodtx_core::time::Timestamp;

/// Sessions read in one step.
const STEP_SESSIONS_COUNT: usize = 100;

/// Sessions and deleted ones in the order in which the server first saw them, up to the clock at which
/// the export began: what came later is in none of its walks.
#[derive(Debug)]
pub(super) struct Sessions {
    clock: Timestamp,
    after: Option<Timestamp>,
    read: VecDeque<SessionState>,
    at_end: bool,
}

/// Reads a page as a pull does, and remembers nothing of it.
async fn page(
    store: &dyn Store,
    user: UserId,
    after: Option<Timestamp>,
    limit: usize,
) -> Result<PullHead, StoreError> {
    let query = PullQuery {
        user,
        since: None,
        session_ids: None,
        start: after.map_or(PageStart::Offset(0), PageStart::After),
        limit,
        round: None,
    };
    // The time is for rounds alone.
    store.pull(query, Timestamp::ZERO).await
}

/// The user clock.
pub(super) async fn clock(store: &dyn Store, user: UserId) -> Result<Timestamp, StoreError> {
    Ok(page(store, user, None, 1).await?.clock)
}

impl Sessions {
    /// Begins with the first.
    pub(super) fn until(clock: Timestamp) -> Self {
        Self {
            clock,
            after: None,
            read: VecDeque::new(),
            at_end: false,
        }
    }

    /// The next one; `None` at the end.
    pub(super) async fn next(
        &mut self,
        store: &dyn Store,
        user: UserId,
    ) -> Result<Option<SessionState>, StoreError> {
        if self.read.is_empty() && !self.at_end {
            let head = page(store, user, self.after, STEP_SESSIONS_COUNT).await?;
            self.at_end = !head.has_more;
            self.after = head.sessions.last().map(|last| last.created_at);
            self.read.extend(head.sessions);
        }
        let next = self.read.pop_front();
        Ok(next.filter(|state| state.created_at <= self.clock))
    }
}
