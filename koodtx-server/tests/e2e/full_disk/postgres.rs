//! A PostgreSQL of which a disk runs full: that of the tables, or that of the write-ahead log.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::load::Load;
use crate::postgres::away::{on_thread, wait_until_healthy};
use crate::support::device::Answer;
use crate::support::{Device, Folder, SmallDisk};

const TABLES_DISK_MEBIBYTES: u64 = 64;
const LOG_DISK_MEBIBYTES: u64 = 144;
/// Leaves three segments of 16 MiB: less than the log takes before a checkpoint lets it be used again.
const LOG_FILLED_MEBIBYTES: u64 = 88;
/// What the server's log says, once a minute at most.
const FULL_TEXT: &str = "the disk of the database is full";

#[test]
fn full_tables_refuse_pushes_whole_and_the_server_goes_on_when_there_is_room() {
    let test = "full_disk::postgres::full_tables_refuse_pushes_whole_and_the_server_goes_on_when_there_is_room";
    SmallDisk::with(test, TABLES_DISK_MEBIBYTES, async |disk| {
        let cluster = TestCluster::start();
        let database = cluster.database().await;
        move_tables(&database, &disk.path().join("tables")).await;
        let filler = disk.fill("filler", Some(TABLES_DISK_MEBIBYTES / 3));
        let folder = Folder::on(database.url());
        let server = folder.start();
        let device = Device::register(&server, "ann").await;
        let mut load = Load::new(device.clone(), Answer::is_store_full);
        load.push_until_full().await;
        assert!(load.acknowledged_count() > 0);

        // Somebody else takes what is left, to the last byte.
        let rest = disk.fill("rest", None);
        load.push_until_full().await;
        load.check().await;
        assert!(device.is_healthy().await);
        // A page that others follow is remembered, where there is room for that.
        let pull = device.pull(&json!({ "page_size": 1 })).await;
        assert_eq!(pull.expect("the server answers").ok()["has_more"], true);

        rest.remove();
        filler.remove();
        assert!(load.push_refused_again().await);
        load.check_all(&folder, || server.stop()).await;
        load.assert_told_seldom(&folder, FULL_TEXT);
    });
}

#[test]
fn a_full_log_stops_the_database_and_the_server_goes_on_when_there_is_room() {
    let test = "full_disk::postgres::a_full_log_stops_the_database_and_the_server_goes_on_when_there_is_room";
    SmallDisk::with(test, LOG_DISK_MEBIBYTES, async |disk| {
        let cluster = TestCluster::start();
        let database = cluster.database().await;
        let moved = (cluster.clone(), disk.path().join("pg_wal"));
        on_thread(move || move_log(&moved.0, &moved.1)).await;
        let filler = disk.fill("filler", Some(LOG_FILLED_MEBIBYTES));
        let folder = Folder::on(database.url());
        let server = folder.start_with(&[("KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS", "1")]);
        let device = Device::register(&server, "ann").await;
        // The database crashes with whatever was under way, and is away until it has recovered.
        let is_refusal = |answer: &Answer| answer.is_store_full() || answer.is_store_away();
        let mut load = Load::new(device.clone(), is_refusal);
        load.push_until_full().await;
        assert!(load.acknowledged_count() > 0);
        let log = cluster.log();
        assert!(
            log.contains("PANIC") && log.contains("No space left on device"),
            "{log}"
        );

        // Room, and what an operator does where the database has given up.
        filler.remove();
        on_thread(move || cluster.restart()).await;
        wait_until_healthy(&device).await;
        load.check().await;
        assert!(load.push_refused_again().await);
        load.check_all(&folder, || server.stop()).await;
    });
}

/// Moves a database into a tablespace.
async fn move_tables(database: &TestDatabase, place: &Path) {
    let cluster = database.cluster();
    fs::create_dir(place).expect("the disk is writable");
    hand_over(cluster, place);
    let url = format!(
        "postgres:///postgres?host={}&port={}&user=koodtx",
        cluster.socket_folder().display(),
        cluster.port()
    );
    let mut connection = PgConnection::connect(&url)
        .await
        .expect("the database answers");
    for statement in [
        format!("CREATE TABLESPACE small LOCATION '{}'", place.display()),
        format!("ALTER DATABASE {} SET TABLESPACE small", database.name()),
    ] {
        let done = sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await;
        done.expect("the database is moved");
    }
}

/// Moves the write-ahead log of a cluster to another disk.
fn move_log(cluster: &TestCluster, place: &Path) {
    cluster.stop_immediately();
    let log = cluster.socket_folder().join("data/pg_wal");
    let copied = Command::new("cp").arg("-a").args([&log, place]).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp fails");
    fs::remove_dir_all(&log).expect("the log was copied");
    symlink(place, &log).expect("the log was moved");
    cluster.restart();
}

/// Gives a folder to whoever runs the cluster.
fn hand_over(cluster: &TestCluster, place: &Path) {
    let of_cluster = fs::metadata(cluster.socket_folder()).expect("the cluster runs");
    chown(place, Some(of_cluster.uid()), Some(of_cluster.gid())).expect("the folder is ours");
}
