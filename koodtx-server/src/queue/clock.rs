//! The time as the queue writes it down.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since the epoch, in UTC.
pub type Micros = i64;

/// What the clock on the wall says.
pub(super) fn now() -> Micros {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => -micros(before.duration()),
    }
}

/// A span of time in microseconds, the longest one where it does not fit.
pub(super) fn micros(span: Duration) -> Micros {
    Micros::try_from(span.as_micros()).unwrap_or(Micros::MAX)
}
