//! Keys that keep a job from being accepted twice.

use std::time::Duration;

/// A key that at most one job may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The key.
    pub key: String,
    /// How long the job holds it.
    pub term: Term,
}

/// How long a job holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// Until it succeeds or is given up.
    UntilDone,
    /// So long, whatever becomes of it.
    For(Duration),
}

impl Claim {
    /// The claim of a job that asks to be [unique](super::NewJob::unique).
    pub fn unique(key: &str) -> Self {
        Self {
            key: format!("unique:{key}"),
            term: Term::UntilDone,
        }
    }
}
