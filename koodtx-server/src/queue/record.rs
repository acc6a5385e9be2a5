//! What the queue knows about a job, and how that changes.
//!
//! The changes are plain functions from one record to the next, which the store
//! applies atomically. Each one is safe against a repeat and against a second
//! worker that has the same job: a job that succeeded stays so, and an attempt
//! that is no longer the latest has no say any more, unless it succeeds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::Micros;
use super::job::{Job, JobId};

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker, or for its next attempt.
    Queued,
    /// A worker is at it.
    Running,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
}

impl JobState {
    /// All states, in the order of a job's life.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed];

    /// Whether nothing more happens to the job.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The state as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// What the queue knows about a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Names the job.
    pub job_id: JobId,
    /// What to do.
    pub name: String,
    /// What to do it with.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// The account it is done for; none for the server's own work.
    #[serde(default)]
    pub owner: Option<i64>,
    /// The key that no second job may have while this one is not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// How far it is.
    pub state: JobState,
    /// How often it was started.
    pub attempts: u32,
    /// When it was submitted, in microseconds since the epoch.
    pub created_at: Micros,
    /// When the latest attempt started.
    pub started_at: Option<Micros>,
    /// When it succeeded or was given up.
    pub finished_at: Option<Micros>,
    /// What it answered.
    #[serde(default)]
    pub result: Option<serde_json::Value>,
    /// What went wrong with the latest attempt that failed.
    #[serde(default)]
    pub error: Option<String>,
}

impl JobRecord {
    /// The record of a job that nobody has started.
    pub(super) fn queued(job: &Job) -> Self {
        Self {
            job_id: job.job_id.clone(),
            name: job.name.clone(),
            args: job.args.clone(),
            owner: job.owner,
            unique: job.unique.clone(),
            state: JobState::Queued,
            attempts: 0,
            created_at: job.created_at,
            started_at: None,
            finished_at: None,
            result: None,
            error: None,
        }
    }

    /// The job that this is the record of.
    pub(super) fn job(&self) -> Job {
        Job {
            job_id: self.job_id.clone(),
            name: self.name.clone(),
            args: self.args.clone(),
            owner: self.owner,
            unique: self.unique.clone(),
            created_at: self.created_at,
        }
    }

    /// A worker takes the job up. One that was started often enough has failed
    /// instead: its workers died, or somebody would have said so.
    pub(super) fn start(mut self, now: Micros, max_attempts: u32) -> Option<Self> {
        if self.state.is_final() {
            return None;
        }
        if self.attempts >= max_attempts {
            self.state = JobState::Failed;
            self.finished_at = Some(now);
            self.error = Some(format!(
                "given up after {} attempts: the last worker stopped before the job was done",
                self.attempts
            ));
        } else {
            self.state = JobState::Running;
            self.attempts += 1;
            self.started_at = Some(now);
        }
        Some(self)
    }

    /// The attempt failed and another one follows.
    pub(super) fn again(mut self, attempt: u32, error: &str) -> Option<Self> {
        if self.state.is_final() || self.attempts != attempt {
            return None;
        }
        self.state = JobState::Queued;
        self.error = Some(error.to_owned());
        Some(self)
    }

    /// The job is done. That counts whoever did it, and even if it was given up.
    pub(super) fn succeed(mut self, now: Micros, result: &serde_json::Value) -> Option<Self> {
        if self.state == JobState::Succeeded {
            return None;
        }
        self.state = JobState::Succeeded;
        self.finished_at = Some(now);
        self.result = Some(result.clone());
        self.error = None;
        Some(self)
    }

    /// The attempt failed and was the last one.
    pub(super) fn fail(mut self, attempt: u32, now: Micros, error: &str) -> Option<Self> {
        if self.state.is_final() || self.attempts != attempt {
            return None;
        }
        self.state = JobState::Failed;
        self.finished_at = Some(now);
        self.error = Some(error.to_owned());
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::NewJob;

    const MAX: u32 = 2;

    fn queued() -> JobRecord {
        JobRecord::queued(&Job::accept(NewJob::default()))
    }

    #[test]
    fn a_success_stays() {
        let done = queued()
            .start(1, MAX)
            .unwrap()
            .succeed(2, &1.into())
            .unwrap();
        assert_eq!(done.clone().start(3, MAX), None);
        assert_eq!(done.clone().again(1, "late"), None);
        assert_eq!(done.clone().fail(1, 3, "late"), None);
        assert_eq!(done.succeed(3, &2.into()), None);
    }

    #[test]
    fn an_older_attempt_has_no_say_unless_it_succeeds() {
        let second = queued().start(1, MAX).unwrap().start(2, MAX).unwrap();
        assert_eq!(second.clone().again(1, "late"), None);
        assert_eq!(second.clone().fail(1, 3, "late"), None);
        let done = second.succeed(3, &1.into()).unwrap();
        assert_eq!((done.state, done.attempts), (JobState::Succeeded, 2));
    }

    #[test]
    fn starts_are_counted_and_come_to_an_end() {
        let second = queued().start(1, MAX).unwrap().start(2, MAX).unwrap();
        let end = second.start(3, MAX).unwrap();
        assert_eq!((end.state, end.attempts), (JobState::Failed, 2));
        assert_eq!((end.started_at, end.finished_at), (Some(2), Some(3)));
        // The worker that was thought dead was not.
        let done = end.succeed(4, &1.into()).unwrap();
        assert_eq!((done.state, done.error), (JobState::Succeeded, None));
    }

    #[test]
    fn is_written_in_snake_case() {
        let text = serde_json::to_value(queued()).unwrap();
        assert_eq!(text["state"], "queued");
        for state in JobState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
