//! Turns of pushes: how many samples are merged at a time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Samples of the pushes that are merged and written at a time.
///
/// A few thousand keep two cores busy, and as many small pushes as there are threads share a sync of the disk before it
/// comes to this. More at a time only take more memory: for each push what is merged of it, its blocks, and what its
/// thread keeps. (Samples of many KB are bounded by what bodies may take.)
const SAMPLES_MAX_COUNT: u32 = 40_000;

/// As many as a single push counts at most, so that a huge one leaves room for others.
const SAMPLES_OF_PUSH_MAX_COUNT: u32 = SAMPLES_MAX_COUNT / 2;

/// Lets pushes in as far as there is room for their samples, in the order in which they came.
#[derive(Debug)]
pub(crate) struct PushTurns(Arc<Semaphore>);

/// The turn of a push, until it is dropped.
pub(crate) type Turn = Option<OwnedSemaphorePermit>;

impl Default for PushTurns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(SAMPLES_MAX_COUNT as usize)))
    }
}

impl PushTurns {
    /// Waits for the turn of a push of so many samples.
    pub(crate) async fn of(&self, samples: u64) -> Turn {
        let room = samples.clamp(1, SAMPLES_OF_PUSH_MAX_COUNT.into()) as u32;
        // Nobody closes it, which is the only way to fail.
        Arc::clone(&self.0).acquire_many_owned(room).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    const HALF: u64 = SAMPLES_OF_PUSH_MAX_COUNT as u64;

    /// The turn of a push that need not wait; one that has to gives up.
    async fn at_once(turns: &PushTurns, samples: u64) -> Option<Turn> {
        tokio::select! {
            biased;
            turn = turns.of(samples) => Some(turn),
            () = ready(()) => None,
        }
    }

    #[tokio::test]
    async fn pushes_go_in_as_far_as_there_is_room() {
        let turns = PushTurns::default();
        let half = at_once(&turns, HALF).await.unwrap();
        let most = at_once(&turns, HALF - 2).await.unwrap();
        let empty = at_once(&turns, 0).await.unwrap();
        let one = at_once(&turns, 1).await.unwrap();
        assert!(at_once(&turns, 1).await.is_none());
        drop(empty);
        assert!(at_once(&turns, 1).await.is_some());
        drop((half, most, one));
        let one_half = at_once(&turns, HALF).await.unwrap();
        assert!(at_once(&turns, HALF).await.is_some());
        drop(one_half);
    }

    #[tokio::test]
    async fn a_push_that_is_larger_than_the_room_leaves_some_for_others() {
        let turns = PushTurns::default();
        let huge = at_once(&turns, u64::MAX).await.unwrap();
        let other = at_once(&turns, HALF).await.unwrap();
        assert!(at_once(&turns, u64::MAX).await.is_none());
        drop(other);
        assert!(at_once(&turns, u64::MAX).await.is_some());
        drop(huge);
    }

    #[tokio::test]
    async fn small_pushes_do_not_overtake_a_large_one_that_waits() {
        let turns = PushTurns::default();
        let half = at_once(&turns, HALF).await.unwrap();
        let small = at_once(&turns, 1).await.unwrap();
        let large = turns.of(HALF);
        tokio::pin!(large);
        tokio::select! {
            biased;
            _ = &mut large => panic!("there is no room"),
            () = ready(()) => {}
        }
        assert!(at_once(&turns, 1).await.is_none());
        drop(small);
        drop(large.await);
        assert!(at_once(&turns, 1).await.is_some());
        drop(half);
    }
}
