//! A budget for the memory of request bodies that are in flight.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes in the unit that the budget is counted in.
const UNIT_BYTES: usize = 1024;

/// Memory for request bodies, shared by all requests of a kind.
///
/// It is never waited for: where there is no room, the request is shed. Requests that hold a part
/// and wait for more would wait for each other.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    room: Arc<Semaphore>,
    units: usize,
}

/// How much of something bounded is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BudgetUse {
    pub(crate) used: usize,
    pub(crate) limit: usize,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Budget {
    /// A budget of that many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(units)),
            units,
        }
    }

    /// How much of it is taken.
    pub(super) fn in_use(&self) -> BudgetUse {
        let free = self.room.available_permits();
        BudgetUse {
            used: self.units.saturating_sub(free) * UNIT_BYTES,
            limit: self.units * UNIT_BYTES,
        }
    }

    /// Takes a part, if there is room.
    pub(super) fn take(&self, bytes: usize) -> Option<Share> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).ok()?;
        let permit = self.room.clone().try_acquire_many_owned(units).ok()?;
        Some(Share(Some(permit)))
    }
}

impl Share {
    /// Joins another part to this one.
    pub(super) fn add(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }

    /// No part at all.
    pub(super) fn none() -> Self {
        Self(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_room_again() {
        let budget = Budget::new(10 * UNIT_BYTES);
        let mut share = budget.take(6 * UNIT_BYTES).unwrap();
        assert!(budget.take(5 * UNIT_BYTES).is_none());
        share.add(budget.take(4 * UNIT_BYTES).unwrap());
        assert!(budget.take(1).is_none());
        let full = BudgetUse {
            used: 10 * UNIT_BYTES,
            limit: 10 * UNIT_BYTES,
        };
        assert_eq!(budget.in_use(), full);
        drop(share);
        assert_eq!(budget.in_use().used, 0);
        assert!(budget.take(10 * UNIT_BYTES).is_some());
    }
}
