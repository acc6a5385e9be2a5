//! From what the database says to what the storage seam says.

use std::fmt;

use koodtx_core::id::UserId;
use koodtx_core::store::{StoreError, StoreErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// Why something did not work, before it is known in which operation.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database, or the way to it.
    Database(sqlx::Error),
    /// What is stored makes no sense.
    Corrupt(String),
    /// The user was deleted.
    UserDeleted(UserId),
    /// Already put into words.
    Decided(StoreError),
    /// It can only be done under the lock of the user.
    NeedsLock,
}

const NEEDS_LOCK: &str = "the user has changed meanwhile";

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Where a failure leaves the transaction that it happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It cannot have been committed.
    BeforeCommit,
    /// The commit was under way: nobody knows.
    Committing,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Decided(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => error.fmt(f),
            Self::Corrupt(message) => f.write_str(message),
            Self::UserDeleted(user) => write!(f, "user {user} was deleted"),
            Self::Decided(error) => f.write_str(error.message()),
            Self::NeedsLock => f.write_str(NEEDS_LOCK),
        }
    }
}

impl Failure {
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::Corrupt(message.into())
    }

    /// Whether another transaction was in the way, so that the same work may pass at once.
    pub(crate) fn is_conflict(&self) -> bool {
        const SERIALIZATION_FAILURE: &str = "40001";
        const DEADLOCK_DETECTED: &str = "40P01";
        matches!(
            self.sqlstate(),
            Some(SERIALIZATION_FAILURE | DEADLOCK_DETECTED)
        )
    }

    /// Whether what failed without the lock of the user may do under it, or has to be found out there:
    /// everything but what the database itself is in the way of.
    pub(crate) fn may_do_under_lock(&self) -> bool {
        const UNIQUE_VIOLATION: &str = "23505";
        let is_taken = self.sqlstate() == Some(UNIQUE_VIOLATION);
        !matches!(self, Self::Database(_)) || self.is_conflict() || is_taken
    }

    /// Whether what broke is the connection: another one may do.
    pub(crate) fn is_broken_connection(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Io(_)) => true,
            Self::Database(_) => self
                .report()
                .is_some_and(|report| !leaves_connection(report)),
            _ => false,
        }
    }

    /// Whether what was read makes no sense, so that the database and the way to it are all right.
    pub(crate) fn is_unreadable_value(&self) -> bool {
        matches!(
            self,
            Self::Corrupt(_)
                | Self::Database(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
        )
    }

    /// What the database said, where it was the database that spoke.
    fn report(&self) -> Option<&PgDatabaseError> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.try_downcast_ref(),
            _ => None,
        }
    }

    fn sqlstate(&self) -> Option<&str> {
        self.report().map(PgDatabaseError::code)
    }

    fn kind(&self) -> StoreErrorKind {
        use StoreErrorKind as Kind;
        match self {
            Self::Decided(error) => error.kind(),
            Self::Corrupt(_) => Kind::Corrupt,
            Self::UserDeleted(_) => Kind::UserDeleted,
            Self::NeedsLock => Kind::Contention,
            Self::Database(sqlx::Error::Database(_)) => {
                self.sqlstate().map_or(Kind::Internal, kind_of)
            }
            Self::Database(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
            ) => Kind::Unavailable,
            // What is in the way of reading a value is the value.
            Self::Database(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                Kind::Corrupt
            }
            Self::Database(_) => Kind::Internal,
        }
    }

    /// The error of `operation`.
    pub(crate) fn during(self, operation: &'static str, stage: Stage) -> StoreError {
        let kind = self.kind();
        let unsure = stage == Stage::Committing && !self.report().is_some_and(leaves_connection);
        let error = match self {
            Self::Decided(error) => return error,
            Self::UserDeleted(user) => return StoreError::user_deleted(operation, user),
            Self::Corrupt(message) => StoreError::corrupt(operation, message),
            Self::NeedsLock => StoreError::new(kind, operation, NEEDS_LOCK),
            Self::Database(source) => {
                let message = match kind {
                    StoreErrorKind::Full => format!("the disk of the database is full: {source}"),
                    _ => source.to_string(),
                };
                StoreError::new(kind, operation, message).with_source(source)
            }
        };
        if unsure {
            error.may_have_applied()
        } else {
            error
        }
    }
}

/// Whether the database goes on with the connection. It has rolled back then; where it ends the
/// connection instead, as when it is shut down, it may have committed before.
fn leaves_connection(report: &PgDatabaseError) -> bool {
    report.severity() == PgSeverity::Error
}

/// What an SQLSTATE means for the caller of a store.
fn kind_of(state: &str) -> StoreErrorKind {
    use StoreErrorKind as Kind;
    match state {
        // Deadlock, serialisation failure, lock time-out, statement time-out.
        "40001" | "40P01" | "55P03" | "57014" => Kind::Contention,
        // Disk full, out of memory for it.
        "53100" => Kind::Full,
        // The server stops, starts, crashed, or has become a standby.
        "57P01" | "57P02" | "57P03" | "57P05" | "25006" => Kind::Unavailable,
        // Damaged data or index.
        "XX001" | "XX002" => Kind::Corrupt,
        _ if state.starts_with("08") || state.starts_with("53") || state.starts_with("58") => {
            Kind::Unavailable
        }
        _ => Kind::Internal,
    }
}
