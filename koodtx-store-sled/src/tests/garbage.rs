//! What a deleted session leaves behind goes away, also after a stop half way.

use std::sync::Arc;
use std::time::Duration;

use koodtx_core::store::{MaintenanceStore, SyncStore};
use koodtx_core::time::Timestamp;
use tempfile::TempDir;

use super::{USER, open, push, session_id};
use crate::SledStore;
use crate::key::{Key, Table};
use crate::values::WriteSet;

/// More blocks than the janitor removes in one step.
const RECORDS_COUNT: u64 = 300_000;
const WAIT_MAX_MILLIS: u64 = 30_000;

pub(super) fn count(store: &SledStore, table: Table) -> usize {
    store.inner().values.scan_prefix(&Key::table(table)).count()
}

/// Keys that belong to some life of some session.
pub(super) fn keys_of_lives(store: &SledStore) -> usize {
    let tables = [
        Table::Series,
        Table::Block,
        Table::OpenBlock,
        Table::BlockChange,
        Table::Part,
    ];
    tables.into_iter().map(|table| count(store, table)).sum()
}

pub(super) async fn wait_until_clean(store: &Arc<SledStore>) {
    const STEP_MILLIS: u64 = 5;
    for _ in 0..WAIT_MAX_MILLIS / STEP_MILLIS {
        if count(store, Table::Garbage) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(STEP_MILLIS)).await;
    }
    panic!("the janitor should have been done long ago");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_session_leaves_no_blocks_and_spares_its_next_life() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    push(&store, 1, "a", 0, RECORDS_COUNT).await.unwrap();
    assert!(count(&store, Table::Block) > 300);
    store
        .delete_session(USER, session_id(1), Timestamp::ZERO)
        .await
        .unwrap();
    // Revived while the janitor is at work, with keys that the first life had too.
    push(&store, 1, "a", 0, 100).await.unwrap();
    wait_until_clean(&store).await;
    assert_eq!(keys_of_lives(&store), 2, "one series, one block");
    let page = store.verify(None, 10).await.unwrap();
    assert_eq!((page.records, page.problems), (100, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removal_is_taken_up_again_when_the_store_opens() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    push(&store, 1, "a", 0, RECORDS_COUNT).await.unwrap();
    push(&store, 2, "a", 0, 10).await.unwrap();
    let kept = keys_of_lives(&store);
    // A life that ended, as a stop right after the deletion leaves it.
    let life = Timestamp::from_micros(77);
    let mut set = WriteSet::new(&store.inner().values);
    for first in 0..1_000 {
        let key = match first % 2 {
            0 => Key::block(USER, life, 0, Timestamp::from_micros(first)),
            _ => Key::open_block(USER, life, 0, first as u32),
        };
        set.put(&key, &[1; 10_000]).unwrap();
    }
    set.mark(&Key::life(Table::Garbage, USER, life));
    store.inner().journal.commit(set).unwrap();
    assert_eq!(keys_of_lives(&store), kept + 2_000);
    drop(store);

    let store = open(&folder);
    wait_until_clean(&store).await;
    assert_eq!(keys_of_lives(&store), kept);
    let page = store.verify(None, 10).await.unwrap();
    assert_eq!((page.records, page.problems), (RECORDS_COUNT + 10, vec![]));
}
