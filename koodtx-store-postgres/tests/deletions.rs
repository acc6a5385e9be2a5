//! Deleting users: what is under way meanwhile, and what is left by mistake.

mod common;
#[path = "common/script.rs"]
mod script;

use std::pin::Pin;
use std::time::Duration;

use common::open;
use koodtx_core::id::SignInId;
use koodtx_core::pull::{PageStart, PullQuery, RoundKey};
use koodtx_core::store::{
    AccountStore as _, MaintenanceStore as _, NewFamily, NewUser, StoreError, StoreErrorKind,
    SyncStore as _,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncKind, SyncStatus};
use koodtx_core::time::Timestamp;
use koodtx_store_postgres::PostgresStore;
use koodtx_store_postgres::testing::TestDatabase;
use script::{NOW, USER, push, record};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// What a deletion does, by hand, so that its commit can be held back.
const DELETE: &str = "
    BEGIN;
    DELETE FROM users WHERE user_id = 1;
    INSERT INTO deleted_users VALUES (1, '\\x00', 'epoch', false);
    DELETE FROM user_clock WHERE user_id = 1;
    DELETE FROM refresh_tokens WHERE user_id = 1";

async fn register(store: &PostgresStore) {
    let new = NewUser {
        username: "ann".to_owned(),
        email: "ann@example.org".to_owned(),
        device_id: None,
        password_hash: "hash".to_owned(),
    };
    let user = store.create_user(new, NOW).await.unwrap().unwrap();
    assert_eq!(user.id, USER);
}

async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(&database.url()).await.unwrap()
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap();
}

/// Returns when a statement waits for a lock.
async fn until_one_waits(observer: &mut PgConnection) {
    const PAUSE: Duration = Duration::from_millis(5);
    const PATIENCE: Duration = Duration::from_secs(30);
    let waiting = "
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let count: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&mut *observer)
                .await
                .unwrap();
            if count > 0 {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("a statement should wait for a lock"));
}

/// How many rows of the user there are in the tables that a writer may fill.
async fn rows(connection: &mut PgConnection) -> i64 {
    let count = "
        SELECT (SELECT count(*) FROM user_clock) + (SELECT count(*) FROM recording_sessions)
            + (SELECT count(*) FROM sensor_blocks) + (SELECT count(*) FROM sync_logs)
            + (SELECT count(*) FROM refresh_tokens)";
    sqlx::query_scalar(count)
        .fetch_one(connection)
        .await
        .unwrap()
}

