//! The version of the schema: what the database has, what this release needs, and the way there.

use std::fmt;
use std::time::Duration;

use koodtx_core::store::{StoreError, StoreErrorKind};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use crate::error::{Failure, Result, Stage};
use crate::options::PostgresOptions;
use crate::statements;

/// The migrations of this release.
static MIGRATIONS: Migrator = sqlx::migrate!();

/// The oldest PostgreSQL that works, as the server numbers itself.
const SERVER_VERSION_MIN: u32 = 13_00_00;

/// How the schema of a database stands to this release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaState {
    /// The database has no schema.
    Empty,
    /// Migrations are pending.
    Behind,
    /// It is what this release needs.
    Current,
    /// A newer release has migrated it.
    Ahead,
    /// A migration that was applied is not the one of this release.
    Different {
        /// Its version.
        version: i64,
    },
    /// A migration was begun and not finished.
    Unfinished {
        /// Its version.
        version: i64,
    },
}

/// A migration that has not been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMigration {
    /// The version that it leads to.
    pub version: i64,
    /// What it does, in some words.
    pub description: String,
}

/// The schema of a database. `Display` says how it stands, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStatus {
    /// How it stands.
    pub state: SchemaState,
    /// The version that the database has.
    pub applied: Option<i64>,
    /// The version that this release needs.
    pub latest: i64,
    /// What is to be applied, in order.
    pub pending: Vec<PendingMigration>,
}

impl fmt::Display for SchemaStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latest = self.latest;
        let applied = self.applied.unwrap_or(0);
        match self.state {
            SchemaState::Empty => f.write_str(
                "the database has no schema yet: run `koodtx-server migrate` to create it",
            ),
            SchemaState::Behind => write!(
                f,
                "the schema of the database has version {applied} and version {latest} is needed: \
                 run `koodtx-server migrate`"
            ),
            SchemaState::Current => {
                write!(f, "the schema of the database is current: version {latest}")
            }
            SchemaState::Ahead => write!(
                f,
                "the schema of the database has version {applied}, which is newer than version \
                 {latest} of this release: upgrade KooDTX"
            ),
            SchemaState::Different { version } => write!(
                f,
                "migration {version} of the database is not the one of this release: it is another \
                 program's database, or a development version's; use another database"
            ),
            SchemaState::Unfinished { version } => write!(
                f,
                "migration {version} of the database was not finished: restore the database from a \
                 backup, then run `koodtx-server migrate`"
            ),
        }
    }
}

/// Brings the schema of a database to the version of this release; does nothing where it is there.
/// Calls at the same time wait for each other.
///
/// # Errors
/// `Unavailable` where the database does not answer; `Internal` where its schema is newer or not this
/// program's, or a migration fails, which leaves the schema at the one before it.
pub async fn migrate(options: &PostgresOptions) -> std::result::Result<SchemaStatus, StoreError> {
    work_alone(options, "migrate", async |connection| {
        let status = status_of(connection).await?;
        match status.state {
            // The library would report these in its own words.
            SchemaState::Ahead | SchemaState::Different { .. } | SchemaState::Unfinished { .. } => {
                return Err(refusal("migrate", &status));
            }
            SchemaState::Empty | SchemaState::Behind | SchemaState::Current => {}
        }
        MIGRATIONS
            .run_direct(None, connection, false)
            .await
            .map_err(failure_of)?;
        status_of(connection).await
    })
    .await
}

/// Reads how the schema of a database stands. Changes nothing.
///
/// # Errors
/// `Unavailable` where the database does not answer.
pub async fn schema_status(
    options: &PostgresOptions,
) -> std::result::Result<SchemaStatus, StoreError> {
    work_alone(options, "schema_status", async |connection| {
        status_of(connection).await
    })
    .await
}

/// Runs `work` on a connection of its own, without limits of time except for the connecting.
async fn work_alone<T>(
    options: &PostgresOptions,
    operation: &'static str,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
) -> std::result::Result<T, StoreError> {
    let worked = async {
        let mut connection = connect(options).await?;
        let done = work(&mut connection).await?;
        connection.close().await?;
        Ok(done)
    };
    worked
        .await
        .map_err(|failure: Failure| failure.during(operation, Stage::BeforeCommit))
}

