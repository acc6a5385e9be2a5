//! The queue within one process: records in a map, and a bounded channel that
//! feeds apalis's in-memory backend.

use std::pin::Pin;
use std::sync::Arc;

use apalis::prelude::{MemorySink, MemoryStorage, MemoryStorageError, Task, TaskBuilder, TaskId};
use futures_util::{Sink, SinkExt, Stream, sink, stream};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;

use super::claim::Claim;
use super::clock;
use super::error::QueueError;
use super::job::{Job, JobId};
use super::memory_records::MemoryRecords;
use super::record::JobRecord;
use super::settings::QueueSettings;
use super::stats::QueueStats;

/// A sink as apalis wants it.
type BoxSink = Box<dyn Sink<Task<Value>, Error = MemoryStorageError> + Send + Sync + Unpin>;

/// The queue within one process.
///
/// apalis's own channel has no bound and ends with its worker; this one has a
/// bound and may feed one worker after the other.
pub(super) struct Memory {
    records: Mutex<MemoryRecords>,
    sender: mpsc::Sender<Task<Value>>,
    receiver: Arc<tokio::sync::Mutex<mpsc::Receiver<Task<Value>>>>,
}

impl Memory {
    /// An empty queue.
    pub fn new(settings: &QueueSettings) -> Self {
        let (sender, receiver) = mpsc::channel(settings.queue_limit);
        Self {
            records: Mutex::new(MemoryRecords::new(settings.keep_results)),
            sender,
            receiver: Arc::new(tokio::sync::Mutex::new(receiver)),
        }
    }

    /// Accepts a job, or answers the id of the one that holds one of its claims.
    pub fn submit(&self, job: &Job, claims: &[Claim]) -> Result<JobId, QueueError> {
        let mut records = self.records.lock();
        let now = clock::now();
        records.sweep(now);
        if let Some(holder) = records.claim(job, claims, now) {
            return Ok(holder);
        }
        let permit = self.sender.try_reserve().map_err(|_| QueueError::Full);
        let payload = serde_json::to_value(job).map_err(|e| QueueError::unreadable(&e));
        let (permit, payload) = match permit.and_then(|permit| Ok((permit, payload?))) {
            Ok(both) => both,
            Err(refused) => {
                records.release(&job.job_id);
                return Err(refused);
            }
        };
        records.put(JobRecord::queued(job));
        let task_id = TaskId::from_string(job.job_id.as_str());
        permit.send(TaskBuilder::new(payload).task_id(task_id).build());
        Ok(job.job_id.clone())
    }

    /// The record of a job.
    pub fn get(&self, id: &JobId) -> Option<JobRecord> {
        self.records.lock().get(id, clock::now()).cloned()
    }

    /// Changes a record, if there is anything to change; answers how it is now
    /// and whether it changed.
    pub fn update(
        &self,
        job: &Job,
        change: impl Fn(JobRecord) -> Option<JobRecord>,
    ) -> (JobRecord, bool) {
        let mut records = self.records.lock();
        let old = records.get(&job.job_id, clock::now()).cloned();
        let old = old.unwrap_or_else(|| JobRecord::queued(job));
        match change(old.clone()) {
            Some(new) => {
                records.put(new.clone());
                (new, true)
            }
            None => (old, false),
        }
    }

    /// The worker has stopped, and nobody else has the jobs that it started.
    pub fn abandon_started(&self) {
        self.records.lock().abandon_started(clock::now());
    }

    /// The newest records first.
    pub fn recent(&self, limit: usize) -> Vec<JobRecord> {
        let mut records = self.records.lock();
        records.sweep(clock::now());
        records.newest(limit)
    }

    /// The numbers.
    pub fn stats(&self) -> QueueStats {
        let mut records = self.records.lock();
        records.sweep(clock::now());
        QueueStats {
            depth: self.sender.max_capacity() - self.sender.capacity(),
            ..records.count()
        }
    }

    /// What a worker of apalis takes its tasks from.
    pub fn backend(&self) -> MemoryStorage<Value> {
        // Jobs come in through the channel, never through apalis's sink.
        let unused: BoxSink = Box::new(sink::drain().sink_map_err(|never| match never {}));
        let unused = MemorySink::new(Arc::new(futures_util::lock::Mutex::new(unused)));
        let tasks: Pin<Box<dyn Stream<Item = Task<Value>> + Send>> = Box::pin(stream::unfold(
            Arc::clone(&self.receiver),
            |receiver| async move {
                let task = receiver.lock().await.recv().await?;
                Some((task, receiver))
            },
        ));
        MemoryStorage::new_with(unused, tasks)
    }
}
