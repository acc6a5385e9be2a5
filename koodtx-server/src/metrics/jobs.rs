//! Background jobs.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::times::Times;
use crate::jobs::Task;
use crate::queue::{Job, JobError, JobHandler};

/// The task of a job that this version does not know.
const UNKNOWN_TASK: &str = "unknown";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabels {
    task: &'static str,
    outcome: &'static str,
}

/// Counts attempts at jobs, by task.
#[derive(Clone, Debug)]
pub(crate) struct JobTimes {
    attempts: Family<AttemptLabels, Counter>,
    times: Family<TaskLabels, Times, fn() -> Times>,
}

impl Default for JobTimes {
    fn default() -> Self {
        Self {
            attempts: Family::default(),
            times: Family::new_with_constructor(Times::long),
        }
    }
}

impl JobTimes {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "job_attempts",
            "Attempts at background jobs of this process, by task and outcome",
            self.attempts.clone(),
        );
        registry.register(
            "job_duration_seconds",
            "Time that attempts at background jobs took",
            self.times.clone(),
        );
    }
}

/// An attempt that is under way. One that is dropped half way had no more time, or the worker
/// stopped.
struct Attempt<'a> {
    jobs: &'a JobTimes,
    task: &'static str,
    started: Instant,
    outcome: &'static str,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let task = self.task;
        let outcome = self.outcome;
        let labels = AttemptLabels { task, outcome };
        self.jobs.attempts.get_or_create(&labels).inc();
        let times = self.jobs.times.get_or_create(&TaskLabels { task });
        times.observe(self.started.elapsed());
    }
}

/// Does jobs by another handler, and counts them.
pub(crate) struct MeasuredHandler<H> {
    inner: H,
    jobs: JobTimes,
}

impl<H> MeasuredHandler<H> {
    pub(crate) fn new(inner: H, jobs: JobTimes) -> Arc<Self> {
        Arc::new(Self { inner, jobs })
    }
}

#[async_trait]
impl<H: JobHandler> JobHandler for MeasuredHandler<H> {
    async fn run(&self, job: &Job) -> Result<Value, JobError> {
        let mut attempt = Attempt {
            jobs: &self.jobs,
            task: job.name.parse().map_or(UNKNOWN_TASK, Task::name),
            started: Instant::now(),
            outcome: "broken_off",
        };
        let done = self.inner.run(job).await;
        attempt.outcome = match &done {
            Ok(_) => "succeeded",
            Err(error) if error.retry => "failed_for_now",
            Err(_) => "failed",
        };
        done
    }
}
