//! When to try again.

use std::time::{Duration, Instant};

const FIRST_WAIT_MILLIS: u64 = 100;
const LONGEST_WAIT_MILLIS: u64 = 5_000;

/// Exponential back-off with jitter, for as long as the caller is patient.
#[derive(Debug)]
pub struct Backoff {
    started: Instant,
    patience: Duration,
    next_millis: u64,
}

impl Backoff {
    /// Begins now, to end after `patience`.
    pub fn new(patience: Duration) -> Self {
        Self {
            started: Instant::now(),
            patience,
            next_millis: FIRST_WAIT_MILLIS,
        }
    }

    /// How long to wait before the next attempt; `None` where patience has ended. `at_least` is what
    /// the server asked for (`Retry-After`).
    pub fn next_wait(&mut self, at_least: Option<Duration>) -> Option<Duration> {
        if self.started.elapsed() >= self.patience {
            return None;
        }
        // Between half of the time and all of it, so that many clients whom one outage has put in
        // step do not come back in step.
        let millis = rand::random_range(self.next_millis / 2..=self.next_millis);
        self.next_millis = (self.next_millis * 2).min(LONGEST_WAIT_MILLIS);
        Some(Duration::from_millis(millis).max(at_least.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::MAX);
        for expected in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let wait = backoff.next_wait(None).unwrap().as_millis() as u64;
            assert!(
                (expected / 2..=expected).contains(&wait),
                "{wait} is not about {expected}"
            );
        }
    }

    #[test]
    fn the_server_may_ask_for_longer_and_patience_ends() {
        let long = Duration::from_secs(9);
        assert_eq!(
            Backoff::new(Duration::MAX).next_wait(Some(long)),
            Some(long)
        );
        assert_eq!(Backoff::new(Duration::ZERO).next_wait(Some(long)), None);
    }
}
