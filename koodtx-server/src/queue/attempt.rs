//! One task of apalis from start to end: attempts within a time limit, and what
//! is written down about them.
//!
//! apalis learns of two outcomes only. "Done" also stands for a job that was given
//! up, since apalis would try a failed one again by rules of its own. "Deferred"
//! means that somebody has to come back to it: then apalis puts it back.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::layers::TimeoutLayer;
use apalis::layers::catch_panic::CatchPanicLayer;
use apalis::layers::retry::backoff::{ExponentialBackoffMaker, MakeBackoff};
use apalis::layers::retry::{HasherRng, RetryLayer, RetryPolicy};
use apalis::prelude::{BoxDynError, DeferredError, Task};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tower::util::BoxCloneService;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use super::clock;
use super::error::QueueError;
use super::job::{Job, JobError, JobHandler};
use super::record::{JobRecord, JobState};
use super::settings::QueueSettings;
use super::store::Store;

/// How long a worker tries to write down how a job ended.
const REPORT_TIMEOUT: Duration = Duration::from_mins(1);
/// The pause between two tries.
const REPORT_PAUSE: Duration = Duration::from_millis(500);
/// How much longer a wait may get at random, so that jobs that failed together
/// are not all tried again at the same time.
const BACKOFF_JITTER: f64 = 0.1;

/// Why a task is not done yet.
#[derive(Debug, thiserror::Error)]
enum Undone {
    /// The attempt failed and another one follows.
    #[error("{0}")]
    Again(String),
    /// The start could not be written down, so there was none.
    #[error("{0}")]
    Store(#[from] QueueError),
}

/// What apalis runs for each task.
pub(super) type TaskService = BoxCloneService<Task<Value>, (), BoxDynError>;

/// What apalis runs for each task.
pub(super) fn service(
    store: Store,
    settings: &QueueSettings,
    handler: Arc<dyn JobHandler>,
) -> TaskService {
    let backoff = ExponentialBackoffMaker::new(
        settings.backoff_base,
        settings.backoff_max,
        BACKOFF_JITTER,
        HasherRng::default(),
    )
    .unwrap_or_default()
    .make_backoff();
    // How often is decided with the record, which knows about other workers.
    let policy = RetryPolicy::retries(usize::MAX)
        .with_backoff(backoff)
        .retry_if(|undone: &Undone| matches!(undone, Undone::Again(_)));
    let max_attempts = settings.max_attempts;
    let service = ServiceBuilder::new()
        .map_err(|undone: Undone| BoxDynError::from(DeferredError::new(undone)))
        .layer(RetryLayer::new(policy))
        .layer_fn(move |attempt| Recorded {
            store: store.clone(),
            max_attempts,
            attempt,
        })
        .layer(TimeoutLayer::new(settings.time_limit))
        .layer(CatchPanicLayer::with_panic_handler(panicked))
        .service(service_fn(move |task: Task<Job>| {
            let handler = Arc::clone(&handler);
            async move { handler.run(&task.args).await }
        }));
    TaskService::new(service)
}

/// What to tell about a panic. Its text may name anything, so it stays in the log.
#[allow(clippy::borrowed_box)] // The signature is given.
fn panicked(panic: &Box<dyn Any + Send>) -> JobError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(text, "a job panicked");
    JobError::transient("the job panicked")
}

/// What to tell about an attempt that failed.
fn failed(error: BoxDynError) -> JobError {
    match error.downcast::<JobError>() {
        Ok(error) => *error,
        Err(error) if error.is::<tower::timeout::error::Elapsed>() => {
            JobError::transient("the time limit was up")
        }
        Err(error) => JobError::transient(error.to_string()),
    }
}

/// Writes down the start and the end of an attempt.
#[derive(Clone)]
struct Recorded<S> {
    store: Store,
    max_attempts: u32,
    attempt: S,
}

impl<S> Service<Task<Value>> for Recorded<S>
where
    S: Service<Task<Job>, Response = Value, Error = BoxDynError, Future: Send>,
    S: Clone + Send + 'static,
{
    type Response = ();
    type Error = Undone;
    type Future = BoxFuture<'static, Result<(), Undone>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Undone>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Value>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            match task.try_map_args(serde_json::from_value) {
                Ok(task) => this.run(task).await,
                Err(error) => {
                    // Nobody will ever be able to run it.
                    tracing::error!(%error, "dropped an entry of the queue that is no job");
                    Ok(())
                }
            }
        })
    }
}

impl<S> Recorded<S>
where
    S: Service<Task<Job>, Response = Value, Error = BoxDynError>,
{
    /// One attempt at a job.
    async fn run(self, task: Task<Job>) -> Result<(), Undone> {
        let job = task.args.clone();
        let start = |record: JobRecord| record.start(clock::now(), self.max_attempts);
        let (record, is_new) = self.store.update(&job, start).await?;
        let name = &job.name;
        let id = &job.job_id;
        if !is_new {
            tracing::debug!(%id, name, "another worker has finished the job");
            return Ok(());
        }
        let attempt = record.attempts;
        if record.state != JobState::Running {
            tracing::error!(%id, name, attempt, "gave up a job whose workers died");
            return Ok(());
        }
        match self.attempt.oneshot(task).await.map_err(failed) {
            Ok(result) => {
                let done = |record: JobRecord| record.succeed(clock::now(), &result);
                report(&self.store, &job, done).await;
                Ok(())
            }
            Err(error) if error.retry && attempt < self.max_attempts => {
                tracing::warn!(%id, name, attempt, %error, "an attempt at a job failed");
                let again = |record: JobRecord| record.again(attempt, &error.message);
                report(&self.store, &job, again).await;
                Err(Undone::Again(error.message))
            }
            Err(error) => {
                if error.gone {
                    tracing::info!(%id, name, attempt, %error, "a job has nothing to do any more");
                } else {
                    tracing::error!(%id, name, attempt, %error, "a job failed");
                }
                let end = |record: JobRecord| record.fail(attempt, clock::now(), &error.message);
                report(&self.store, &job, end).await;
                Ok(())
            }
        }
    }
}

/// Writes down how an attempt ended, even if the store cannot be reached for a
/// while: the work is done, and only this saves it from being done again.
async fn report(store: &Store, job: &Job, change: impl Fn(JobRecord) -> Option<JobRecord>) {
    let persist = async {
        while let Err(error) = store.update(job, &change).await {
            tracing::warn!(id = %job.job_id, %error, "cannot write down how a job ended yet");
            tokio::time::sleep(REPORT_PAUSE).await;
        }
    };
    if tokio::time::timeout(REPORT_TIMEOUT, persist).await.is_err() {
        tracing::error!(id = %job.job_id, "gave up writing down how a job ended");
    }
}
