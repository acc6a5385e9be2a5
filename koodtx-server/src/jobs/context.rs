//! What tasks work with.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use koodtx_core::store::Store;
use koodtx_core::time::Timestamp;

use crate::queue::JobQueue;

/// Of the time limit of a job, the part after which a task takes no further step: what is left is
/// enough for the one it is at.
const WORKING_PART: f64 = 0.8;
const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// What is kept for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days until the samples of an ended session are removed; `None`: never.
    pub sample_days: Option<u32>,
    /// Days until entries of the sync log are removed; `None`: never.
    pub log_days: Option<u32>,
    /// Days until export files are removed; `None`: never.
    pub export_days: Option<u32>,
    /// Hours without a push after which a session is ended; `None`: never.
    pub stale_hours: Option<u32>,
}

/// What tasks work with.
#[derive(Clone)]
pub struct Context {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where a task leaves work to others; `None` where it does all of it itself.
    pub queue: Option<JobQueue>,
    /// What is kept for how long.
    pub retention: Retention,
    /// Where export files go.
    pub export_folder: PathBuf,
    /// How long a job may take.
    pub time_limit: Duration,
    /// The clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("store", &self.store)
            .field("queue", &self.queue)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// So many days ago.
    pub(super) fn days_ago(&self, days: u32) -> Timestamp {
        self.now().plus_micros(-i64::from(days) * MICROS_PER_DAY)
    }

    /// So many hours ago.
    pub(super) fn hours_ago(&self, hours: u32) -> Timestamp {
        self.now().plus_micros(-i64::from(hours) * MICROS_PER_HOUR)
    }
}

/// When a task has to leave the rest to its next run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// That of a task that begins now.
    pub(super) fn of(context: &Context) -> Self {
        Self(Instant::now() + context.time_limit.mul_f64(WORKING_PART))
    }

    /// Whether no further step is to be taken.
    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}
