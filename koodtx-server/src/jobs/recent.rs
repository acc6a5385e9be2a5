//! What happened a moment ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long something counts as having just happened.
const MOMENT: Duration = Duration::from_mins(1);
/// Most things remembered. Beyond it everything is new again.
const REMEMBERED_MAX_COUNT: usize = 10_000;

/// Tells what is new from what has just happened.
#[derive(Debug)]
pub(super) struct Recent<K>(Mutex<HashMap<K, Instant>>);

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Recent<K> {
    /// Whether this has not happened within the last minute; it has now.
    pub(super) fn is_new(&self, key: K) -> bool {
        let now = Instant::now();
        let mut seen = self.0.lock();
        if seen.get(&key).is_some_and(|at| now - *at < MOMENT) {
            return false;
        }
        if seen.len() >= REMEMBERED_MAX_COUNT {
            seen.retain(|_, at| now - *at < MOMENT);
            if seen.len() >= REMEMBERED_MAX_COUNT {
                seen.clear();
            }
        }
        seen.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_not_new_twice_in_a_row_and_memory_is_bounded() {
        let recent = Recent::default();
        assert!(recent.is_new(1));
        assert!(recent.is_new(2));
        assert!(!recent.is_new(1));
        for key in 10..10 + 2 * REMEMBERED_MAX_COUNT {
            assert!(recent.is_new(key));
            assert!(recent.0.lock().len() <= REMEMBERED_MAX_COUNT);
        }
    }
}
