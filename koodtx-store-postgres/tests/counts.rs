//! What a session says of itself is checked, also where it cannot be read.

mod common;
#[path = "common/script.rs"]
mod script;

use std::sync::Arc;

use common::open;
use koodtx_core::id::SessionId;
use koodtx_core::store::{MaintenanceStore as _, Problem, SyncStore as _};
use koodtx_store_postgres::{PostgresOptions, PostgresStore, migrate};
use script::{NOW, SESSION, USER, command, push, record, session};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const OTHER_SESSION: &str = "00000000-0000-4000-8000-000000000002";

async fn execute(connection: &mut PgConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await;
    done.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

async fn problems(store: &PostgresStore) -> Vec<Problem> {
    store.verify(None, 1_000).await.unwrap().problems
}

#[tokio::test]
async fn every_count_of_a_session_is_checked() {
    let (database, store) = open().await;
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    for id in [SESSION, OTHER_SESSION] {
        let id: SessionId = id.parse().unwrap();
        for sensor in ["far", "other", "dense"] {
            let records: Vec<String> = (0..1_100)
                .map(|nth| record(sensor, nth, r#"{"x":1}"#))
                .collect();
            let mut push = command(&records);
            Arc::make_mut(&mut push.batch).session.session_id = id;
            store.push(push, NOW).await.unwrap();
        }
    }
    execute(
        &mut connection,
        "CREATE TABLE sessions AS SELECT * FROM recording_sessions",
    )
    .await;
    let cases = [
        ("data_count = data_count + 1", "records and has"),
        ("data_bytes = data_bytes + 1", "bytes of samples and has"),
        ("series_count = 7", "it counts 7 series and has 3"),
        ("series = series - 'far'", "it counts 3 series and has 2"),
        (
            "series = jsonb_set(series, '{far,count}', '7')",
            "its count, its range or its open end is wrong",
        ),
        (
            "series = jsonb_set(series, '{far,first}', '7')",
            "its count, its range or its open end is wrong",
        ),
        (
            "series = jsonb_set(series, '{far,last}', '7')",
            "its count, its range or its open end is wrong",
        ),
        (
            "series = (series - 'far') || jsonb_build_object('near', series->'far')",
            "its count, its range or its open end is wrong",
        ),
        ("live = false", "it is deleted and has records"),
        ("updated_at = created_at", "changed after the session did"),
        ("updated_at = updated_at + interval '1 day'", "user clock"),
        (
            "deleted_at = updated_at + interval '1 us'",
            "ahead of its last change",
        ),
        // What cannot even be read.
        ("series = '[]'", "cannot be read"),
        ("data_count = -1", "cannot be read"),
        (
            "sample_rate = -1, sample_rate_stamp = updated_at",
            "cannot be read",
        ),
        ("start_time = NULL", "cannot be read"),
    ];
    for (set, message) in cases {
        let change = format!("UPDATE recording_sessions SET {set} WHERE session_id = '{SESSION}'");
        execute(&mut connection, &change).await;
        let found = problems(&store).await;
        let is_found = found
            .iter()
            .any(|problem| problem.message.contains(message));
        assert!(is_found, "{set}: {found:?}");
        assert!(
            found.iter().all(|problem| problem.session == session()),
            "{set}: {found:?}"
        );
        execute(
            &mut connection,
            "BEGIN; DELETE FROM recording_sessions;
             INSERT INTO recording_sessions SELECT * FROM sessions; COMMIT",
        )
        .await;
        assert_eq!(problems(&store).await, vec![]);
    }
}

/// A database from before there were quotas takes on new columns, and `repair` counts what is in it.
#[tokio::test]
async fn what_was_stored_before_there_were_quotas_is_counted_by_a_repair() {
    let (database, store) = open().await;
    let records: Vec<String> = (0..1_100)
        .map(|nth| record("gps", nth, r#"{"x":1,"note":"on foot"}"#))
        .collect();
    push(&store, &records).await.unwrap();
    let status = store.status(USER, 10).await.unwrap();
    assert_eq!(status.data_bytes, 1_100 * (16 + 1 + 8 + 4 + 9));
    drop(store);

    // As the release before left it.
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    execute(
        &mut connection,
        "ALTER TABLE recording_sessions DROP COLUMN data_bytes;
         ALTER TABLE user_clock DROP COLUMN data_bytes;
         ALTER TABLE sensor_blocks DROP COLUMN digest;
         DROP TYPE sensor_block_v2;
         DELETE FROM _sqlx_migrations WHERE version >= 18",
    )
    .await;
    let options = PostgresOptions::from_url(&database.url()).unwrap();
    PostgresStore::open(&options).await.unwrap_err();
    migrate(&options).await.unwrap();
    let store = PostgresStore::open(&options).await.unwrap();
    assert_eq!(store.status(USER, 10).await.unwrap().data_bytes, 0);
    let found = problems(&store).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("bytes of samples"), "{found:?}");

    let page = store.repair(None, 10).await.unwrap();
    assert_eq!(page.repaired.len(), 1, "{page:?}");
    assert_eq!(problems(&store).await, vec![]);
    assert_eq!(store.status(USER, 10).await.unwrap(), status);
}
