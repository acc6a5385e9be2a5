//! Calls that are given up half way.

mod common;
#[path = "common/script.rs"]
mod script;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::open;
use koodtx_core::store::{SyncStore as _, TransferStore as _};
use script::{NOW, USER, push, record, session};
use sqlx::{Connection as _, PgConnection};

/// More than a transaction takes.
const POLLS_MAX_COUNT: usize = 12;

/// Drops a future after some polls.
async fn dropped_after(polls: usize, call: impl Future) {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| {
        left -= 1;
        match call.as_mut().poll(context) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

/// Whether the connections of the store are in no transaction before long.
async fn is_quiet(watcher: &mut PgConnection) -> bool {
    const IN_TRANSACTION: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
    for _ in 0..200 {
        let query = sqlx::query_scalar(IN_TRANSACTION);
        let count: i64 = query.fetch_one(&mut *watcher).await.unwrap();
        if count == 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Otherwise nothing that is done later on its connection would be committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_nobody_waits_for_leaves_its_connection() {
    let (database, store) = open().await;
    let records = [record("a", 0, r#"{"x":1}"#)];
    push(&store, &records).await.unwrap();
    let mut watcher = PgConnection::connect(&database.url()).await.unwrap();
    for polls in 1..=POLLS_MAX_COUNT {
        dropped_after(polls, store.delete_session(USER, session(), NOW)).await;
        assert!(is_quiet(&mut watcher).await, "dropped after {polls} polls");
        dropped_after(polls, store.export_user(USER)).await;
        assert!(is_quiet(&mut watcher).await, "dropped after {polls} polls");
    }
}
