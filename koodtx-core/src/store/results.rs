//! What background work leaves behind: analyses of sessions, and what each task did last.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::id::{SessionId, UserId};
use crate::session::SessionState;
use crate::time::Timestamp;

/// Most bytes of an analysis, as JSON. One of a session with 1,000 sensors of three fields has half
/// of that.
pub const ANALYSIS_MAX_BYTES: usize = 4 * 1024 * 1024;

/// The latest analysis of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The session.
    pub session: SessionId,
    /// The `updated_at` of the session before its records were read: the analysis is stale where the
    /// session has changed since.
    pub clock: Timestamp,
    /// What was found: a JSON object of at most [`ANALYSIS_MAX_BYTES`].
    pub result: String,
}

impl Analysis {
    /// Whether it may be stored in place of the one at `stored`: the session is live, was not deleted
    /// since, and no later analysis is there. Once samples were purged, the one that is there stays: a
    /// worker that was at it meanwhile has seen only a part of them.
    pub fn is_welcome(&self, session: Option<&SessionState>, stored: Option<Timestamp>) -> bool {
        let of_this_life = |state: &SessionState| {
            state.live
                && state
                    .deleted_at
                    .is_none_or(|deletion| deletion < self.clock)
        };
        let is_purged = |state: &SessionState| state.data_purged_at.is_some();
        session.is_some_and(of_this_life)
            && stored.is_none_or(|stored| stored <= self.clock && !session.is_some_and(is_purged))
    }
}

/// An analysis passes [`ANALYSIS_MAX_BYTES`].
pub fn analysis_too_large(bytes: usize) -> StoreError {
    let message =
        format!("an analysis may have at most {ANALYSIS_MAX_BYTES} bytes, and this has {bytes}");
    StoreError::limit_exceeded("put_analysis", message)
}

/// One run of a task, for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRun {
    /// Which task, like `purge-samples`.
    pub task: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Whether it did what it was to do.
    pub succeeded: bool,
    /// What it did, or what went wrong, as JSON.
    pub outcome: String,
}

/// Storage of what background work leaves behind.
#[async_trait]
pub trait ResultStore: Send + Sync + Debug + 'static {
    /// Stores an analysis, if it [is welcome](Analysis::is_welcome); says whether it was. It goes with
    /// the deletion of the session, and stays when its samples are purged.
    ///
    /// # Errors
    /// `LimitExceeded` for a result of more than [`ANALYSIS_MAX_BYTES`].
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Result<bool, StoreError>;

    /// Reads the latest analysis of a live session.
    async fn analysis(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Analysis>, StoreError>;

    /// Remembers a run as the last of its task, unless one that began later is remembered.
    async fn put_task_run(&self, run: TaskRun) -> Result<(), StoreError>;

    /// The last run of each task, by name.
    async fn task_runs(&self) -> Result<Vec<TaskRun>, StoreError>;
}
