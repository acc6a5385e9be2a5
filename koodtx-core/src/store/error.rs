//! The one error type of the storage seam.

use std::error::Error;
use std::fmt;

use crate::id::UserId;

/// What went wrong, seen from the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store does not answer; it may later.
    Unavailable,
    /// Somebody else held what was needed, and the store gave up.
    Contention,
    /// What was named does not exist.
    NotFound,
    /// What was to be created exists.
    AlreadyExists,
    /// The write would pass a limit of the protocol; nothing was written.
    LimitExceeded,
    /// The push would pass the [quota](super::Quota) of its user; nothing was written.
    QuotaExceeded,
    /// The user was deleted: nothing is written for them any more.
    UserDeleted,
    /// There is no room left.
    Full,
    /// Stored bytes do not make sense.
    Corrupt,
    /// A defect in the store or below it.
    Internal,
}

/// An error of a store: its kind, whether to retry, whether the write may have been applied, the
/// operation, and the source.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    message: String,
    may_have_applied: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error of `kind` in `operation` (a method of the traits, like `"push"`).
    ///
    /// `message` is for operators, except for `LimitExceeded` and `QuotaExceeded`, whose messages reach
    /// the client.
    pub fn new(kind: StoreErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            message: message.into(),
            may_have_applied: false,
            source: None,
        }
    }

    /// The write would pass a limit; `message` says which, for the client.
    pub fn limit_exceeded(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::LimitExceeded, operation, message)
    }

    /// The user was deleted.
    pub fn user_deleted(operation: &'static str, user: UserId) -> Self {
        let message = format!("user {user} was deleted");
        Self::new(StoreErrorKind::UserDeleted, operation, message)
    }

    /// Stored bytes do not make sense; `message` names the place.
    pub fn corrupt(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Corrupt, operation, message)
    }

    /// Adds the error below.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Marks that the write may have been applied although it failed, as when the connection broke
    /// during the commit. Pushes may be repeated regardless: they are idempotent.
    #[must_use]
    pub fn may_have_applied(mut self) -> Self {
        self.may_have_applied = true;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The operation that failed.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The message without kind and operation.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same call may succeed later, once what was missing is back. Servers answer it with a
    /// status that asks for a retry.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Contention | StoreErrorKind::Full
        )
    }

    /// Whether the write may have been applied although it failed.
    pub fn is_maybe_applied(&self) -> bool {
        self.may_have_applied
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}: {}", self.operation, self.kind, self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
