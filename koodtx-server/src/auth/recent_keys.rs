//! What a rate limiter remembers of each key, in bounded memory.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::mem;

use governor::nanos::Nanos;
use governor::state::StateStore;
use parking_lot::Mutex;

/// Parts that are locked apart, so that requests on different cores seldom wait for each other.
const SHARDS_COUNT: usize = 16;

/// The state of each key that was seen lately.
///
/// At least as many keys are remembered as it was made for, and at most twice as many. Beyond that
/// those are forgotten that were not seen for longest, and count from the start when they come back: to
/// refuse new keys instead would let whoever sends from enough addresses lock everybody else out.
pub(super) struct RecentKeys<K> {
    hasher: RandomState,
    shards: Box<[Mutex<Shard<K>>]>,
    shard_max_count: usize,
}

/// Two generations: when the younger one is full, it becomes the older one, which is forgotten. That
/// costs the same at each key, where looking for outdated ones would cost a scan now and then.
struct Shard<K> {
    younger: HashMap<K, Nanos>,
    older: HashMap<K, Nanos>,
}

impl<K: Hash + Eq + Clone> RecentKeys<K> {
    /// Remembers at least that many keys.
    pub(super) fn new(count: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                younger: HashMap::new(),
                older: HashMap::new(),
            })
        };
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS_COUNT).map(|_| shard()).collect(),
            shard_max_count: count.div_ceil(SHARDS_COUNT),
        }
    }

    /// How many keys are remembered.
    pub(super) fn len(&self) -> usize {
        let counts = self.shards.iter().map(|shard| {
            let shard = shard.lock();
            shard.younger.len() + shard.older.len()
        });
        counts.sum()
    }
}

impl<K: Hash + Eq + Clone> StateStore for RecentKeys<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let number = self.hasher.hash_one(key) as usize % SHARDS_COUNT;
        let mut shard = self.shards[number].lock();
        if let Some(state) = shard.younger.get_mut(key) {
            let (outcome, next) = f(Some(*state))?;
            *state = next;
            return Ok(outcome);
        }
        // Seen, so young again: also where it is refused, or it would be forgotten for trying on.
        let known = shard.older.remove(key);
        let measured = f(known);
        let state = match &measured {
            Ok((_, next)) => Some(*next),
            Err(_) => known,
        };
        if let Some(state) = state {
            if shard.younger.len() >= self.shard_max_count {
                shard.older = mem::take(&mut shard.younger);
            }
            shard.younger.insert(key.clone(), state);
        }
        measured.map(|(outcome, _)| outcome)
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for RecentKeys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentKeys")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the key up, and says what it was before.
    fn count(keys: &RecentKeys<u64>, key: u64) -> u64 {
        let counted = keys.measure_and_replace(&key, |state| {
            let count = state.map_or(0, Nanos::as_u64);
            Ok::<_, ()>((count, Nanos::new(count + 1)))
        });
        counted.unwrap()
    }

    #[test]
    fn many_keys_are_forgotten_in_the_end_and_never_one_that_keeps_coming() {
        const COUNT: usize = 1_600;
        let keys = RecentKeys::new(COUNT);
        assert_eq!((count(&keys, 0), count(&keys, 1)), (0, 0));
        for key in 2..100_000 {
            count(&keys, key);
            // Refused each time, and remembered for it.
            let refused = keys.measure_and_replace(&1, Err::<((), Nanos), _>);
            assert_eq!(refused, Err(Some(Nanos::new(1))), "{key}");
        }
        assert!(
            (COUNT / 2..=2 * COUNT).contains(&keys.len()),
            "{}",
            keys.len()
        );
        assert_eq!((count(&keys, 0), count(&keys, 1)), (0, 1));
    }
}
