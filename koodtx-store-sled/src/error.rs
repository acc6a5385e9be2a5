//! What can go wrong inside the store, and what callers get to hear of it.

use std::{fmt, io};

use koodtx_core::store::{StoreError, StoreErrorKind};

/// An error that does not know yet in which operation it happened.
#[derive(Debug)]
pub(crate) enum Failure {
    /// sled refused.
    Sled(sled::Error),
    /// The file system refused.
    Io(io::Error),
    /// The disk has no room left, so nothing was tried; says whose disk.
    Full(String),
    /// Stored bytes do not make sense; says where and why.
    Corrupt(String),
    /// A write or a sync failed, now or earlier, so what is on disk is unknown.
    Broken(Broken),
    /// Decided already, by the pure functions of the protocol.
    Decided(StoreError),
}

/// Why the store stopped writing. Kept for the requests that come afterwards.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) kind: StoreErrorKind,
    pub(crate) reason: String,
    /// Whether the call that gets this may have been applied.
    pub(crate) unsure: bool,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::Corrupt(message.into())
    }

    /// The error as the caller of `operation` gets it.
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        let kind = self.kind();
        match self {
            Self::Sled(error) => {
                StoreError::new(kind, operation, error.to_string()).with_source(error)
            }
            Self::Io(error) => {
                StoreError::new(kind, operation, error.to_string()).with_source(error)
            }
            Self::Full(message) => StoreError::new(kind, operation, message),
            Self::Corrupt(message) => StoreError::corrupt(operation, message),
            Self::Broken(broken) => {
                let error = StoreError::new(kind, operation, broken.to_string());
                if broken.unsure {
                    error.may_have_applied()
                } else {
                    error
                }
            }
            Self::Decided(error) => error,
        }
    }

    /// Says of stored bytes that do not make sense where they lie.
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        match self {
            Self::Corrupt(message) => Self::Corrupt(format!("{place}: {message}")),
            other => other,
        }
    }

    pub(crate) fn kind(&self) -> StoreErrorKind {
        fn of_io(error: &io::Error) -> StoreErrorKind {
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
                _ => StoreErrorKind::Unavailable,
            }
        }
        match self {
            Self::Sled(sled::Error::Io(error)) | Self::Io(error) => of_io(error),
            Self::Sled(sled::Error::Corruption { .. }) | Self::Corrupt(_) => {
                StoreErrorKind::Corrupt
            }
            Self::Full(_) => StoreErrorKind::Full,
            Self::Sled(_) => StoreErrorKind::Internal,
            Self::Broken(broken) => broken.kind,
            Self::Decided(error) => error.kind(),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "writing to the data folder failed ({}); the store answers nothing more until it is \
             opened again: check the disk and restart",
            self.reason
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sled(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Full(message) | Self::Corrupt(message) => f.write_str(message),
            Self::Broken(broken) => broken.fmt(f),
            Self::Decided(error) => error.fmt(f),
        }
    }
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Self {
        Self::Sled(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Decided(error)
    }
}
