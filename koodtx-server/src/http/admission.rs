//! How many requests are in progress at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::budget::BudgetUse;

/// Longest wait for a place before the request is shed.
///
/// Short enough for no client to give up meanwhile, and long enough to get over a burst. It also keeps
/// clients that repeat a shed request at once from taking the processor away from what is served: each
/// connection can be shed once a second.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Places for requests in progress.
///
/// Who finds none waits a moment, in order, with the body unread. How many wait is bounded by the limit
/// on connections, since one connection has one request at a time.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    room: Arc<Semaphore>,
    limit: usize,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held, never read")] OwnedSemaphorePermit);

impl Admission {
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(limit)),
            limit,
        }
    }

    /// A place, if there is one in time.
    pub(crate) async fn enter(&self) -> Option<Place> {
        // Nobody is overtaken: a place that somebody waits for is never free.
        if let Ok(permit) = self.room.clone().try_acquire_owned() {
            return Some(Place(permit));
        }
        let permit = timeout(WAIT_MAX, self.room.clone().acquire_owned());
        permit.await.ok()?.ok().map(Place)
    }

    /// How many places are taken.
    pub(crate) fn in_use(&self) -> BudgetUse {
        BudgetUse {
            used: self.limit.saturating_sub(self.room.available_permits()),
            limit: self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn places_are_handed_on_in_order_and_not_waited_for_for_long() {
        let admission = Admission::new(1);
        let first = admission.enter().await.unwrap();
        assert!(admission.enter().await.is_none());
        let (mut second, mut third) = (Box::pin(admission.enter()), Box::pin(admission.enter()));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        drop(first);
        assert!(poll!(&mut third).is_pending());
        let second = second.await.unwrap();
        assert_eq!(admission.in_use(), BudgetUse { used: 1, limit: 1 });
        drop(second);
        drop(third.await.unwrap());
        assert_eq!(admission.in_use().used, 0);
    }
}
