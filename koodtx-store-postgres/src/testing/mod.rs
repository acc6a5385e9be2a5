//! A throw-away PostgreSQL cluster for tests.
//!
//! A test that needs PostgreSQL starts one; where no server is installed it fails and says what to
//! install. Nothing is left behind, also when the test process is killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use koodtx_store_postgres::testing::TestCluster;
//! use koodtx_store_postgres::{PostgresOptions, PostgresStore};
//!
//! let database = TestCluster::shared().database().await;
//! let store = PostgresStore::open(&PostgresOptions::from_url(&database.url())?).await?;
//! # drop(store);
//! # Ok(())
//! # }
//! ```
//!
//! Whatever goes wrong in here panics, since it is a test that fails then.

mod account;
mod binaries;
mod cluster;
mod database;
mod options;
mod watchdog;

pub use cluster::TestCluster;
pub use database::TestDatabase;
pub use options::ClusterOptions;

/// Every statement of the store, with the name of its file in `src/sql`.
#[must_use]
pub fn statements() -> &'static [(&'static str, &'static str)] {
    crate::statements::ALL
}
