//! Servers on PostgreSQL: several on one database, killed, and left alone by it.

pub mod away;
mod commit;
mod crash;
mod fleet;
mod locks;
mod migrate;
mod proxy;
mod races;
mod secrets;
mod shutdown;

use koodtx_store_postgres::testing::{ClusterOptions, TestCluster};

/// A cluster of the test's own, which may be stopped, and which a proxy can reach.
fn own_cluster() -> TestCluster {
    TestCluster::start_with(ClusterOptions::default().tcp())
}
