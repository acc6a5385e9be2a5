//! The queue in Redis: apalis's storage, and the records beside it.

use apalis::prelude::{IntervalStrategy, PollWith, TaskBuilder, TaskId, TaskSink, TaskSinkError};
use apalis_core::backend::Vacuum;
use apalis_redis::{Config, RedisStorage};
use redis::AsyncCommands;
use serde_json::Value;
use std::str::FromStr;

use super::claim::{Claim, Term};
use super::clock;
use super::error::QueueError;
use super::job::{Job, JobId};
use super::keys::Keys;
use super::record::{JobRecord, JobState};
use super::redis_link::{answer, connect};
use super::redis_records::{RedisRecords, Submitted};
use super::settings::QueueSettings;
use super::stats::QueueStats;

/// How long apalis's note about a worker is kept. Nothing reads it here; apalis
/// itself never deletes it.
const WORKER_NOTE_KEEP_SECONDS: i64 = 24 * 60 * 60;

/// What a worker of apalis takes its tasks from.
pub(super) type RedisBackend = PollWith<RedisStorage<Value>, IntervalStrategy>;

/// The queue in Redis.
#[derive(Clone)]
pub(super) struct RedisQueue {
    pub records: RedisRecords,
    config: Config,
    poll: IntervalStrategy,
    limit: usize,
}

impl RedisQueue {
    /// The queue at a URL. Connects when it is first used.
    pub fn open(url: &str, settings: &QueueSettings) -> Result<Self, QueueError> {
        let keys = Keys::new(&settings.prefix);
        let config = Config::default()
            .queue(keys.queue())
            // A worker holds no more than it runs.
            .batch_size(1)
            .heartbeat_interval(settings.heartbeat)
            .missed_heartbeats(settings.missed_heartbeats as usize)
            // Leases and events are for on-lookers; the sets of tasks in flight
            // are what keeps a task from running twice or getting lost.
            .lock_tasks(false)
            .emit_events(false);
        Ok(Self {
            records: RedisRecords {
                link: connect(url)?,
                keys,
                keep: settings.keep_results,
            },
            config,
            poll: IntervalStrategy::new(settings.poll_interval),
            limit: settings.queue_limit,
        })
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), QueueError> {
        let mut link = self.records.link.clone();
        answer(redis::cmd("PING").query_async(&mut link)).await
    }

    /// The lists of tasks that no worker has taken yet.
    fn lists(&self) -> [String; 2] {
        [
            self.config.scheduled_jobs_set(),
            self.config.active_jobs_list(),
        ]
    }

    /// The numbers.
    pub async fn stats(&self) -> Result<QueueStats, QueueError> {
        self.records.stats(self.lists()).await
    }

    /// apalis's storage.
    fn storage(&self) -> RedisStorage<Value> {
        RedisStorage::new(self.records.link.clone()).with_config(self.config.clone())
    }

    /// Accepts a job, or answers the id of the one that holds one of its claims.
    pub async fn submit(&self, job: &Job, claims: &[Claim]) -> Result<JobId, QueueError> {
        loop {
            let submitted = self
                .records
                .submit(job, claims, self.lists(), self.limit)
                .await?;
            let Submitted::Held(holder, claim) = submitted else {
                let pushed = self.push(job).await;
                // It may have arrived although there was no answer. With a claim,
                // the next try finds this job and puts it into the queue, so that
                // it never runs twice. Without, it has no business in the lists.
                if pushed.is_err() && claims.is_empty() {
                    let _ = self.records.forget(&job.job_id).await;
                }
                pushed?;
                return Ok(job.job_id.clone());
            };
            match self.records.get(&holder).await? {
                // Who submitted it may have died before it was in the queue; that
                // it is put there twice does no harm.
                Some(record) if record.state == JobState::Queued => {
                    self.push(&record.job()).await?;
                    return Ok(holder);
                }
                Some(record) if !record.state.is_final() => return Ok(holder),
                _ if claim.term != Term::UntilDone => return Ok(holder),
                // Left behind by a job that is no more.
                _ => self.records.release(&holder, &claim).await?,
            }
        }
    }

    /// Puts a job into apalis's queue; nothing happens if it is there already.
    async fn push(&self, job: &Job) -> Result<(), QueueError> {
        let payload = serde_json::to_value(job).map_err(|e| QueueError::unreadable(&e))?;
        let task_id = TaskId::from_str(job.job_id.as_str())
            .map_err(|e| QueueError::Unreadable(e.to_string()))?;
        let task = TaskBuilder::new(payload).task_id(task_id).build();
        let mut storage = self.storage();
        answer(async {
            match storage.push_task(task).await {
                Err(TaskSinkError::PushError(apalis_redis::Error::Database(error))) => Err(error),
                other => Ok(other),
            }
        })
        .await?
        .map_err(|e| QueueError::Unreadable(e.to_string()))
    }

    /// What a worker of this name takes its tasks from.
    pub async fn backend(&self, worker: &str) -> Result<RedisBackend, QueueError> {
        let note = format!("{}:workers:metadata:{worker}", self.config.queue.as_ref());
        let mut pipe = redis::pipe();
        pipe.hset(&note, "service", "").ignore();
        pipe.expire(&note, WORKER_NOTE_KEEP_SECONDS).ignore();
        let () = answer(pipe.query_async(&mut self.records.link.clone())).await?;
        Ok(PollWith::new(self.storage(), self.poll.clone()))
    }

    /// A worker has stopped: what it left undone goes to others with their next
    /// heartbeat, not only when this one has been missed for long enough.
    pub async fn retire(&self, worker: &str) -> Result<(), QueueError> {
        let mut zadd = redis::cmd("ZADD");
        zadd.arg(self.config.workers_set())
            .arg("XX")
            .arg(0)
            .arg(worker);
        answer(zadd.query_async(&mut self.records.link.clone())).await
    }

    /// Clears away what finished tasks leave behind: apalis drops their data, but
    /// not its lists of them.
    pub async fn vacuum(&self) -> Result<(), QueueError> {
        let mut storage = self.storage();
        answer(async {
            match storage.vacuum().await {
                Err(apalis_redis::Error::Database(error)) => Err(error),
                other => Ok(other),
            }
        })
        .await?
        .map_err(|e| QueueError::Unreadable(e.to_string()))?;
        let mut link = self.records.link.clone();
        let () = answer(link.del(self.config.done_jobs_set())).await?;
        let dead: Vec<String> = answer(link.smembers(self.config.dead_jobs_set())).await?;
        for id in dead {
            self.bury(&id.into()).await?;
        }
        Ok(())
    }

    /// Ends a job that apalis has given up, which happens only if its attempts
    /// could not be written down again and again.
    async fn bury(&self, id: &JobId) -> Result<(), QueueError> {
        match self.records.get(id).await {
            Ok(Some(record)) => {
                let fail = |record: JobRecord| {
                    let attempts = record.attempts;
                    record.fail(attempts, clock::now(), "given up: it could not be run")
                };
                self.records.update(&record.job(), fail).await?;
            }
            Err(error @ QueueError::Unavailable(_)) => return Err(error),
            Ok(None) | Err(_) => {}
        }
        let mut pipe = redis::pipe();
        pipe.hdel(self.config.job_data_hash(), id.as_str()).ignore();
        pipe.del(format!("{}:{id}", self.config.job_meta_hash()))
            .ignore();
        pipe.srem(self.config.dead_jobs_set(), id.as_str()).ignore();
        answer(pipe.query_async(&mut self.records.link.clone())).await
    }
}
