//! What is asked of the queue, and who does it.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::clock::{self, Micros};

/// Names one job; later ids sort after earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// An id that no other job has.
    pub(super) fn generate() -> Self {
        Self(Ulid::generate().to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for JobId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for JobId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A job to be submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJob {
    /// What to do.
    pub name: String,
    /// What to do it with.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// The account it is done for; none for the server's own work.
    #[serde(default)]
    pub owner: Option<i64>,
    /// While a job with this key waits or runs, a second one is not accepted:
    /// submitting it answers the id of the first.
    #[serde(default)]
    pub unique: Option<String>,
}

/// A job that was accepted, as a handler sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
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
    /// See [`NewJob::unique`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// When it was submitted.
    pub created_at: Micros,
}

impl Job {
    /// Accepts a job, under a new id.
    pub(super) fn accept(new: NewJob) -> Self {
        Self {
            job_id: JobId::generate(),
            name: new.name,
            args: new.args,
            owner: new.owner,
            unique: new.unique,
            created_at: clock::now(),
        }
    }
}

/// Why an attempt at a job failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JobError {
    /// For the one who asked for the job.
    pub message: String,
    /// Whether another attempt may succeed.
    pub retry: bool,
    /// Whether nothing is wrong: what the job was about has gone meanwhile.
    pub gone: bool,
}

impl JobError {
    /// An error that may pass: the job is tried again.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retry: true,
            gone: false,
        }
    }

    /// An error that stays: the job has failed.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retry: false,
            gone: false,
        }
    }

    /// What the job was about has gone meanwhile: the job has failed, and there is nothing to look into.
    pub fn gone(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retry: false,
            gone: true,
        }
    }
}

/// Does the work.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    /// Does one job and answers its result.
    ///
    /// A job may run more than once, even at the same time on two workers: after
    /// a worker was killed, or was cut off from the queue for long. Doing it
    /// again must be harmless.
    ///
    /// The future is dropped when the time limit is up, so work that blocks
    /// belongs on a thread for it and should watch the time itself.
    ///
    /// # Errors
    ///
    /// A [`JobError`], which says whether to try again.
    async fn run(&self, job: &Job) -> Result<serde_json::Value, JobError>;
}
