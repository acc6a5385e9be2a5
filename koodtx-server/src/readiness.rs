//! Whether requests should be sent to this server.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use koodtx_core::store::{Store, StoreError};
use koodtx_store_postgres::{PostgresStore, SchemaState};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// Longest wait for the store to answer all questions.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer of the store is good. Anybody may ask, and no number of them is to be a load on
/// the store.
const ANSWER_LIFETIME: Duration = Duration::from_secs(1);

/// Why requests should go elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unready {
    /// The server was told to stop.
    Draining,
    /// The store does not answer.
    Store,
    /// The schema of the database is not that of this release.
    Schema,
    /// The store holds only a part of what is being imported.
    Import,
}

impl Unready {
    /// The stable code of it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Store => "store_unavailable",
            Self::Schema => "schema_not_current",
            Self::Import => "import_unfinished",
        }
    }

    /// What it means, for anybody.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Draining => "the server is about to stop",
            Self::Store => "the store does not answer",
            Self::Schema => "the schema of the database is not the one that this release needs",
            Self::Import => "the store holds only a part of what is being imported into it",
        }
    }
}

/// Knows whether requests should be sent to this server.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    is_draining: AtomicBool,
    /// The store, where its schema can be behind.
    postgres: Option<PostgresStore>,
    seen: Mutex<Option<Seen>>,
}

/// What the store answered, and when.
#[derive(Debug)]
struct Seen {
    at: Instant,
    trouble: Option<Unready>,
}

impl Readiness {
    /// Of a server on that database, if it is on one.
    pub(crate) fn of(postgres: Option<PostgresStore>) -> Self {
        Self {
            postgres,
            ..Self::default()
        }
    }

    /// From now on requests should go elsewhere.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Why requests should go elsewhere, if they should.
    pub(crate) async fn trouble(&self, store: &dyn Store) -> Option<Unready> {
        if self.is_draining.load(Ordering::Relaxed) {
            return Some(Unready::Draining);
        }
        // Whoever asks meanwhile waits for the same answer.
        let mut seen = self.seen.lock().await;
        if let Some(seen) = &*seen
            && seen.at.elapsed() < ANSWER_LIFETIME
        {
            return seen.trouble;
        }
        let asked = timeout(STORE_TIMEOUT, self.ask(store)).await;
        let trouble = match asked {
            Ok(Ok(trouble)) => trouble,
            Ok(Err(error)) => Some(report(Unready::Store, error)),
            Err(_) => Some(report(Unready::Store, "no answer in time")),
        };
        let at = Instant::now();
        *seen = Some(Seen { at, trouble });
        trouble
    }

    async fn ask(&self, store: &dyn Store) -> Result<Option<Unready>, StoreError> {
        store.ping().await?;
        if let Some(postgres) = &self.postgres {
            let schema = postgres.schema_status().await?;
            if schema.state != SchemaState::Current {
                return Ok(Some(report(Unready::Schema, schema)));
            }
        }
        let origin = store.unfinished_import().await?;
        Ok(origin.map(|origin| report(Unready::Import, origin)))
    }
}

/// Logs what clients do not get to see.
fn report(trouble: Unready, cause: impl fmt::Display) -> Unready {
    tracing::error!(%cause, "not ready: {}", trouble.message());
    trouble
}
