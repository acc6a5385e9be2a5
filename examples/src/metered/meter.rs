//! Counters of calls.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is known of the calls of one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodStats {
    /// Calls that began.
    pub calls: u64,
    /// Calls that returned an error.
    pub errors: u64,
    /// Time of all calls that returned, added up.
    pub total: Duration,
    /// Time of the longest of them.
    pub longest: Duration,
}

/// Statistics by method.
#[derive(Debug, Default)]
pub struct Meter(Mutex<BTreeMap<&'static str, MethodStats>>);

impl Meter {
    /// Statistics of every method that was called, by name.
    pub fn snapshot(&self) -> BTreeMap<&'static str, MethodStats> {
        self.lock().clone()
    }

    /// Runs a call. One that is dropped half way counts as a call, without a time.
    pub(super) async fn measure<T, E>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.lock().entry(method).or_default().calls += 1;
        let start = Instant::now();
        let outcome = call.await;
        let elapsed = start.elapsed();
        let mut methods = self.lock();
        let stats = methods.entry(method).or_default();
        stats.errors += u64::from(outcome.is_err());
        stats.total += elapsed;
        stats.longest = stats.longest.max(elapsed);
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, MethodStats>> {
        // Counters stay good whatever panicked while they were held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Meter {
    /// A table, one line a method.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<16}{:>8}{:>8}{:>12}{:>12}",
            "method", "calls", "errors", "mean µs", "max µs"
        )?;
        for (method, stats) in self.snapshot() {
            let mean = stats.total.as_micros() / u128::from(stats.calls.max(1));
            let MethodStats {
                calls,
                errors,
                longest,
                ..
            } = stats;
            writeln!(
                f,
                "{method:<16}{calls:>8}{errors:>8}{mean:>12}{:>12}",
                longest.as_micros()
            )?;
        }
        Ok(())
    }
}
