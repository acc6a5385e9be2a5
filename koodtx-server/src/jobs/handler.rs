//! Tasks as jobs of the queue.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::context::Context;
use super::run::run_within;
use super::task::Task;
use crate::queue::{Job, JobError, JobHandler};

/// Of the time limit of a job, the part that its task may take.
const LIMIT_PART: f64 = 0.95;

/// Does the jobs of the queue.
#[derive(Debug)]
pub struct TaskHandler {
    context: Arc<Context>,
}

impl TaskHandler {
    /// With what tasks need.
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }
}

#[async_trait]
impl JobHandler for TaskHandler {
    async fn run(&self, job: &Job) -> Result<Value, JobError> {
        // A worker of an older version may be handed a job of a newer one; another may know it.
        let task: Task = job
            .name
            .parse()
            .map_err(|_| JobError::transient("this worker does not know the task"))?;
        // A little before the queue drops the job, so that it is known that it took too long.
        let limit = self.context.time_limit.mul_f64(LIMIT_PART);
        Ok(run_within(&self.context, task, &job.args, limit).await?)
    }
}
