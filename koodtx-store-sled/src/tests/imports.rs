//! What imports leave behind that broke off.

use std::sync::Arc;

use koodtx_core::conformance::Harness;
use koodtx_core::id::SessionId;
use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{MaintenanceStore, Store, TransferItem, TransferStore};
use koodtx_core::transfer;
use tempfile::TempDir;

use super::garbage::{count, keys_of_lives, wait_until_clean};
use super::{USER, open, session_id};
use crate::SledStore;
use crate::key::Table;

/// More blocks than an import writes in one batch.
const RECORDS_COUNT: u64 = 50_000;
const SOURCE: &str = "the test";

async fn push(store: &Arc<dyn Store>, id: SessionId, times: std::ops::Range<u64>) {
    let record = |at| format!(r#"{{"sensor_type":"a","timestamp":{at},"data":{{"x":{at}}}}}"#);
    let records: Vec<_> = times.map(record).collect();
    let session = format!(r#"{{"session_id":"{id}","start_time":"2025-11-13T00:00:00Z"}}"#);
    let harness = Harness::new(store.clone());
    harness.push(USER, &session, &records).await.unwrap();
}

async fn items(store: &Arc<dyn Store>) -> Vec<TransferItem> {
    let mut export = store.export_user(USER).await.unwrap();
    let mut items = Vec::new();
    while let Some(item) = export.next().await.unwrap() {
        items.push(item);
    }
    items
}

/// Imports items and finishes the user, but not the import.
async fn import(store: &Arc<SledStore>, items: &[TransferItem]) {
    store.begin_import(SOURCE).await.unwrap();
    let mut import = store.import_user(USER).await.unwrap();
    for item in items {
        import.write(item.clone()).await.unwrap();
    }
    import.finish().await.unwrap();
}

/// Imports items, and stops before the import is whole.
async fn break_off(store: &Arc<SledStore>, items: &[TransferItem]) {
    store.begin_import(SOURCE).await.unwrap();
    let mut import = store.import_user(USER).await.unwrap();
    for item in items {
        import.write(item.clone()).await.unwrap();
    }
}

/// Finishes the import, and compares what lies in the tree with what one attempt leaves there.
async fn ensure_clean(source: &Arc<dyn Store>, store: &Arc<SledStore>) {
    let (_folder, fresh) = fresh();
    for store in [store, &fresh] {
        transfer::copy(&**source, &**store, SOURCE, |_| ())
            .await
            .unwrap();
        wait_until_clean(store).await;
    }
    assert_eq!(store.verify(None, 10).await.unwrap().problems, []);
    assert_eq!(count(store, Table::Filling), 0);
    assert_eq!(keys_of_lives(store), keys_of_lives(&fresh));
}

fn fresh() -> (TempDir, Arc<SledStore>) {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    (folder, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_off_imports_of_a_long_session_leave_nothing_behind() {
    let source: Arc<dyn Store> = Arc::new(MemoryStore::new());
    push(&source, session_id(1), 0..RECORDS_COUNT).await;
    push(&source, session_id(2), 0..10).await;
    let all = items(&source).await;
    let (folder, mut store) = fresh();
    for count in [65, 80, all.len()] {
        break_off(&store, &all[..count]).await;
        assert!(
            self::count(&store, Table::Block) > 0,
            "some blocks are there after {count}"
        );
        drop(store);
        store = open(&folder);
    }
    ensure_clean(&source, &store).await;
    let (_, differences) = transfer::compare(&*source, &*store, |_| ()).await.unwrap();
    assert_eq!(differences, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_may_change_and_go_back_between_attempts() {
    let source: Arc<dyn Store> = Arc::new(MemoryStore::new());
    push(&source, session_id(1), 0..RECORDS_COUNT).await;
    let before = items(&source).await;
    let changed: Arc<dyn Store> = Arc::new(MemoryStore::new());
    transfer::copy(&*source, &*changed, SOURCE, |_| ())
        .await
        .unwrap();
    push(&changed, session_id(1), RECORDS_COUNT..RECORDS_COUNT + 10).await;
    push(&changed, session_id(1), RECORDS_COUNT..RECORDS_COUNT + 20).await;
    let (_folder, store) = fresh();
    import(&store, &before).await;
    import(&store, &items(&changed).await).await;
    assert_eq!(
        count(&store, Table::Garbage),
        1,
        "the life that was replaced"
    );
    ensure_clean(&source, &store).await;
}