async fn connect(options: &PostgresOptions) -> Result<PgConnection> {
    let unbounded = options.unbounded();
    let limit: Duration = options.acquire_limit();
    let mut connection = tokio::time::timeout(limit, unbounded.connect())
        .await
        .map_err(|_| Failure::Database(sqlx::Error::PoolTimedOut))??;
    require_server_version(&mut connection).await?;
    Ok(connection)
}

/// Refuses a server that is too old to work with.
async fn require_server_version(connection: &mut PgConnection) -> Result<()> {
    let text: String = sqlx::query_scalar(statements::SERVER_VERSION)
        .fetch_one(connection)
        .await?;
    let version: u32 = text
        .parse()
        .map_err(|_| Failure::corrupt(format!("the server's version is {text:?}")))?;
    if version < SERVER_VERSION_MIN {
        return Err(Failure::Decided(StoreError::new(
            StoreErrorKind::Internal,
            "open",
            format!(
                "the database is PostgreSQL {}, and KooDTX needs {} or newer",
                version / 1_00_00,
                SERVER_VERSION_MIN / 1_00_00
            ),
        )));
    }
    Ok(())
}

/// Refuses a database that this release cannot work with.
pub(crate) async fn require_current(connection: &mut PgConnection) -> Result<()> {
    require_server_version(connection).await?;
    let status = status_of(connection).await?;
    match status.state {
        SchemaState::Current => Ok(()),
        _ => Err(refusal("open", &status)),
    }
}

fn refusal(operation: &'static str, status: &SchemaStatus) -> Failure {
    Failure::Decided(StoreError::new(
        StoreErrorKind::Internal,
        operation,
        status.to_string(),
    ))
}

fn failure_of(error: MigrateError) -> Failure {
    match error {
        MigrateError::Execute(error) => Failure::Database(error),
        // The version tells the operator where to look, so it must not be lost.
        other => Failure::Decided(
            StoreError::new(StoreErrorKind::Internal, "migrate", other.to_string())
                .with_source(other),
        ),
    }
}

/// A migration that the database says it has.
struct Applied {
    version: i64,
    is_finished: bool,
    checksum: Vec<u8>,
}

pub(crate) async fn status_of(connection: &mut PgConnection) -> Result<SchemaStatus> {
    Ok(compare(&applied(connection).await?))
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>> {
    let exists: bool = sqlx::query_scalar(statements::SCHEMA_EXISTS)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, bool, Vec<u8>)> = sqlx::query_as(statements::SCHEMA_APPLIED)
        .fetch_all(connection)
        .await?;
    let applied = rows
        .into_iter()
        .map(|(version, is_finished, checksum)| Applied {
            version,
            is_finished,
            checksum,
        })
        .collect();
    Ok(applied)
}

/// How a database that has `applied` stands to this release.
fn compare(applied: &[Applied]) -> SchemaStatus {
    let latest = MIGRATIONS.iter().map(|known| known.version).max();
    let latest = latest.unwrap_or(0);
    let has = |version| applied.iter().any(|migration| migration.version == version);
    let pending: Vec<PendingMigration> = MIGRATIONS
        .iter()
        .filter(|known| !has(known.version))
        .map(|known| PendingMigration {
            version: known.version,
            description: known.description.to_string(),
        })
        .collect();
    let unfinished = applied.iter().find(|migration| !migration.is_finished);
    let different = applied.iter().find(|migration| {
        let known = MIGRATIONS
            .iter()
            .find(|known| known.version == migration.version);
        match known {
            Some(known) => *known.checksum != *migration.checksum,
            // One that is newer is of a newer release.
            None => migration.version < latest,
        }
    });
    let newest = applied.iter().map(|migration| migration.version).max();
    let state = if let Some(Applied { version, .. }) = unfinished {
        SchemaState::Unfinished { version: *version }
    } else if let Some(Applied { version, .. }) = different {
        SchemaState::Different { version: *version }
    } else if newest > Some(latest) {
        SchemaState::Ahead
    } else if pending.is_empty() {
        SchemaState::Current
    } else if applied.is_empty() {
        SchemaState::Empty
    } else {
        SchemaState::Behind
    };
    SchemaStatus {
        state,
        applied: newest,
        latest,
        pending,
    }
}
