//! The store: opening it, and the ways in which its methods reach the database.

use std::pin::Pin;
use std::time::Duration;

use koodtx_core::store::StoreError;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::block::BlockType;
use crate::error::{Failure, Result, Stage};
use crate::options::PostgresOptions;
use crate::schema::SchemaStatus;
use crate::{schema, statements};

/// How often work is tried that another transaction is in the way of.
const ATTEMPTS_MAX_COUNT: u32 = 8;
/// Pause before the second attempt; doubles with each further one.
const FIRST_PAUSE_MILLIS: u64 = 2;
/// Isolation of a transaction that writes, whatever the default of the database: a statement behind
/// the one that took a lock has to see what the lock waited for.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// What a method of the store does with its connection.
pub(crate) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// The store on PostgreSQL. Cheap to clone: clones share their connections.
///
/// Its methods must be called from within a tokio runtime. A future that is dropped leaves its
/// operation whole or not applied.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pub(crate) pool: PgPool,
    pub(crate) block_type: BlockType,
    is_durable: bool,
}

/// The connections of a store, as they are at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Those that something is done on.
    pub in_use: u32,
    /// Those that wait for work.
    pub idle: u32,
    /// How many there may be in all.
    pub max: u32,
}

/// Isolation of whoever reads with several statements and must see one moment.
pub(crate) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl PostgresStore {
    /// Connects to a database whose schema is current.
    ///
    /// # Errors
    /// `Unavailable` where the database does not answer; `Internal` where its schema is older or newer
    /// than this release's, with the command that helps, or where PostgreSQL itself is too old.
    pub async fn open(options: &PostgresOptions) -> std::result::Result<Self, StoreError> {
        let pool = options.pool();
        let looked = async {
            let mut connection = pool.acquire().await?;
            look_around(&mut connection).await
        };
        let (block_type, is_durable) = looked
            .await
            .map_err(|failure: Failure| failure.during("open", Stage::BeforeCommit))?;
        if !is_durable {
            tracing::warn!(
                "the database is set to answer before data is on disk (fsync or synchronous_commit \
                 is off): a power cut may take back what was acknowledged"
            );
        }
        Ok(Self {
            pool,
            block_type,
            is_durable,
        })
    }

    /// Counts the connections of this store and its clones.
    pub fn connections(&self) -> ConnectionCounts {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        ConnectionCounts {
            in_use: self.pool.size().saturating_sub(idle),
            idle,
            max: self.idle_max(),
        }
    }

    /// Reads how the schema of the database stands by now: another release may have migrated it.
    ///
    /// # Errors
    /// `Unavailable` where the database does not answer.
    pub async fn schema_status(&self) -> std::result::Result<SchemaStatus, StoreError> {
        self.read("schema_status", |connection| {
            Box::pin(schema::status_of(connection))
        })
        .await
    }

    /// Whether the database waits for the disk.
    pub(crate) fn is_durable(&self) -> bool {
        self.is_durable
    }

    /// Runs `work` in a transaction and commits it; again, where another transaction was in the way.
    pub(crate) async fn transaction<T: Send>(
        &self,
        operation: &'static str,
        work: impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
    ) -> std::result::Result<T, StoreError> {
        self.patiently(operation, || self.attempt(&work, BEGIN))
            .await
    }

    /// Runs `work`, which only reads, in a transaction whose statements all see one moment.
    pub(crate) async fn snapshot<T: Send>(
        &self,
        operation: &'static str,
        work: impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
    ) -> std::result::Result<T, StoreError> {
        self.patiently(operation, || self.attempt(&work, BEGIN_SNAPSHOT))
            .await
    }

    async fn attempt<T: Send>(
        &self,
        work: &(impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync),
        statement: &'static str,
    ) -> std::result::Result<T, (Failure, Stage)> {
        let mut broken = 0;
        loop {
            let begun = begin(&self.pool, statement).await;
            let mut transaction = match begun.map_err(Failure::from) {
                Ok(transaction) => transaction,
                Err(failure) if failure.is_broken_connection() && broken < self.idle_max() => {
                    broken += 1;
                    continue;
                }
                Err(failure) => return Err((failure, Stage::BeforeCommit)),
            };
            let done = work(&mut transaction)
                .await
                .map_err(|failure| (failure, Stage::BeforeCommit))?;
            transaction
                .commit()
                .await
                .map_err(|error| (Failure::from(error), Stage::Committing))?;
            return Ok(done);
        }
    }

    /// Runs `work`, one statement that writes and is a transaction of its own; again, where another
    /// transaction was in the way. So `work` may be repeated after it failed.
    pub(crate) async fn direct<T: Send>(
        &self,
        operation: &'static str,
        work: impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
    ) -> std::result::Result<T, StoreError> {
        // The statement commits itself, so that every failure is one of a commit.
        self.patiently(operation, || self.plain(&work, Stage::Committing))
            .await
    }

    /// Runs `work`, which only reads; each of its statements sees a snapshot of its own. Again,
    /// where the connection turned out to be broken.
    pub(crate) async fn read<T: Send>(
        &self,
        operation: &'static str,
        work: impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
    ) -> std::result::Result<T, StoreError> {
        self.patiently(operation, || async {
            let mut broken = 0;
            loop {
                match self.plain(&work, Stage::BeforeCommit).await {
                    Err((failure, _))
                        if failure.is_broken_connection() && broken < self.idle_max() =>
                    {
                        broken += 1;
                    }
                    outcome => return outcome,
                }
            }
        })
        .await
    }

    /// Runs `read`, which only reads, and then on the same connection `write` with what came of it: one
    /// statement that writes and is a transaction of its own. Nothing is repeated, but for a `read` whose
    /// connection turned out to be broken.
    pub(crate) async fn read_then_write<R: Send, T: Send>(
        &self,
        read: impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, R> + Send + Sync,
        write: impl for<'c> FnOnce(&'c mut PgConnection, R) -> Work<'c, T> + Send,
    ) -> std::result::Result<T, (Failure, Stage)> {
        let before = |failure| (failure, Stage::BeforeCommit);
        let mut broken = 0;
        let (mut connection, found) = loop {
            let acquired = self.pool.acquire().await;
            let mut connection = acquired.map_err(|error| before(error.into()))?;
            match read(&mut connection).await {
                Ok(found) => break (connection, found),
                Err(failure) if failure.is_broken_connection() && broken < self.idle_max() => {
                    broken += 1;
                }
                Err(failure) => return Err(before(failure)),
            }
        };
        // The statement commits itself, so that every failure is one of a commit.
        let written = write(&mut connection, found).await;
        written.map_err(|failure| (failure, Stage::Committing))
    }

    async fn plain<T: Send>(
        &self,
        work: &(impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync),
        stage: Stage,
    ) -> std::result::Result<T, (Failure, Stage)> {
        let acquired = self.pool.acquire().await;
        let mut connection =
            acquired.map_err(|error| (Failure::from(error), Stage::BeforeCommit))?;
        work(&mut connection)
            .await
            .map_err(|failure| (failure, stage))
    }

    /// Tries until no other transaction is in the way.
    async fn patiently<T, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> std::result::Result<T, StoreError>
    where
        F: Future<Output = std::result::Result<T, (Failure, Stage)>> + Send,
    {
        let mut attempts = 1;
        loop {
            let (failure, stage) = match attempt().await {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            if !failure.is_conflict() || attempts == ATTEMPTS_MAX_COUNT {
                return Err(failure.during(operation, stage));
            }
            tokio::time::sleep(Duration::from_millis(FIRST_PAUSE_MILLIS << attempts)).await;
            attempts += 1;
        }
    }

    /// How many connections may have broken while they were idle, as when the database restarted:
    /// each is found out by its first use, and gone after it.
    fn idle_max(&self) -> u32 {
        self.pool.options().get_max_connections()
    }
}

/// Begins a transaction with this statement.
///
/// A task of its own does that, so that it is done also where nobody waits any more. sqlx (0.9) rolls back what
/// is dropped later, but not a transaction whose `BEGIN` was sent and not yet answered: the connection would
/// go back to the pool within it, and nothing that others then do on it would ever be committed, though they
/// are told so.
pub(crate) async fn begin(
    pool: &PgPool,
    statement: &'static str,
) -> std::result::Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// Refuses a database that this release cannot work with, and asks how it is set up.
async fn look_around(connection: &mut PgConnection) -> Result<(BlockType, bool)> {
    schema::require_current(connection).await?;
    let (element, array) = sqlx::query_as(statements::BLOCK_TYPE)
        .fetch_one(&mut *connection)
        .await?;
    let is_durable = sqlx::query_scalar(statements::IS_DURABLE)
        .fetch_one(connection)
        .await?;
    Ok((BlockType { element, array }, is_durable))
}
