//! Pushes that find, when they come to write, that something has happened since they read.

mod common;
#[path = "common/script.rs"]
mod script;

use std::time::Duration;

use common::open;
use koodtx_core::store::{MaintenanceStore as _, PushOutcome, SyncStore as _};
use koodtx_store_postgres::PostgresStore;
use koodtx_store_postgres::testing::TestDatabase;
use script::{NOW, USER, push, record, session};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const RECORDS_COUNT: u64 = 1_500;

fn records() -> Vec<String> {
    let rows = 0..RECORDS_COUNT;
    rows.map(|row| record("a", row, r#"{"x":1}"#)).collect()
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Pushes `records`, which has to wait for a transaction that begins with `before`, and that then does
/// `meanwhile` and commits.
async fn push_beside(
    (database, store): (&TestDatabase, &PostgresStore),
    records: Vec<String>,
    before: &str,
    meanwhile: &str,
) -> PushOutcome {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut other = PgConnection::connect(&database.url()).await.unwrap();
    run(&mut other, "BEGIN").await;
    run(&mut other, before).await;
    let store = store.clone();
    let pushing = tokio::spawn(async move { push(&store, &records).await });
    let waiting = async {
        let mut watcher = PgConnection::connect(&database.url()).await.unwrap();
        loop {
            let query = sqlx::query_scalar(WAITING);
            let count: i64 = query.fetch_one(&mut watcher).await.unwrap();
            if count > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .expect("the push has to wait");
    run(&mut other, meanwhile).await;
    run(&mut other, "COMMIT").await;
    pushing.await.unwrap().unwrap()
}

const LOCK: &str = "SELECT FROM user_clock WHERE user_id = 1 FOR UPDATE";

async fn assert_sound(store: &PostgresStore, pushes: usize) {
    let page = store.verify(None, 10).await.unwrap();
    assert_eq!(page.problems, []);
    let entries = store.log_entries(USER, None, 100).await.unwrap();
    assert_eq!(entries.len(), pushes);
}

/// Whoever changes a session writes the row of the clock, also where it stays as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_leaves_the_clock_as_it_is_is_kept() {
    let (database, store) = open().await;
    let first = push(&store, &records()).await.unwrap();
    let change = "UPDATE recording_sessions
            SET notes = 'by another', notes_stamp = '2999-01-01' WHERE user_id = 1;
        UPDATE user_clock SET clock = clock WHERE user_id = 1";
    let more = vec![record("a", RECORDS_COUNT, r#"{"x":2}"#)];
    let outcome = push_beside((&database, &store), more, LOCK, change).await;
    assert_eq!(outcome.inserted, 1);
    assert_eq!(outcome.data_count, RECORDS_COUNT + 1);
    assert!(outcome.clock > first.clock);
    let detail = store.session(USER, session()).await.unwrap().unwrap();
    let notes = detail.state.fields.notes.unwrap().value;
    assert_eq!(notes.as_deref(), Some("by another"));
    assert_sound(&store, 2).await;
}

/// A push that found everything stored already does not say so where it is stored no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_meanwhile_is_stored_again() {
    let (database, store) = open().await;
    push(&store, &records()).await.unwrap();
    let again = push(&store, &records()).await.unwrap();
    assert_eq!((again.inserted, again.duplicates), (0, RECORDS_COUNT));
    let removal = "DELETE FROM sensor_blocks WHERE user_id = 1;
        UPDATE recording_sessions SET series = '{}', data_count = 0, data_bytes = 0, series_count = 0
            WHERE user_id = 1;
        UPDATE user_clock SET records = 0, data_bytes = 0 WHERE user_id = 1";
    let outcome = push_beside((&database, &store), records(), LOCK, removal).await;
    assert_eq!((outcome.inserted, outcome.duplicates), (RECORDS_COUNT, 0));
    assert_sound(&store, 3).await;
}

/// A lock that changed nothing is waited for, and that is all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_changed_nothing_is_waited_for() {
    let (database, store) = open().await;
    push(&store, &records()).await.unwrap();
    let more = vec![record("b", 1, r#"{"x":2}"#)];
    let outcome = push_beside((&database, &store), more, LOCK, "SELECT 1").await;
    assert_eq!(outcome.inserted, 1);
    assert_eq!(outcome.data_count, RECORDS_COUNT + 1);
    assert_sound(&store, 2).await;
}

/// A log entry whose id another one takes gets the next, and the push is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_whose_id_is_taken_gets_another() {
    let (database, store) = open().await;
    let first = push(&store, &records()).await.unwrap();
    assert_eq!(first.log_id.0, NOW.as_micros());
    let taken = first.log_id.0 + 1;
    let take = format!(
        "INSERT INTO sync_logs (
            user_id, log_id, kind, status, records_count, inserted, updated, duplicates_count,
            errors_count, sensor_types, body_bytes, started_at, completed_at
        ) VALUES (1, {taken}, 'pull', 'success', 0, 0, 0, 0, 0, '{{}}', 0, 'epoch', 'epoch')"
    );
    let more = vec![record("a", RECORDS_COUNT, r#"{"x":2}"#)];
    let outcome = push_beside((&database, &store), more, &take, "SELECT 1").await;
    assert_eq!(outcome.log_id.0, taken + 1);
    assert_eq!(outcome.inserted, 1);
    assert_eq!(outcome.data_count, RECORDS_COUNT + 1);
    assert_sound(&store, 3).await;
}
