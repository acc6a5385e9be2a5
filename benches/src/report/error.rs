//! Why a report could not be made.

use std::path::PathBuf;

use koodtx_core::store::StoreError;

use crate::load::LoadError;

/// Why a report could not be made. Every message says what to do, where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no server to measure.
    #[error(
        "{0} is not there: build the server (cargo build --release -p koodtx-server), or name its \
         binary with --server"
    )]
    NoServer(PathBuf),
    /// A program that was started did not begin to serve.
    #[error("{program} did not start: {reason}")]
    NotStarted {
        /// Which one.
        program: &'static str,
        /// What it said.
        reason: String,
    },
    /// No PostgreSQL cluster; why stands on standard error.
    #[error("no PostgreSQL cluster could be started (see above); --store sled does without")]
    NoCluster,
    /// The load generator.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// A store that is written to directly.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The database.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A file or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was done.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A server answered something else than it has to.
    #[error("{0}")]
    Unexpected(String),
}

impl ReportError {
    /// An error of a file or a process, with what was done.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
