//! How many of something each key has, and no more than it may.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts by key. Those who have none take no memory.
#[derive(Debug)]
pub(super) struct Counts<K>(Arc<Mutex<HashMap<K, usize>>>);

/// One of a key, until it is dropped.
#[derive(Debug)]
pub(super) struct OneOf<K: Hash + Eq> {
    key: K,
    counts: Counts<K>,
}

impl<K> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq + Copy> Counts<K> {
    /// One more of `key`, unless it has `max` already.
    pub(super) fn enter(&self, key: K, max: usize) -> Option<OneOf<K>> {
        let mut counts = self.0.lock();
        let held = counts.get(&key).copied().unwrap_or(0);
        if held >= max {
            return None;
        }
        counts.insert(key, held + 1);
        Some(OneOf {
            key,
            counts: self.clone(),
        })
    }
}

impl<K: Hash + Eq> Drop for OneOf<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock();
        if let Some(held) = counts.get_mut(&self.key) {
            *held -= 1;
            if *held == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_count_and_what_ends_is_forgotten() {
        let counts = Counts::default();
        let held = [counts.enter('a', 2), counts.enter('a', 2)];
        assert!(held.iter().all(Option::is_some));
        assert!(counts.enter('a', 2).is_none());
        let other = counts.enter('b', 2);
        assert!(other.is_some());
        drop(held);
        assert!(counts.enter('a', 1).is_some());
        drop(other);
        assert!(counts.0.lock().is_empty());
    }
}
