//! The records of a queue within one process.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use super::claim::{Claim, Term};
use super::clock::{Micros, micros};
use super::job::{Job, JobId};
use super::record::JobRecord;
use super::stats::QueueStats;

/// Most records of finished jobs; beyond that the oldest go before their time.
const FINISHED_MAX_COUNT: usize = 10_000;

/// What became of a job that was not finished when its worker stopped.
const ABANDONED: &str = "the server stopped before the job was done";

/// Who holds a key, and until when; without an end, until the job is done.
struct Holder {
    job_id: JobId,
    until: Option<Micros>,
}

/// The records of a queue within one process. Jobs that are not finished are
/// bounded by the queue, finished ones by number and by age.
pub(super) struct MemoryRecords {
    keep: Duration,
    records: HashMap<JobId, JobRecord>,
    claims: HashMap<String, Holder>,
}

/// Whether the record of a finished job has been kept long enough.
fn is_expired(record: &JobRecord, keep: Duration, now: Micros) -> bool {
    record
        .finished_at
        .is_some_and(|at| now.saturating_sub(at) >= micros(keep))
}

impl MemoryRecords {
    /// No records yet; those of finished jobs will be kept so long.
    pub fn new(keep: Duration) -> Self {
        Self {
            keep,
            records: HashMap::new(),
            claims: HashMap::new(),
        }
    }

    /// Forgets what has been kept long enough, or is too much.
    pub fn sweep(&mut self, now: Micros) {
        let keep = self.keep;
        self.records
            .retain(|_, record| !is_expired(record, keep, now));
        self.claims
            .retain(|_, holder| holder.until.is_none_or(|until| now < until));
        let finished = self.records.values().filter_map(|r| r.finished_at);
        if finished.clone().count() > FINISHED_MAX_COUNT {
            let mut times: Vec<_> = finished.collect();
            times.sort_unstable_by_key(|&at| Reverse(at));
            let oldest_kept = times[FINISHED_MAX_COUNT - 1];
            self.records
                .retain(|_, r| r.finished_at.is_none_or(|at| at >= oldest_kept));
        }
    }

    /// Gives the job all its claims, or answers who holds one of them already.
    pub fn claim(&mut self, job: &Job, claims: &[Claim], now: Micros) -> Option<JobId> {
        let holder = claims.iter().find_map(|claim| {
            let holder = self.claims.get(&claim.key)?;
            let is_held = holder.until.is_none_or(|until| now < until);
            is_held.then(|| holder.job_id.clone())
        });
        let job_id = holder.as_ref().unwrap_or(&job.job_id);
        for claim in claims {
            let until = match claim.term {
                // The holder of another claim may be done already, and would
                // never give this one back.
                Term::UntilDone if holder.is_some() => continue,
                Term::UntilDone => None,
                Term::For(span) => Some(now.saturating_add(micros(span))),
            };
            self.claims.entry(claim.key.clone()).or_insert(Holder {
                job_id: job_id.clone(),
                until,
            });
        }
        holder
    }

    /// Gives back all claims of a job that was not accepted.
    pub fn release(&mut self, id: &JobId) {
        self.claims.retain(|_, holder| holder.job_id != *id);
    }

    /// The record of a job.
    pub fn get(&self, id: &JobId, now: Micros) -> Option<&JobRecord> {
        let record = self.records.get(id)?;
        (!is_expired(record, self.keep, now)).then_some(record)
    }

    /// Writes a record down. A finished job gives back what it held until then.
    pub fn put(&mut self, record: JobRecord) {
        if record.state.is_final() {
            self.claims
                .retain(|_, holder| holder.until.is_some() || holder.job_id != record.job_id);
        }
        self.records.insert(record.job_id.clone(), record);
    }

    /// No job that was started will ever end.
    pub fn abandon_started(&mut self, now: Micros) {
        let records = self.records.values();
        let ended: Vec<_> = records
            .filter(|record| !record.state.is_final() && record.attempts > 0)
            .filter_map(|record| record.clone().fail(record.attempts, now, ABANDONED))
            .collect();
        for record in ended {
            self.put(record);
        }
    }

    /// The newest records first.
    pub fn newest(&self, limit: usize) -> Vec<JobRecord> {
        let mut records: Vec<_> = self.records.values().collect();
        records.sort_unstable_by_key(|record| Reverse((record.created_at, &record.job_id)));
        records.into_iter().take(limit).cloned().collect()
    }

    /// How many records there are, by state.
    pub fn count(&self) -> QueueStats {
        let mut stats = QueueStats::default();
        for record in self.records.values() {
            *stats.of(record.state) += 1;
        }
        stats
    }
}
