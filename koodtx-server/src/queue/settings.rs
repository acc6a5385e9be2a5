//! How a queue behaves.

use std::time::Duration;

/// Most jobs that wait at a time.
///
/// In Redis this is a limit of necessity: apalis moves all waiting tasks in one
/// script call, which fails for good beyond some 8000 of them.
pub const QUEUED_MAX_COUNT: usize = 5000;

/// How a queue behaves. All processes of one queue should agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// How long one attempt may take.
    pub time_limit: Duration,
    /// How often a job is started at most; starts that end with the death of
    /// the worker count as well, so that a job that kills workers ends.
    pub max_attempts: u32,
    /// The wait before the second attempt; it doubles with each further one.
    pub backoff_base: Duration,
    /// The longest wait between two attempts.
    pub backoff_max: Duration,
    /// How long the record of a finished job is kept.
    pub keep_results: Duration,
    /// What the keys in Redis begin with, so that queues may share a database.
    pub prefix: String,
    /// How often a worker shows that it is alive. At least one second.
    pub heartbeat: Duration,
    /// After how many missed heartbeats a worker counts as dead and its jobs
    /// are given to others.
    pub missed_heartbeats: u32,
    /// How often an idle worker looks for work in Redis.
    pub poll_interval: Duration,
    /// How long running jobs may go on after the order to shut down.
    pub grace: Duration,
    /// Most jobs that wait at a time; never more than [`QUEUED_MAX_COUNT`].
    pub queue_limit: usize,
    /// How often a worker clears away what finished jobs leave behind in Redis.
    pub vacuum_interval: Duration,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            time_limit: Duration::from_mins(5),
            max_attempts: 3,
            backoff_base: Duration::from_secs(1),
            backoff_max: Duration::from_mins(1),
            keep_results: Duration::from_hours(24),
            prefix: "koodtx".to_owned(),
            heartbeat: Duration::from_secs(10),
            missed_heartbeats: 3,
            poll_interval: Duration::from_millis(250),
            grace: Duration::from_secs(30),
            queue_limit: QUEUED_MAX_COUNT,
            vacuum_interval: Duration::from_mins(1),
        }
    }
}

impl QueueSettings {
    /// The same with every value within its bounds, so that none of them can
    /// stop the queue.
    pub(super) fn bounded(mut self) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        const MOMENT: Duration = Duration::from_millis(10);
        const HOUR: Duration = Duration::from_hours(1);
        self.max_attempts = self.max_attempts.max(1);
        self.backoff_base = self.backoff_base.max(Duration::from_millis(1));
        self.backoff_max = self.backoff_max.max(self.backoff_base);
        self.keep_results = self.keep_results.max(SECOND);
        self.heartbeat = self.heartbeat.clamp(SECOND, HOUR);
        // With a single one, a worker would be dead whenever its heartbeat is due.
        self.missed_heartbeats = self.missed_heartbeats.clamp(2, 1000);
        self.poll_interval = self.poll_interval.max(MOMENT);
        self.queue_limit = self.queue_limit.clamp(1, QUEUED_MAX_COUNT);
        self.vacuum_interval = self.vacuum_interval.max(MOMENT);
        self
    }
}
