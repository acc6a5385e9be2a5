//! A store in a database of its own that SQL looks into, and what is pushed to it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use koodtx_core::conformance::Harness;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::push::PushBatch;
use koodtx_core::store::{MaintenanceStore as _, Problem, PushCommand};
use koodtx_core::time::Timestamp;
use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

pub const USER: UserId = UserId(1);
pub const NOW: Timestamp = Timestamp::from_millis(1_763_035_200_000);

/// The fields are dropped in this order: the database has to be the last.
pub struct Base {
    pub harness: Harness,
    pub store: Arc<PostgresStore>,
    pub database: TestDatabase,
}

impl Base {
    pub async fn new() -> Self {
        let database = TestCluster::shared().database().await;
        let store = open(&database).await;
        Self {
            harness: Harness::new(store.clone()),
            store,
            database,
        }
    }

    /// A connection for SQL behind the store's back.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.database.url()).await.unwrap()
    }

    /// Runs one or more statements; says how many rows they met.
    pub async fn execute(&self, statement: &str) -> u64 {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut connection)
            .await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"))
            .rows_affected()
    }

    pub async fn problems(&self) -> Vec<Problem> {
        self.store.verify(None, 1_000).await.unwrap().problems
    }
}

/// A store with connections of its own, as another server has.
pub async fn open(database: &TestDatabase) -> Arc<PostgresStore> {
    let options = PostgresOptions::from_url(&database.url()).unwrap();
    Arc::new(PostgresStore::open(&options).await.unwrap())
}

pub fn session_id(number: u64) -> SessionId {
    format!("00000000-0000-4000-8000-{number:012x}")
        .parse()
        .unwrap()
}

/// The metadata of a session, as JSON.
pub fn session(number: u64) -> String {
    format!(
        r#"{{"session_id":"{}","start_time":"2025-11-13T00:00:00Z"}}"#,
        session_id(number)
    )
}

/// A record, as JSON.
pub fn record(sensor: &str, millis: impl std::fmt::Display, data: &str) -> String {
    format!(r#"{{"sensor_type":"{sensor}","timestamp":{millis},"data":{data}}}"#)
}

/// A push as the service hands it to a store.
pub fn command(user: UserId, session_number: u64, records: &[String]) -> PushCommand {
    let body = format!(
        r#"{{"session":{},"sensor_data":[{}]}}"#,
        session(session_number),
        records.join(",")
    );
    PushCommand {
        user,
        batch: Arc::new(PushBatch::parse(body.as_bytes()).unwrap()),
        device_id: None,
        body_bytes: body.len() as u64,
        started_at: NOW,
    }
}
