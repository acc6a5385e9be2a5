//! What clients see of accounts and of sync, again, on PostgreSQL.
#![expect(clippy::duplicate_mod, reason = "the same tests, of another server")]

#[path = "../account_deletion.rs"]
mod account_deletion;
#[path = "../accounts.rs"]
mod accounts;
#[path = "../columns.rs"]
mod columns;
#[path = "../jobs.rs"]
mod jobs;
#[path = "../pull.rs"]
mod pull;
#[path = "../push.rs"]
mod push;
#[path = "../quota.rs"]
mod quota;
#[path = "../sessions.rs"]
mod sessions;
#[path = "../tokens.rs"]
mod tokens;

use std::sync::Arc;

use koodtx_store_postgres::testing::TestCluster;
use koodtx_store_postgres::{PostgresOptions, PostgresStore};

use crate::support::TestServer;

/// A server on a database of its own.
async fn start(variables: &[(&str, &str)]) -> TestServer {
    let database = TestCluster::shared().database().await;
    let options = PostgresOptions::from_url(&database.url()).unwrap();
    let store = Arc::new(PostgresStore::open(&options).await.unwrap());
    TestServer::on(store, variables).await.with_guard(database)
}