type Write = fn(PostgresStore) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// Every way of writing for a user that does not begin with the lock of a clock that is there.
const WRITES: [(&str, Write); 3] = [
    ("a first push", |store| {
        Box::pin(async move {
            let records = [record("a", 1, r#"{"x":1}"#)];
            push(&store, &records).await.map(drop)
        })
    }),
    ("a log entry", |store| {
        Box::pin(async move {
            let entry = NewSyncLogEntry::new(SyncKind::Pull, SyncStatus::Success, None, 2, NOW);
            store.log(USER, entry, NOW).await.map(drop)
        })
    }),
    ("a sign-in", |store| {
        Box::pin(async move {
            let family = NewFamily {
                id: SignInId(Uuid::from_u128(1)),
                user: USER,
                device_id: None,
                token: [1; 32],
                expires_at: Timestamp::MAX,
            };
            store.create_family(family, NOW).await
        })
    }),
];

/// Begins `write` while a deletion is under way that then ends so; returns what came of it, and the rows
/// that there are.
async fn write_beside_deletion(write: Write, end: &str) -> (Result<(), StoreError>, i64) {
    let (database, store) = open().await;
    register(&store).await;
    let (mut deleting, mut watching) = (connect(&database).await, connect(&database).await);
    execute(&mut deleting, DELETE).await;
    let writing = tokio::spawn(write(store.clone()));
    until_one_waits(&mut watching).await;
    execute(&mut deleting, end).await;
    (writing.await.unwrap(), rows(&mut watching).await)
}

#[tokio::test]
async fn a_write_that_has_begun_before_a_deletion_commits_is_refused() {
    for (what, write) in WRITES {
        let (written, rows) = write_beside_deletion(write, "COMMIT").await;
        let refused = written.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::UserDeleted, "{what}");
        assert_eq!(rows, 0, "{what}");
    }
}

#[tokio::test]
async fn a_deletion_that_is_taken_back_lets_writes_go_on() {
    for (what, write) in WRITES {
        let (written, rows) = write_beside_deletion(write, "ROLLBACK").await;
        written.unwrap();
        assert!(rows > 0, "{what}");
    }
}

#[tokio::test]
async fn a_push_that_waits_for_a_deletion_does_not_begin_anew() {
    let (database, store) = open().await;
    register(&store).await;
    push(&store, &[record("a", 1, r#"{"x":1}"#)]).await.unwrap();
    let (mut deleting, mut watching) = (connect(&database).await, connect(&database).await);
    execute(&mut deleting, DELETE).await;
    let pushing = {
        let store = store.clone();
        tokio::spawn(async move { push(&store, &[record("a", 2, r#"{"x":1}"#)]).await })
    };
    until_one_waits(&mut watching).await;
    execute(&mut deleting, "COMMIT").await;
    let refused = pushing.await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::UserDeleted);
    while store.erase_deleted(10).await.unwrap().has_more {}
    assert_eq!(rows(&mut watching).await, 0);
}

/// The round of a pull that was under way leaves nothing behind, and the pull is answered.
#[tokio::test]
async fn a_round_is_not_remembered_for_a_deleted_user() {
    let (database, store) = open().await;
    register(&store).await;
    let session = |number: u32| {
        format!(
            "INSERT INTO recording_sessions (user_id, session_id, created_at, updated_at, live, is_active,
                start_time, start_time_stamp, data_count, series_count, series)
             VALUES (1, '00000000-0000-4000-8000-{number:012}', to_timestamp({number}),
                to_timestamp({number}), true, false, 'epoch', 'epoch', 0, 0, '{{}}')"
        )
    };
    let (mut deleting, mut watching) = (connect(&database).await, connect(&database).await);
    execute(
        &mut watching,
        "INSERT INTO user_clock (user_id, clock) VALUES (1, to_timestamp(2))",
    )
    .await;
    for number in [1, 2] {
        execute(&mut watching, &session(number)).await;
    }
    execute(&mut deleting, DELETE).await;
    let pulling = {
        let store = store.clone();
        tokio::spawn(async move {
            let query = PullQuery {
                user: USER,
                since: None,
                session_ids: None,
                start: PageStart::Offset(0),
                limit: 1,
                round: Some(RoundKey {
                    sign_in: SignInId(Uuid::from_u128(1)),
                    since: None,
                    filter: 0,
                }),
            };
            store.pull(query, NOW).await
        })
    };
    until_one_waits(&mut watching).await;
    execute(&mut deleting, "COMMIT").await;
    assert!(pulling.await.unwrap().unwrap().has_more);
    let rounds: i64 = sqlx::query_scalar("SELECT count(*) FROM pull_rounds")
        .fetch_one(&mut watching)
        .await
        .unwrap();
    assert_eq!(rounds, 0);
}

#[tokio::test]
async fn what_was_left_of_a_deleted_user_is_found_and_removed() {
    let (database, store) = open().await;
    register(&store).await;
    push(&store, &[record("a", 1, r#"{"x":1}"#)]).await.unwrap();
    let mut connection = connect(&database).await;
    let keep = "
        CREATE TABLE kept AS SELECT * FROM recording_sessions;
        CREATE TABLE kept_blocks AS SELECT * FROM sensor_blocks";
    execute(&mut connection, keep).await;
    assert!(store.delete_user(USER, NOW).await.unwrap());
    // Before the erasure nothing is wrong.
    assert!(store.verify(None, 10).await.unwrap().problems.is_empty());
    assert!(store.repair(None, 10).await.unwrap().repaired.is_empty());
    while store.erase_deleted(10).await.unwrap().has_more {}
    assert_eq!(rows(&mut connection).await, 0);

    let leave = "
        INSERT INTO recording_sessions SELECT * FROM kept;
        INSERT INTO sensor_blocks SELECT * FROM kept_blocks";
    execute(&mut connection, leave).await;
    let problems = store.verify(None, 10).await.unwrap().problems;
    assert!(problems[0].message.contains("deleted"), "{problems:?}");
    assert_eq!(store.repair(None, 10).await.unwrap().repaired.len(), 1);
    let erased = store.erase_deleted(10).await.unwrap();
    assert_eq!((erased.users, erased.has_more), (vec![USER], false));
    assert_eq!(rows(&mut connection).await, 0);
    assert!(store.verify(None, 10).await.unwrap().problems.is_empty());
}
