//! Submits jobs when they are due.
//!
//! apalis-cron is not used: its backend sleeps by a clock that stands still while
//! the machine sleeps and then runs the old tick; after a tick that is over before
//! its worker asks for it, it answers the same error for ever; and nothing in it
//! keeps two schedulers from running the same tick. The `cron` crate under it is.

use std::future::Future;
use std::time::Duration;

use futures_util::future;

use super::claim::{Claim, Term};
use super::clock::{self, Micros, micros};
use super::cron::Schedule;
use super::error::QueueError;
use super::job::{Job, NewJob};
use super::store::Store;

/// The longest sleep before looking at the clock again, which may have been set or
/// have gone on while the machine slept.
const NAP_MAX: Duration = Duration::from_secs(10);
/// How late a tick may still run.
const LATE_MAX: Duration = Duration::from_mins(1);
/// How long a tick that the queue does not take is offered to it.
const OFFER_MAX: Duration = Duration::from_hours(1);
/// The pause between two offers.
const OFFER_PAUSE: Duration = Duration::from_millis(500);
/// How long it is remembered that a tick ran: longer than any scheduler may want
/// to run it, even with a clock that is behind.
const TICK_KEEP: Duration = Duration::from_hours(3);

/// A job that is due again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledJob {
    /// When it is due.
    pub cron: Schedule,
    /// What to do.
    pub job: NewJob,
}

/// Submits each job whenever it is due, until the shutdown.
pub(super) async fn run(
    store: &Store,
    schedule: &[ScheduledJob],
    shutdown: impl Future<Output = ()> + Send,
) {
    let all = future::join_all(schedule.iter().map(|entry| run_entry(store, entry)));
    let mut shutdown = std::pin::pin!(shutdown);
    tokio::select! {
        () = &mut shutdown => {}
        // Nothing is due any more.
        _ = all => shutdown.await,
    }
}

/// Submits one job whenever it is due; ends when it is never due again.
async fn run_entry(store: &Store, entry: &ScheduledJob) {
    let mut last = clock::now();
    while let Some(due) = entry.cron.next_after(last) {
        sleep_until(due).await;
        let late = clock::now() - due;
        if late > micros(LATE_MAX) {
            tracing::warn!(name = %entry.job.name, cron = %entry.cron, "skipped a missed run");
        } else {
            offer(store, entry, due).await;
        }
        // What else was missed in the meantime, unless it is too long ago.
        last = due.max(clock::now() - micros(LATE_MAX));
    }
}

/// Sleeps until this time by the clock on the wall.
async fn sleep_until(due: Micros) {
    loop {
        let left = due - clock::now();
        if left <= 0 {
            return;
        }
        let left = Duration::from_micros(left.unsigned_abs());
        tokio::time::sleep(left.min(NAP_MAX)).await;
    }
}

/// Submits a job that is due, and if the queue does not take it, again and again:
/// until the next one is due, but at least for as long as it may be late.
async fn offer(store: &Store, entry: &ScheduledJob, due: Micros) {
    let next = entry.cron.next_after(due).unwrap_or(Micros::MAX);
    let end = next.clamp(due + micros(LATE_MAX), due + micros(OFFER_MAX));
    loop {
        match submit(store, entry, due).await {
            Ok(()) => return,
            Err(error) if clock::now() >= end => {
                tracing::error!(name = %entry.job.name, %error, "gave up a scheduled job");
                return;
            }
            Err(error) => {
                tracing::warn!(name = %entry.job.name, %error, "cannot submit a scheduled job yet");
                tokio::time::sleep(OFFER_PAUSE).await;
            }
        }
    }
}

/// Submits a job for one tick, unless some scheduler has done so.
async fn submit(store: &Store, entry: &ScheduledJob, due: Micros) -> Result<(), QueueError> {
    let NewJob {
        name,
        args,
        owner,
        unique,
    } = &entry.job;
    let what = serde_json::json!([name, args, owner, entry.cron.to_string(), due]);
    let tick = Claim {
        key: format!("tick:{what}"),
        term: Term::For(TICK_KEEP),
    };
    let claims: Vec<_> = [tick]
        .into_iter()
        .chain(unique.as_deref().map(Claim::unique))
        .collect();
    let job = Job::accept(entry.job.clone());
    let id = store.submit(&job, &claims).await?;
    tracing::debug!(%id, name, "scheduled job");
    Ok(())
}
