//! Background work: what it is, when it is due, and how it is done.
//!
//! Slow work stays out of the request path. A [`Task`] is done by a handler of the
//! [queue](crate::queue): in the process of the server, or in workers that share a Redis. Every task
//! works in bounded steps, may be stopped between any two of them, and may be run again at any time.

mod analyse;
mod close_sessions;
mod context;
mod erase_accounts;
mod export_session;
mod failure;
mod handler;
mod optimise;
mod purge_exports;
mod purge_logs;
mod purge_samples;
mod recent;
mod report;
mod run;
mod task;
mod walk;

use std::sync::Arc;

use koodtx_core::id::{SessionId, UserId};
use tokio_util::sync::CancellationToken;

use crate::config::{JobsConfig, QueueKind};
use crate::metrics::{JobTimes, MeasuredHandler};
use crate::queue::{JobId, JobQueue, JobRecord, NewJob, QueueError, ScheduledJob};

pub use context::{Context, Retention};
pub use failure::TaskError;
pub use handler::TaskHandler;
pub(crate) use report::readable;
pub use run::{Arguments, run_task};
pub use task::Task;

use analyse::{SESSION_ARGUMENT, analysis_job};
use recent::Recent;

/// The background work of one process.
#[derive(Debug)]
pub struct Jobs {
    /// Absent where the operator turned background work off.
    queue: Option<JobQueue>,
    context: Arc<Context>,
    config: JobsConfig,
    announced: Recent<(UserId, SessionId)>,
    times: JobTimes,
}

impl Jobs {
    /// Opens the queue that the settings name. Has to be called in a tokio runtime.
    ///
    /// # Errors
    /// Where the URL of a Redis is not usable. Whether it answers shows later.
    pub fn open(config: &JobsConfig, context: Context) -> Result<Self, QueueError> {
        let settings = config.queue_settings();
        let queue = match &config.queue {
            QueueKind::Off => None,
            QueueKind::Memory => Some(JobQueue::open_memory(settings)),
            QueueKind::Redis(url) => Some(JobQueue::open_redis(url.as_str(), settings)?),
        };
        Ok(Self {
            context: Arc::new(Context {
                queue: queue.clone(),
                ..context
            }),
            queue,
            config: config.clone(),
            announced: Recent::default(),
            times: JobTimes::default(),
        })
    }

    /// Counts what it does there.
    #[must_use]
    pub(crate) fn counting(mut self, times: JobTimes) -> Self {
        self.times = times;
        self
    }

    /// The queue; `None` where background work is off.
    pub fn queue(&self) -> Option<&JobQueue> {
        self.queue.as_ref()
    }

    /// What tasks work with.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Asks for the analysis of a session.
    ///
    /// # Errors
    /// Where the queue is full or does not answer.
    pub(crate) async fn analyse(
        &self,
        queue: &JobQueue,
        user: UserId,
        session: SessionId,
    ) -> Result<JobId, QueueError> {
        queue.submit(analysis_job(user, session)).await
    }

    /// Sees to it that a session that ended is analysed, without anybody waiting for it.
    ///
    /// A phone that uploads a long recording piece by piece says with each piece that it ended: one
    /// analysis a minute is enough, and what comes later is found by the next round of
    /// [`Task::Analyse`].
    pub(crate) fn session_ended(self: &Arc<Self>, user: UserId, session: SessionId) {
        if let Some(queue) = self.queue.clone()
            && self.announced.is_new((user, session))
        {
            tokio::spawn(async move {
                if let Err(error) = queue.submit(analysis_job(user, session)).await {
                    tracing::info!(%error, %session, "an analysis has to wait for the next round");
                }
            });
        }
    }

    /// Sees to it that what deleted accounts have left is removed, without anybody waiting for it. Where
    /// that cannot be submitted now, the schedule does it.
    pub(crate) fn account_deleted(self: &Arc<Self>) {
        if let Some(queue) = self.queue.clone() {
            tokio::spawn(async move {
                let job = task_job(Task::EraseAccounts);
                if let Err(error) = queue.submit(job).await {
                    tracing::info!(%error, "erasing has to wait for the schedule");
                }
            });
        }
    }

    /// A job of a user, as far as it is theirs and still known.
    ///
    /// # Errors
    /// Where the queue does not answer.
    pub(crate) async fn job_of(
        &self,
        queue: &JobQueue,
        user: UserId,
        id: &JobId,
    ) -> Result<Option<JobRecord>, QueueError> {
        let found = queue.job(id).await?;
        Ok(found.filter(|job| job.owner == Some(user.0)))
    }

    /// Does jobs until `stop`, as many at a time as the settings say.
    pub async fn work(&self, stop: CancellationToken) {
        if let Some(queue) = &self.queue {
            let handler = TaskHandler::new(Arc::clone(&self.context));
            let handler = MeasuredHandler::new(handler, self.times.clone());
            let concurrency = self.config.concurrency;
            queue
                .run_worker(handler, concurrency, stop.cancelled_owned())
                .await;
        }
    }

    /// Submits the tasks of the schedule when they are due, until `stop`.
    pub async fn schedule(&self, stop: CancellationToken) {
        if let Some(queue) = &self.queue {
            Self::schedule_on(queue, &self.config, stop).await;
        }
    }

    /// Submits the tasks of a schedule to a queue when they are due, until `stop`.
    pub async fn schedule_on(queue: &JobQueue, config: &JobsConfig, stop: CancellationToken) {
        let due = config.schedule.iter().filter_map(|(task, cron)| {
            Some(ScheduledJob {
                cron: cron.clone()?,
                job: task_job(*task),
            })
        });
        queue
            .run_scheduler(due.collect(), stop.cancelled_owned())
            .await;
    }

    /// The settings.
    pub fn config(&self) -> &JobsConfig {
        &self.config
    }
}

/// A run of a task on all that there is.
fn task_job(task: Task) -> NewJob {
    NewJob {
        name: task.name().to_owned(),
        // While one is at it, a second one would only look on.
        unique: Some(task.name().to_owned()),
        ..NewJob::default()
    }
}

/// The session that a job is about, where it names one.
pub fn session_argument(arguments: &Arguments) -> Option<&str> {
    arguments.get(SESSION_ARGUMENT).map(String::as_str)
}
