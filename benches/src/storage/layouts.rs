//! Where recordings are pushed, and what can be read off there.

use std::sync::Arc;

use koodtx_core::id::UserId;
use koodtx_core::push::PushBatch;
use koodtx_core::store::{MaintenanceStore, PushCommand, Quota, StoreError, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_store_postgres::{InvalidUrl, PostgresOptions, PostgresStore};
use koodtx_store_sled::{SledOptions, SledStore};
use sqlx::PgPool;
use tempfile::TempDir;

use super::rows;

/// A way of keeping samples.
#[derive(Debug)]
pub enum Layout {
    /// The embedded store, in a folder of its own.
    Sled(Arc<SledStore>, TempDir),
    /// The PostgreSQL store, in a database that nothing else writes to.
    Postgres(PostgresStore, PgPool),
    /// One row a sample in a table of the same database.
    Rows(PgPool),
}

/// What was written since the database was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Bytes on disk now.
    pub disk_bytes: u64,
    /// Bytes of write-ahead log; none where the store does not tell.
    pub wal_bytes: Option<u64>,
}

/// Why nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// There is no such database.
    #[error("{0}")]
    Url(#[from] InvalidUrl),
    /// The database failed.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A file failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Layout {
    /// The embedded store in a new folder.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sled() -> Result<Self, LayoutError> {
        let folder = TempDir::new()?;
        let store = SledStore::open(folder.path(), SledOptions::default())?;
        Ok(Self::Sled(Arc::new(store), folder))
    }

    /// The PostgreSQL store in an empty, migrated database.
    ///
    /// # Errors
    /// What the database says.
    pub async fn postgres(url: &str) -> Result<Self, LayoutError> {
        let store = PostgresStore::open(&PostgresOptions::from_url(url)?).await?;
        Ok(Self::Postgres(store, PgPool::connect(url).await?))
    }

    /// One row a sample.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rows(url: &str) -> Result<Self, LayoutError> {
        let pool = PgPool::connect(url).await?;
        rows::create(&pool).await?;
        Ok(Self::Rows(pool))
    }

    /// A name for reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sled(..) => "sled",
            Self::Postgres(..) => "postgres",
            Self::Rows(_) => "one row a sample",
        }
    }

    /// Stores a push of a user, durably.
    pub(super) async fn push(
        &self,
        user: UserId,
        batch: Arc<PushBatch>,
    ) -> Result<(), LayoutError> {
        match self {
            Self::Sled(store, _) => push(&**store, user, batch).await,
            Self::Postgres(store, _) => push(store, user, batch).await,
            Self::Rows(pool) => Ok(rows::push(pool, &batch).await?),
        }
    }

    /// Reads what was written until now.
    pub(super) async fn written(&self) -> Result<Written, LayoutError> {
        Ok(match self {
            Self::Sled(store, _) => Written {
                disk_bytes: store.usage().await?.disk_bytes,
                wal_bytes: None,
            },
            Self::Postgres(store, pool) => Written {
                disk_bytes: store.usage().await?.disk_bytes,
                wal_bytes: Some(wal_bytes(pool).await?),
            },
            Self::Rows(pool) => Written {
                disk_bytes: rows::disk_bytes(pool).await?,
                wal_bytes: Some(wal_bytes(pool).await?),
            },
        })
    }
}

async fn push(
    store: &dyn SyncStore,
    user: UserId,
    batch: Arc<PushBatch>,
) -> Result<(), LayoutError> {
    let now = Timestamp::now();
    let command = PushCommand {
        user,
        batch,
        device_id: None,
        body_bytes: 0,
        started_at: now,
        request_id: None,
        quota: Quota::default(),
    };
    store.push(command, now).await?;
    Ok(())
}

async fn wal_bytes(pool: &PgPool) -> Result<u64, LayoutError> {
    let bytes: i64 =
        sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
            .fetch_one(pool)
            .await?;
    Ok(bytes.unsigned_abs())
}
