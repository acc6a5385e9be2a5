//! How much there is to do, in numbers.

use serde::{Deserialize, Serialize};

use super::record::JobState;

/// How many jobs the queue knows of, by state, as long as their records are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStats {
    /// Jobs that wait for a worker or for their next attempt.
    pub queued: usize,
    /// Jobs that a worker is at.
    pub running: usize,
    /// Jobs that are done.
    pub succeeded: usize,
    /// Jobs that were given up.
    pub failed: usize,
    /// Entries of the queue that no worker has taken yet.
    pub depth: usize,
}

impl QueueStats {
    /// The number to count jobs of this state with.
    pub(super) fn of(&mut self, state: JobState) -> &mut usize {
        match state {
            JobState::Queued => &mut self.queued,
            JobState::Running => &mut self.running,
            JobState::Succeeded => &mut self.succeeded,
            JobState::Failed => &mut self.failed,
        }
    }
}
