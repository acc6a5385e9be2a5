//! A store without room, in the log: said at once and then now and then, however many requests meet it.

use std::time::{Duration, Instant};

use koodtx_core::store::StoreError;
use parking_lot::Mutex;

/// How often it is said while it lasts.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// When it was last said.
pub(super) struct FullStoreLog(Mutex<Said>);

struct Said {
    last: Option<Instant>,
    /// Failures since then.
    unsaid_count: u64,
}

impl FullStoreLog {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Said {
            last: None,
            unsaid_count: 0,
        }))
    }

    pub(super) fn report(&self, error: &StoreError) {
        if let Some(unsaid) = self.due(Instant::now()) {
            tracing::error!(
                operation = error.operation(),
                kind = ?error.kind(),
                unsaid,
                "{}",
                error.message()
            );
        }
    }

    /// How many failures nobody was told of, if it is time to say so again.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock();
        let is_due = said
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= SAY_EVERY);
        if !is_due {
            said.unsaid_count += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.unsaid_count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_at_once_and_then_once_a_minute_with_what_was_left_out() {
        let log = FullStoreLog::new();
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(log.due(begun), Some(0));
        assert_eq!(log.due(after(1)), None);
        assert_eq!(log.due(after(59)), None);
        assert_eq!(log.due(after(60)), Some(2));
        assert_eq!(log.due(after(61)), None);
    }
}
