//! Where the jobs are kept.

use std::sync::Arc;

use super::claim::Claim;
use super::error::QueueError;
use super::job::{Job, JobId};
use super::memory::Memory;
use super::record::JobRecord;
use super::redis_queue::RedisQueue;
use super::stats::QueueStats;

/// Where the jobs are kept.
#[derive(Clone)]
pub(super) enum Store {
    /// In this process.
    Memory(Arc<Memory>),
    /// In Redis.
    Redis(Box<RedisQueue>),
}

impl Store {
    /// Whether the store can be reached.
    pub async fn ping(&self) -> Result<(), QueueError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(queue) => queue.ping().await,
        }
    }

    /// Accepts a job, or answers the id of the one that holds one of its claims.
    pub async fn submit(&self, job: &Job, claims: &[Claim]) -> Result<JobId, QueueError> {
        match self {
            Self::Memory(queue) => queue.submit(job, claims),
            Self::Redis(queue) => queue.submit(job, claims).await,
        }
    }

    /// The record of a job.
    pub async fn get(&self, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        match self {
            Self::Memory(queue) => Ok(queue.get(id)),
            Self::Redis(queue) => queue.records.get(id).await,
        }
    }

    /// Changes a record, if there is anything to change; answers how it is now
    /// and whether it changed.
    pub async fn update(
        &self,
        job: &Job,
        change: impl Fn(JobRecord) -> Option<JobRecord>,
    ) -> Result<(JobRecord, bool), QueueError> {
        match self {
            Self::Memory(queue) => Ok(queue.update(job, change)),
            Self::Redis(queue) => queue.records.update(job, change).await,
        }
    }

    /// The newest records first.
    pub async fn recent(&self, limit: usize) -> Result<Vec<JobRecord>, QueueError> {
        match self {
            Self::Memory(queue) => Ok(queue.recent(limit)),
            Self::Redis(queue) => queue.records.recent(limit).await,
        }
    }

    /// The numbers.
    pub async fn stats(&self) -> Result<QueueStats, QueueError> {
        match self {
            Self::Memory(queue) => Ok(queue.stats()),
            Self::Redis(queue) => queue.stats().await,
        }
    }
}
