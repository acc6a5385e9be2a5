//! The throw-away cluster: what is made is gone afterwards, whatever happened to the test.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use koodtx_store_postgres::testing::{ClusterOptions, TestCluster};
use sqlx::{Connection as _, PgConnection};

/// Set for the process that is killed: it prints its folder and waits.
const VICTIM: &str = "KOODTX_TEST_CLUSTER_VICTIM";
const GONE_MAX_SECONDS: u64 = 30;

async fn connect(url: &str) -> sqlx::Result<PgConnection> {
    PgConnection::connect(url).await
}

async fn databases(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE 'test%'")
        .fetch_all(connection)
        .await
        .unwrap()
}

fn server_of(folder: &Path) -> u32 {
    let status = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    status.lines().next().unwrap().trim().parse().unwrap()
}

fn wait_until_gone(path: &Path) {
    let started = Instant::now();
    while path.exists() {
        assert!(
            started.elapsed() < Duration::from_secs(GONE_MAX_SECONDS),
            "{} is still there",
            path.display()
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn databases_are_apart_and_go_with_their_guards() {
    let cluster = TestCluster::start();
    let kept = cluster.database().await;
    let dropped = cluster.database().await;
    assert_ne!(kept.name(), dropped.name());
    let mut there = connect(&kept.url()).await.unwrap();
    // Somebody who does not let go.
    let mut other = connect(&dropped.url()).await.unwrap();
    let before = databases(&mut there).await;
    assert!(before.contains(&dropped.name().to_owned()));

    let name = dropped.name().to_owned();
    drop(dropped);
    let after = databases(&mut there).await;
    assert_eq!(after, [kept.name()], "{name} has to be gone");
    assert!(other.ping().await.is_err());

    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM recording_sessions")
        .fetch_one(&mut there)
        .await
        .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn the_last_guard_ends_the_server_and_removes_its_folder() {
    let cluster = TestCluster::start();
    let folder = cluster.socket_folder().to_owned();
    let server = PathBuf::from(format!("/proc/{}", server_of(&folder)));
    let database = cluster.empty_database().await;
    drop(cluster);
    assert!(
        connect(&database.url()).await.is_ok(),
        "a database keeps it"
    );
    drop(database);
    assert!(!folder.exists());
    assert!(!server.exists());
}

#[tokio::test]
async fn what_was_committed_survives_an_immediate_stop() {
    let cluster = TestCluster::start_with(ClusterOptions::default().durable().tcp());
    let database = cluster.database().await;
    let mut before = connect(&database.tcp_url(cluster.port())).await.unwrap();
    sqlx::query("UPDATE last_user_id SET user_id = 7")
        .execute(&mut before)
        .await
        .unwrap();
    cluster.stop_immediately();
    assert!(before.ping().await.is_err());
    assert!(connect(&database.url()).await.is_err());
    cluster.restart();
    let mut after = connect(&database.url()).await.unwrap();
    let id: i64 = sqlx::query_scalar("SELECT user_id FROM last_user_id")
        .fetch_one(&mut after)
        .await
        .unwrap();
    assert_eq!(id, 7);
    let fsync: String = sqlx::query_scalar("SHOW fsync")
        .fetch_one(&mut after)
        .await
        .unwrap();
    assert_eq!(fsync, "on");
}

#[tokio::test]
async fn a_cluster_listens_on_its_socket_only() {
    let cluster = TestCluster::start();
    let database = cluster.empty_database().await;
    let mut connection = connect(&database.url()).await.unwrap();
    let addresses: String = sqlx::query_scalar("SHOW listen_addresses")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(addresses, "");
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    if std::env::var_os(VICTIM).is_some() {
        let cluster = TestCluster::start();
        println!("\nfolder={}", cluster.socket_folder().display());
        // Until the other process kills this one.
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_killed_test_leaves_nothing_behind",
            "--nocapture",
        ])
        .env(VICTIM, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(victim.stdout.take().unwrap());
    let folder = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("folder=").map(PathBuf::from))
        .expect("the victim says where its cluster is");
    let server = PathBuf::from(format!("/proc/{}", server_of(&folder)));
    assert!(server.exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    wait_until_gone(&server);
    wait_until_gone(&folder);
}
