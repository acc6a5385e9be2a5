//! Servers and databases that crash under load.

use std::time::{Duration, Instant};

use koodtx_store_postgres::testing::{ClusterOptions, TestCluster};
use rand::rngs::StdRng;
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;

use super::away::{on_thread, wait_until_healthy};
use crate::crash::{Crash, Kill, crash_again_and_again};
use crate::support::{Device, Folder, Server};

/// Crashes under load, of each kind.
const CRASHES_COUNT: usize = 20;
/// Longest wait for the database to be done with what a killed server began.
const SETTLE_MAX_SECONDS: u64 = 60;
const POLL_MILLIS: u64 = 5;
/// Transactions of other connections to the same database.
const IN_FLIGHT: &str = "SELECT count(*) FROM pg_stat_activity \
                         WHERE datname = current_database() AND pid <> pg_backend_pid() \
                             AND backend_type = 'client backend' AND xact_start IS NOT NULL";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_a_server_lose_nothing_and_leave_nothing_half_done() {
    let cluster = TestCluster::start_with(ClusterOptions::default().durable());
    let database = cluster.database().await;
    let folder = Folder::on(database.url());
    let mut kill = SettledKill {
        kill: Kill::new(&folder),
        url: database.url(),
    };
    crash_again_and_again(&folder, CRASHES_COUNT, &mut kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_of_the_database_lose_nothing_and_the_server_recovers_by_itself() {
    let cluster = TestCluster::start_with(ClusterOptions::default().durable());
    let database = cluster.database().await;
    let folder = Folder::on(database.url());
    let mut crash = DatabaseCrash {
        cluster: cluster.clone(),
        folder: &folder,
        server: None,
    };
    crash_again_and_again(&folder, CRASHES_COUNT, &mut crash).await;
}

/// `kill -9` of a server. What the database was told before, it may go on with for a moment.
struct SettledKill<'a> {
    kill: Kill<'a>,
    url: String,
}

impl Crash for SettledKill<'_> {
    async fn recover(&mut self, random: &mut StdRng) -> &Server {
        self.kill.recover(random).await
    }

    async fn crash(&mut self) {
        self.kill.crash().await;
    }

    async fn repair(&mut self) {
        let mut connection = PgConnection::connect(&self.url)
            .await
            .expect("the database answers");
        let began = Instant::now();
        loop {
            let in_flight: i64 = sqlx::query_scalar(IN_FLIGHT)
                .fetch_one(&mut connection)
                .await
                .expect("the database answers");
            if in_flight == 0 {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(SETTLE_MAX_SECONDS),
                "the transaction of a server that is gone does not end"
            );
            sleep(Duration::from_millis(POLL_MILLIS)).await;
        }
        connection.close().await.expect("the database answers");
    }

    fn stop(&mut self) {
        self.kill.stop();
    }
}

/// An immediate shutdown of the database, while the server goes on.
struct DatabaseCrash<'a> {
    cluster: TestCluster,
    folder: &'a Folder,
    server: Option<Server>,
}

impl Crash for DatabaseCrash<'_> {
    async fn recover(&mut self, _: &mut StdRng) -> &Server {
        // The same server for all crashes; so that it notices each of them soon.
        let settings = [("KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS", "1")];
        let server = self
            .server
            .get_or_insert_with(|| self.folder.start_with(&settings));
        wait_until_healthy(&Device::anonymous(server)).await;
        server
    }

    async fn crash(&mut self) {
        let cluster = self.cluster.clone();
        on_thread(move || cluster.stop_immediately()).await;
    }

    async fn repair(&mut self) {
        let cluster = self.cluster.clone();
        on_thread(move || cluster.restart()).await;
    }

    fn stop(&mut self) {
        self.server.take().expect("a server that runs").stop();
    }
}
