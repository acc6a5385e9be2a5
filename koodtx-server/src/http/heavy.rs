//! Requests that read whole sessions: a bounded number at a time, and fewer of one user.

use std::sync::Arc;
use std::time::Duration;

use koodtx_core::id::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::counts::{Counts, OneOf};

/// Exports and statistics in progress at a time. Each keeps up to a few MiB and now and then a core
/// busy; pushes and pulls are to go on beside them.
pub(crate) const HEAVY_REQUESTS_MAX_COUNT: usize = 4;
/// Of these, those of one user: whoever reads a file slowly keeps a turn for as long.
pub(crate) const HEAVY_REQUESTS_OF_USER_MAX_COUNT: usize = 2;
/// How long a request waits for its turn before it is shed.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Hands out turns.
#[derive(Clone, Debug)]
pub(crate) struct Heavy {
    all: Arc<Semaphore>,
    by_user: Counts<UserId>,
}

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _of_user: OneOf<UserId>,
    _permit: OwnedSemaphorePermit,
}

impl Default for Heavy {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(HEAVY_REQUESTS_MAX_COUNT)),
            by_user: Counts::default(),
        }
    }
}

impl Heavy {
    /// Waits for a turn; `None` where there is none in time, or the user has enough of them.
    pub(crate) async fn turn(&self, user: UserId) -> Option<Turn> {
        let permit = Arc::clone(&self.all).acquire_owned();
        let in_time = tokio::time::timeout(WAIT_MAX, permit).await;
        let permit = in_time.ok()?.ok()?;
        Some(Turn {
            _of_user: self.by_user.enter(user, HEAVY_REQUESTS_OF_USER_MAX_COUNT)?,
            _permit: permit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_bounded_for_each_user_and_for_all() {
        let heavy = Heavy::default();
        let mut turns = Vec::new();
        for user in [1, 1, 2, 2] {
            turns.push(heavy.turn(UserId(user)).await.unwrap());
        }
        assert!(heavy.turn(UserId(3)).await.is_none());
        drop(turns.remove(2));
        assert!(heavy.turn(UserId(1)).await.is_none());
        let third = heavy.turn(UserId(3)).await;
        assert!(third.is_some());
        drop((turns, third));
        assert!(heavy.turn(UserId(1)).await.is_some());
    }
}
