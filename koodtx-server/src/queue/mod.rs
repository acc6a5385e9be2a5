//! Work that is done later: by this process, or by any that shares a Redis.
//!
//! [apalis](https://docs.rs/apalis) does the queueing: it hands tasks to workers,
//! takes their acknowledgement when a task is done, and gives the tasks of a
//! worker that died to another. Beside it there is a [record](JobRecord) of each
//! job, which any process may read and which decides how often a job is tried.
//!
//! A job runs at least once. It runs again if its worker dies or is cut off from
//! Redis for long, so handlers must not mind doing the same work twice.

mod attempt;
mod claim;
mod clock;
mod cron;
mod cron_fields;
mod error;
mod job;
mod keys;
mod memory;
mod memory_records;
mod record;
mod redis_link;
mod redis_queue;
mod redis_records;
mod scheduler;
mod scripts;
mod settings;
mod stats;
mod store;
mod worker;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

pub use clock::Micros;
pub use cron::Schedule;
pub use cron_fields::CronError;
pub use error::QueueError;
pub use job::{Job, JobError, JobHandler, JobId, NewJob};
pub use record::{JobRecord, JobState};
pub use scheduler::ScheduledJob;
pub use settings::{QUEUED_MAX_COUNT, QueueSettings};
pub use stats::QueueStats;

use claim::Claim;
use memory::Memory;
use redis_queue::RedisQueue;
use store::Store;
use worker::Crew;

/// A queue of jobs. Clones are the same queue.
#[derive(Clone)]
pub struct JobQueue {
    store: Store,
    settings: Arc<QueueSettings>,
}

impl JobQueue {
    /// A queue within this process, which ends with it. It takes one worker at a
    /// time: what that one has started and not finished when it stops has failed.
    pub fn open_memory(settings: QueueSettings) -> Self {
        let settings = Arc::new(settings.bounded());
        Self {
            store: Store::Memory(Arc::new(Memory::new(&settings))),
            settings,
        }
    }

    /// A queue in Redis, shared with all processes that open the same.
    ///
    /// Connects when it is first used, and again when the connection broke. Must
    /// be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`QueueError::Url`] if the URL is not usable.
    pub fn open_redis(url: &str, settings: QueueSettings) -> Result<Self, QueueError> {
        let settings = Arc::new(settings.bounded());
        Ok(Self {
            store: Store::Redis(Box::new(RedisQueue::open(url, &settings)?)),
            settings,
        })
    }

    /// Whether the queue can be reached.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`] if not, within seconds.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.store.ping().await
    }

    /// Puts a job into the queue.
    ///
    /// If an unfinished job has the same [unique](NewJob::unique) key, this answers
    /// the id of that one instead.
    ///
    /// # Errors
    ///
    /// [`QueueError::Full`] if too much waits; [`QueueError::Unavailable`] if the
    /// queue cannot be reached, within seconds.
    pub async fn submit(&self, new: NewJob) -> Result<JobId, QueueError> {
        let claims: Vec<_> = new
            .unique
            .as_deref()
            .map(Claim::unique)
            .into_iter()
            .collect();
        self.store.submit(&Job::accept(new), &claims).await
    }

    /// What is known about a job; nothing if it was never submitted or its record
    /// has been kept for long enough.
    ///
    /// # Errors
    ///
    /// If the queue cannot be reached or what it holds cannot be read.
    pub async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        self.store.get(id).await
    }

    /// The newest jobs, newest first.
    ///
    /// # Errors
    ///
    /// If the queue cannot be reached or what it holds cannot be read.
    pub async fn recent(&self, limit: usize) -> Result<Vec<JobRecord>, QueueError> {
        self.store.recent(limit).await
    }

    /// How many jobs there are.
    ///
    /// # Errors
    ///
    /// If the queue cannot be reached.
    pub async fn stats(&self) -> Result<QueueStats, QueueError> {
        self.store.stats().await
    }

    /// Runs jobs, at most so many at a time, until the shutdown future ends; then
    /// takes no more and waits for the running ones within the grace time. Those
    /// that are still running after that are dropped, and in Redis left to others.
    ///
    /// Never ends by itself, whatever happens to the queue.
    pub async fn run_worker(
        &self,
        handler: Arc<dyn JobHandler>,
        concurrency: usize,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let settings = QueueSettings::clone(&self.settings);
        let crew = Crew::new(self.store.clone(), settings, handler, concurrency);
        crew.run(shutdown).await;
    }

    /// Submits jobs when they are due, until the shutdown future ends.
    ///
    /// Any number of schedulers may run with the same schedule: each job is
    /// submitted once per tick. Runs that were due while no scheduler ran are
    /// skipped.
    pub async fn run_scheduler(
        &self,
        schedule: Vec<ScheduledJob>,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        scheduler::run(&self.store, &schedule, shutdown).await;
    }
}

impl fmt::Debug for JobQueue {
    /// Says nothing about the address, which may carry a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.store {
            Store::Memory(_) => "memory",
            Store::Redis(_) => "redis",
        };
        write!(f, "JobQueue({kind})")
    }
}
