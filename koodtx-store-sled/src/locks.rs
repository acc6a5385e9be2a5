//! One lock for each user that is in use.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use koodtx_core::id::UserId;
use parking_lot::Mutex;
use tokio::sync::RwLock;

/// Locks below which nobody looks for unused ones.
const SWEEP_MIN_COUNT: usize = 1024;

/// The locks of all users. A change of a user's data holds that user's lock alone until the change
/// is on disk and in the tree; a reader shares it.
#[derive(Default)]
pub(crate) struct UserLocks(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    locks: HashMap<UserId, Weak<RwLock<()>>>,
    /// How many locks the next sweep waits for: amortised, each lock is looked at about twice.
    sweep_at: usize,
}

impl UserLocks {
    pub(crate) fn of(&self, user: UserId) -> Arc<RwLock<()>> {
        let mut registry = self.0.lock();
        if let Some(lock) = registry.locks.get(&user).and_then(Weak::upgrade) {
            return lock;
        }
        if registry.locks.len() >= registry.sweep_at {
            registry.locks.retain(|_, lock| lock.strong_count() > 0);
            registry.sweep_at = (2 * registry.locks.len()).max(SWEEP_MIN_COUNT);
        }
        let lock = Arc::new(RwLock::new(()));
        registry.locks.insert(user, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_shared_while_in_use_and_forgotten_afterwards() {
        let locks = UserLocks::default();
        let held = locks.of(UserId(0));
        for user in 1..10 * SWEEP_MIN_COUNT as i64 {
            assert!(!Arc::ptr_eq(&held, &locks.of(UserId(user))));
        }
        assert!(Arc::ptr_eq(&held, &locks.of(UserId(0))));
        assert!(locks.0.lock().locks.len() <= SWEEP_MIN_COUNT);
    }
}
