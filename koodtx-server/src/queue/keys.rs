//! The names of what the queue keeps in Redis beside apalis.

use super::claim::Claim;
use super::job::JobId;
use super::record::JobState;

/// The names of what the queue keeps in Redis beside apalis.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// Names that begin with this.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// What apalis calls the queue; its own keys begin with it.
    pub fn queue(&self) -> String {
        format!("{}:queue", self.prefix)
    }

    /// The record of a job.
    pub fn record(&self, id: &JobId) -> String {
        format!("{}:job:{id}", self.prefix)
    }

    /// The newest jobs, by time of creation.
    pub fn recent(&self) -> String {
        format!("{}:recent", self.prefix)
    }

    /// The jobs of one state, by when their records expire.
    pub fn state(&self, state: JobState) -> String {
        format!("{}:state:{}", self.prefix, state.as_str())
    }

    /// Who holds a claim.
    pub fn claim(&self, claim: &Claim) -> String {
        format!("{}:claim:{}", self.prefix, claim.key)
    }
}
