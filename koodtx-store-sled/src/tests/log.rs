//! What the database lacks after a crash comes from the log.

use std::fs;
use std::path::Path;

use koodtx_core::store::{MaintenanceStore as _, SyncStore as _};
use koodtx_core::time::Timestamp;

use super::garbage::wait_until_clean;
use super::*;
use crate::key::Key;
use crate::values::{PART_MAX_BYTES, WriteSet};
use crate::wal::WAL_BYTES;

/// Every key with what lies there.
fn everything(store: &SledStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    store
        .inner()
        .journal
        .tree()
        .iter()
        .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
        .collect::<Result<_, _>>()
        .unwrap()
}

fn copy(from: &Path, to: &Path, is_wanted: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() && is_wanted(&name) {
            fs::copy(entry.path(), to.join(&name)).unwrap();
        }
    }
}

/// The database as it was when the store was opened, with the log as it is at the end, is the database at
/// the end; and a second crash right after that changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_since_the_last_checkpoint_comes_back_from_the_log() {
    let (folder, crashed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = open(&folder);
    push(&store, 1, "old", 0, 2_000).await.unwrap();
    drop(store);
    let store = open(&folder);
    copy(folder.path(), crashed.path(), |_| true);

    for round in 0..20 {
        push(&store, 1, "old", round * 150, 300).await.unwrap();
        push(&store, 2 + round % 3, "new", round * 100, 700)
            .await
            .unwrap();
        if round % 7 == 3 {
            let session = session_id(2 + round % 3);
            store
                .delete_session(USER, session, Timestamp::ZERO)
                .await
                .unwrap();
            wait_until_clean(&store).await;
        }
    }
    let expected = everything(&store);
    for _ in 0..2 {
        copy(folder.path(), crashed.path(), |name| name == "koodtx-wal");
        let recovered = open(&crashed);
        assert!(everything(&recovered) == expected);
        assert_eq!(recovered.verify(None, 1_000).await.unwrap().problems, []);
    }
    let page = store.verify(None, 1_000).await.unwrap();
    assert_eq!(page.problems, []);
}

/// Through the log or around it, a batch is on disk when `commit` returns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_the_log_cannot_hold_is_on_disk_all_the_same() {
    let (folder, crashed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = open(&folder);
    let inner = store.inner();
    for (user, bytes) in [(1, 100), (2, WAL_BYTES as usize + 1), (3, 100)] {
        let mut set = WriteSet::new(&inner.values);
        set.put(&Key::user_record(UserId(user)), &vec![7; bytes])
            .unwrap();
        inner.journal.commit(set).unwrap();
    }
    let expected = everything(&store);
    assert!(expected.len() > WAL_BYTES as usize / PART_MAX_BYTES);
    copy(folder.path(), crashed.path(), |_| true);
    drop(store);
    assert!(everything(&open(&crashed)) == expected);
}

/// Batches of several threads that fill the log again and again, then a crash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_batch_is_lost_by_a_checkpoint_beside_it() {
    const THREADS_COUNT: i64 = 4;
    const BATCHES_COUNT: i64 = 60;
    const BATCH_BYTES: usize = 200_000;

    let (folder, crashed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = open(&folder);
    let inner = store.inner();
    std::thread::scope(|scope| {
        for thread in 0..THREADS_COUNT {
            scope.spawn(move || {
                for batch in 0..BATCHES_COUNT {
                    let user = UserId(thread * BATCHES_COUNT + batch + 1);
                    let mut set = WriteSet::new(&inner.values);
                    set.put(&Key::user_record(user), &vec![batch as u8; BATCH_BYTES])
                        .unwrap();
                    if batch % 3 == 0 {
                        inner.journal.write(set).unwrap();
                    } else {
                        inner.journal.commit(set).unwrap();
                    }
                }
            });
        }
    });
    let expected = everything(&store);
    let parts = BATCH_BYTES.div_ceil(PART_MAX_BYTES);
    let batches = (THREADS_COUNT * BATCHES_COUNT) as usize;
    assert!(batches * BATCH_BYTES > 5 * WAL_BYTES as usize);
    assert_eq!(expected.len(), batches * parts);
    copy(folder.path(), crashed.path(), |_| true);
    assert!(everything(&open(&crashed)) == expected);
}
