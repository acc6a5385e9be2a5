//! Where the data of a server live.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;

use super::ReportError;
use super::part::Store;
use crate::load::Process;

/// An empty store in a temporary folder or a database of its own. Both go with it.
#[derive(Debug)]
pub(super) struct Home {
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Home {
    /// A store that nobody has written to. `cluster` is where databases are made.
    pub(super) async fn new(
        store: Store,
        cluster: Option<&TestCluster>,
    ) -> Result<Self, ReportError> {
        let folder = TempDir::new().map_err(ReportError::io("a temporary folder"))?;
        let database = match store {
            Store::Sled => None,
            Store::Postgres => {
                let cluster = cluster.ok_or(ReportError::NoCluster)?;
                Some(cluster.database().await)
            }
        };
        Ok(Self { folder, database })
    }

    /// What the server is told.
    pub(super) fn url(&self) -> String {
        match &self.database {
            None => format!("sled:{}", self.data().display()),
            Some(database) => database.url(),
        }
    }

    /// The folder of the embedded store.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The server's log; servers that follow each other share it.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The log, to be written to.
    pub(super) fn log_file(&self) -> Result<File, ReportError> {
        let file = File::options().create(true).append(true).open(self.log());
        file.map_err(ReportError::io("the server's log"))
    }

    /// The folder of everything.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process of the database, whose children are all others of it.
    pub(super) fn postmaster(&self) -> Result<Option<Process>, ReportError> {
        let pid = self
            .database
            .as_ref()
            .map(|database| database.cluster().server_pid());
        Ok(pid.map(Process::of).transpose()?)
    }

    /// Runs statements in the database, if there is one.
    pub(super) async fn operate(&self, statements: &[String]) -> Result<(), ReportError> {
        if let Some(database) = &self.database {
            let pool = PgPool::connect(&database.url()).await?;
            for statement in statements {
                sqlx::raw_sql(AssertSqlSafe(statement.clone()))
                    .execute(&pool)
                    .await?;
            }
            pool.close().await;
        }
        Ok(())
    }

    /// Brings the database to where it is a minute after it was new: with statistics, and with log segments to
    /// use again, which it makes one by one at first, 16 MB of zeros each.
    pub(super) async fn settle(&self) -> Result<(), ReportError> {
        self.operate(&["ANALYZE".to_owned(), "CHECKPOINT".to_owned()])
            .await
    }

    /// Has the database write what it holds back, so that it is counted where it belongs.
    pub(super) async fn checkpoint(&self) -> Result<(), ReportError> {
        self.operate(&["CHECKPOINT".to_owned()]).await
    }

    /// What the data take on disk. Of the embedded store the length of its files, without the room that it
    /// reserves behind them; of PostgreSQL the database without the write-ahead log, which is recycled.
    pub(super) async fn disk_bytes(&self) -> Result<u64, ReportError> {
        let Some(database) = &self.database else {
            let data = self.data();
            return files_bytes(&data).map_err(ReportError::io(data.display().to_string()));
        };
        self.checkpoint().await?;
        let pool = PgPool::connect(&database.url()).await?;
        let bytes: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
            .fetch_one(&pool)
            .await?;
        pool.close().await;
        Ok(bytes.unsigned_abs())
    }
}

/// The length of the files of a folder and of those inside it.
fn files_bytes(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() {
            files_bytes(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(sum)
}
