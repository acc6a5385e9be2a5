//! Workers: they take jobs from the queue until they are told to stop.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use apalis::layers::limit::GlobalConcurrencyLimitLayer;
use apalis::prelude::{BoxDynError, MemoryStorage, ParallelizeLayer, WorkerBuilder, WorkerError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt;
use super::error::QueueError;
use super::job::{JobHandler, JobId};
use super::redis_queue::{RedisBackend, RedisQueue};
use super::settings::QueueSettings;
use super::store::Store;

/// The pauses before a worker that lost the queue tries again.
const RESTART_PAUSE_MIN: Duration = Duration::from_millis(200);
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long jobs may take to be dropped.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(2);

/// What ended a turn of a worker.
#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("{0}")]
    Worker(#[from] WorkerError),
    #[error("apalis panicked")]
    Panic,
}

/// What a worker of apalis takes its tasks from.
enum Backend {
    Memory(MemoryStorage<Value>),
    Redis(Box<RedisBackend>),
}

/// A worker of apalis that is started again whenever it fails.
///
/// The jobs themselves are tasks of their own, which outlast a turn of the worker
/// that ended because the queue could not be reached.
pub(super) struct Crew {
    store: Store,
    settings: QueueSettings,
    handler: Arc<dyn JobHandler>,
    /// As many as jobs may run at a time, over all turns.
    slots: Arc<Semaphore>,
    jobs: TaskTracker,
    /// Take nothing new.
    stop: CancellationToken,
    /// Drop what is running.
    abandon: CancellationToken,
    /// What the worker is called in this turn.
    name: Mutex<String>,
}

impl Crew {
    /// A worker that runs so many jobs at a time.
    pub fn new(
        store: Store,
        settings: QueueSettings,
        handler: Arc<dyn JobHandler>,
        concurrency: usize,
    ) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            store,
            settings,
            handler,
            slots: Arc::new(Semaphore::new(concurrency)),
            jobs: TaskTracker::new(),
            stop: CancellationToken::new(),
            abandon: CancellationToken::new(),
            name: Mutex::default(),
        }
    }

    /// Works until the shutdown, and then for as long as the running jobs take,
    /// within the grace time.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        // Also when this future is dropped: no job goes on unattended.
        let _abandon = self.abandon.clone().drop_guard();
        let work = async {
            tokio::join!(self.turns(), self.vacuum());
            self.jobs.close();
            self.jobs.wait().await;
        };
        let mut work = std::pin::pin!(work);
        tokio::select! {
            () = &mut work => {}
            () = shutdown => {
                self.stop.cancel();
                if tokio::time::timeout(self.settings.grace, work).await.is_err() {
                    tracing::warn!("jobs were still running after the grace time");
                }
            }
        }
        self.abandon.cancel();
        self.jobs.close();
        // A job that blocks its thread cannot be dropped.
        let _ = tokio::time::timeout(ABANDON_TIMEOUT, self.jobs.wait()).await;
        match &self.store {
            Store::Memory(queue) => queue.abandon_started(),
            Store::Redis(queue) => {
                let name = self.name.lock().clone();
                if let Err(error) = queue.retire(&name).await {
                    tracing::warn!(%error, "could not sign off from the queue");
                }
            }
        }
    }

    /// One turn of the worker after the other.
    async fn turns(&self) {
        let mut pause = RESTART_PAUSE_MIN;
        while !self.stop.is_cancelled() {
            let started = std::time::Instant::now();
            // Whatever apalis does, the worker goes on.
            let turn = AssertUnwindSafe(self.turn()).catch_unwind().await;
            match turn.unwrap_or(Err(TurnError::Panic)) {
                Ok(()) if self.stop.is_cancelled() => return,
                Ok(()) => tracing::warn!("the worker stopped by itself and is started again"),
                Err(error) => {
                    tracing::warn!(%error, "the worker lost the queue and is started again");
                }
            }
            if started.elapsed() > RESTART_PAUSE_MAX {
                pause = RESTART_PAUSE_MIN;
            }
            self.stop
                .run_until_cancelled(tokio::time::sleep(pause))
                .await;
            pause = (pause * 2).min(RESTART_PAUSE_MAX);
        }
    }

    /// Works until told to stop, or until the queue cannot be reached.
    async fn turn(&self) -> Result<(), TurnError> {
        // A new name each time: apalis refuses one that was alive a moment ago, and
        // what was taken under the old one is given to others in time.
        let name = format!("worker-{}", JobId::generate());
        self.name.lock().clone_from(&name);
        let backend = match &self.store {
            Store::Memory(queue) => Backend::Memory(queue.backend()),
            Store::Redis(queue) => Backend::Redis(Box::new(queue.backend(&name).await?)),
        };
        Ok(self.worker(&name, backend).await?)
    }

    /// Runs a job as a task of its own, until it is to be dropped.
    fn spawner<F>(&self) -> impl Fn(F) -> JoinHandle<Result<(), BoxDynError>> + Clone + use<F>
    where
        F: Future<Output = Result<(), BoxDynError>> + Send + 'static,
    {
        let (jobs, abandon) = (self.jobs.clone(), self.abandon.clone());
        move |job| {
            let abandon = abandon.clone();
            jobs.spawn(async move {
                let done = abandon.run_until_cancelled(job).await;
                done.unwrap_or_else(|| Err("dropped at shutdown".into()))
            })
        }
    }

    /// A worker of apalis, which works until told to stop or until it fails.
    fn worker(&self, name: &str, backend: Backend) -> BoxFuture<'static, Result<(), WorkerError>> {
        let handler = Arc::clone(&self.handler);
        let service = attempt::service(self.store.clone(), &self.settings, handler);
        let stop = self
            .stop
            .clone()
            .cancelled_owned()
            .map(Ok::<(), WorkerError>);
        // Outermost first. apalis asks the layers for a free slot before it takes a
        // task, so it never holds one that it cannot run.
        let spawn = ParallelizeLayer::new(self.spawner());
        let slots = GlobalConcurrencyLimitLayer::with_semaphore(Arc::clone(&self.slots));
        let builder = WorkerBuilder::new(name);
        match backend {
            Backend::Memory(tasks) => {
                let builder = builder.backend(tasks).layer(spawn).layer(slots);
                Box::pin(builder.build(service).run_until(stop))
            }
            Backend::Redis(tasks) => {
                let builder = builder.backend(*tasks).layer(spawn).layer(slots);
                Box::pin(builder.build(service).run_until(stop))
            }
        }
    }

    /// Clears away what finished jobs leave behind, from time to time.
    async fn vacuum(&self) {
        let Store::Redis(queue) = &self.store else {
            return;
        };
        let clear = vacuum_forever(queue, self.settings.vacuum_interval);
        self.stop.run_until_cancelled(clear).await;
    }
}

/// Clears away what finished jobs leave behind, again and again.
async fn vacuum_forever(queue: &RedisQueue, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        if let Err(error) = queue.vacuum().await {
            tracing::warn!(%error, "could not clear away finished jobs");
        }
    }
}
