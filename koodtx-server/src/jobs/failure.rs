//! Why a task failed.

use koodtx_core::store::{StoreError, StoreErrorKind};

use crate::config::Setting;
use crate::export::ExportError;
use crate::queue::{JobError, QueueError};

/// Why a task failed. Its text is for operators; [`TaskError::public`] is for who asked for the job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// An argument is missing or wrong.
    #[error("{0}")]
    Argument(String),
    /// What it was about has gone: deleted between the time it was asked for and now, or it never was.
    #[error("{0}")]
    Gone(&'static str),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The queue did not take work.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// An export broke off.
    #[error("the export broke off: {0}")]
    Export(#[from] ExportError),
    /// It took longer than a job may take. It would again, so it is not tried again.
    #[error(
        "it took longer than {} allows", Setting::JobTimeLimitSeconds.name()
    )]
    TooLong,
    /// A file or folder cannot be used.
    #[error("{what}: {source}")]
    File {
        /// What was to be done, with the path.
        what: String,
        /// Why it was not.
        source: std::io::Error,
    },
}

impl TaskError {
    /// A failure of the file system.
    pub(super) fn file(what: String) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { what, source }
    }

    /// What may be told to anybody: no path, no address, no internal text.
    pub fn public(&self) -> &str {
        match self {
            Self::Argument(message) => message,
            Self::Gone(message) => message,
            Self::Store(error) if error.kind() == StoreErrorKind::LimitExceeded => error.message(),
            Self::Store(_) => "the store failed",
            Self::Queue(_) => "the queue took no further work",
            Self::Export(ExportError::Damaged(_)) => "stored samples of the session are damaged",
            Self::Export(_) => "the export broke off",
            Self::TooLong => "it took too long",
            Self::File { .. } => "a file could not be used",
        }
    }

    /// Whether the same may succeed later.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) | Self::Export(ExportError::Store(error)) => error.is_retryable(),
            Self::Queue(_) => true,
            Self::Argument(_)
            | Self::Gone(_)
            | Self::Export(_)
            | Self::TooLong
            | Self::File { .. } => false,
        }
    }
}

impl From<TaskError> for JobError {
    fn from(error: TaskError) -> Self {
        if let TaskError::Gone(message) = error {
            return Self::gone(message);
        }
        tracing::error!(%error, "a task failed");
        let message = error.public().to_owned();
        if error.is_retryable() {
            Self::transient(message)
        } else {
            Self::permanent(message)
        }
    }
}
