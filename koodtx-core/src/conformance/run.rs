//! Running checks: each as a test of its own, or all of them with a report.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::failure::{Failure, Outcome};
use super::harness::Harness;

/// A part of the suite: what a store has to implement for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// [`SyncStore`](crate::store::SyncStore).
    Sync,
    /// [`AccountStore`](crate::store::AccountStore).
    Accounts,
    /// [`MaintenanceStore`](crate::store::MaintenanceStore).
    Maintenance,
    /// What background work asks of [`MaintenanceStore`](crate::store::MaintenanceStore), and
    /// [`ResultStore`](crate::store::ResultStore).
    Background,
    /// [`TransferStore`](crate::store::TransferStore).
    Transfer,
    /// All of them, and the harness says how to open the store again.
    Persistence,
}

/// One law and how to check it.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The law, as the name of a test.
    pub name: &'static str,
    /// Which part of the suite it belongs to.
    pub part: Part,
    pub(super) run: fn(Harness) -> Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

impl Check {
    /// Runs the check on a fresh store.
    ///
    /// # Errors
    /// The law that does not hold.
    pub async fn run(&self, harness: Harness) -> Outcome {
        (self.run)(harness).await
    }
}

/// What a run over several checks came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The names of the checks that passed.
    pub passed: Vec<&'static str>,
    /// The names of the checks that failed, with the reason.
    pub failed: Vec<(&'static str, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} checks passed, {} failed",
            self.passed.len(),
            self.failed.len()
        )?;
        self.failed
            .iter()
            .try_for_each(|(name, reason)| writeln!(f, "{name}: {reason}"))
    }
}

/// Runs every check of some parts, one after another, each on a store of its own. Needs a tokio
/// runtime, best with several threads.
///
/// A store that panics fails its check and no other.
pub async fn run_all<F, H>(parts: &[Part], mut fresh: F) -> Report
where
    F: FnMut() -> H,
    H: Future<Output = Harness>,
{
    let mut report = Report::default();
    for check in super::checks()
        .iter()
        .filter(|check| parts.contains(&check.part))
    {
        let run = (check.run)(fresh().await);
        let reason = match tokio::spawn(run).await {
            Ok(Ok(())) => {
                report.passed.push(check.name);
                continue;
            }
            Ok(Err(failure)) => failure.to_string(),
            Err(panic) => format!("the store panicked: {panic}"),
        };
        report.failed.push((check.name, reason));
    }
    report
}

/// Runs one check as a test: on a runtime of its own, with real threads.
///
/// # Panics
/// If the law does not hold; that is how a test fails.
pub fn run_test<H: Future<Output = Harness>>(name: &str, fresh: impl FnOnce() -> H) {
    /// Enough for calls to overlap, also where a store blocks a thread.
    const WORKER_THREADS: usize = 4;
    let Some(check) = super::checks().into_iter().find(|check| check.name == name) else {
        panic!("the suite has no check {name}");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .expect("a runtime for the test");
    let outcome: Result<(), Failure> = runtime.block_on(async { check.run(fresh().await).await });
    if let Err(failure) = outcome {
        panic!("{name}: {failure}");
    }
}
