//! SIGTERM in the middle of the work on a database.

use koodtx_store_postgres::testing::TestCluster;

use crate::shutdown::{stop_under_load, stop_within_a_push};
use crate::support::Folder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_sigterm_is_there_after_a_restart() {
    let database = TestCluster::shared().database().await;
    stop_under_load(&Folder::on(database.url())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_in_flight_is_finished_and_nothing_new_is_begun() {
    let database = TestCluster::shared().database().await;
    stop_within_a_push(&Folder::on(database.url())).await;
}
