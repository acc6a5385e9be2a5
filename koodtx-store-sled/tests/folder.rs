//! The data folder: who may open it, and what an interrupted start leaves behind.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use koodtx_core::id::UserId;
use koodtx_core::push::PushBatch;
use koodtx_core::store::{PushCommand, Quota, StoreError, StoreErrorKind, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_store_sled::{SledOptions, SledStore};
use tempfile::TempDir;

const USER: UserId = UserId(1);
const BODY: &str = r#"{"session":{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
    "start_time":"2025-11-13T00:00:00Z"},
    "sensor_data":[{"sensor_type":"gps","timestamp":1,"data":{"x":1}}]}"#;

fn open(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(path, SledOptions::default())
}

fn refused(path: &Path) -> (StoreErrorKind, String) {
    match open(path) {
        Ok(_) => panic!("{} should not open", path.display()),
        Err(error) => (error.kind(), error.message().to_owned()),
    }
}

async fn push(store: &SledStore) -> u64 {
    let batch = Arc::new(PushBatch::parse(BODY.as_bytes()).unwrap());
    let now = Timestamp::from_millis(1_763_035_200_000);
    let command = PushCommand {
        user: USER,
        batch,
        device_id: None,
        body_bytes: 0,
        started_at: now,
        request_id: None,
        quota: Quota::default(),
    };
    store.push(command, now).await.unwrap().inserted
}

#[tokio::test]
async fn only_one_store_opens_a_folder_at_a_time() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/new/folder");
    let store = open(&path).unwrap();
    let (kind, message) = refused(&path);
    assert_eq!(kind, StoreErrorKind::Contention);
    assert!(
        message.contains("in use") && message.contains("stop the other server"),
        "{message}"
    );
    assert_eq!(push(&store).await, 1);
    drop(store);
    assert_eq!(push(&open(&path).unwrap()).await, 0);
}

#[test]
fn a_folder_of_a_newer_format_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).unwrap());
    let file = folder.path().join("koodtx-format");
    assert_eq!(fs::read_to_string(&file).unwrap(), "4\n");
    fs::write(&file, "5\n").unwrap();
    let (kind, message) = refused(folder.path());
    assert_eq!(kind, StoreErrorKind::Corrupt);
    assert!(
        message.contains("format 5") && message.contains("run the newer version"),
        "{message}"
    );

    fs::write(&file, "").unwrap();
    assert!(refused(folder.path()).1.contains("holds no version"));
    fs::write(&file, "4\n").unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn an_older_format_is_raised_so_that_an_older_program_leaves_the_folder_alone() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).unwrap());
    let file = folder.path().join("koodtx-format");
    fs::write(&file, "1\n").unwrap();
    drop(open(folder.path()).unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), "4\n");
    fs::write(&file, "0\n").unwrap();
    assert!(refused(folder.path()).1.contains("unknown format 0"));
}

#[test]
fn a_foreign_database_is_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(sled::open(folder.path()).unwrap());
    let (kind, message) = refused(folder.path());
    assert_eq!(kind, StoreErrorKind::Corrupt);
    assert!(message.contains("choose another folder"), "{message}");
    assert!(folder.path().join("db").exists());
}

#[tokio::test]
async fn a_snapshot_cut_short_does_not_keep_the_store_from_opening() {
    let folder = TempDir::new().unwrap();
    push(&open(folder.path()).unwrap()).await;
    // What a kill leaves while sled writes the snapshot of its page table.
    let torn = folder.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&torn, [7; 100]).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!(push(&store).await, 0, "the record was there");
    assert!(!torn.exists());
}

#[tokio::test]
async fn a_creation_cut_short_begins_anew() {
    let folder = TempDir::new().unwrap();
    push(&open(folder.path()).unwrap()).await;
    // As it lay there before the first opening succeeded, with sled's settings cut short.
    let (format, creating) = (
        folder.path().join("koodtx-format"),
        folder.path().join("koodtx-format.creating"),
    );
    fs::rename(&format, &creating).unwrap();
    fs::write(folder.path().join("conf"), "segment_size: 524288\nuse_comp").unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!(push(&store).await, 1);
    assert!(format.exists() && !creating.exists());
}

#[tokio::test]
async fn other_files_in_the_folder_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "s").unwrap();
    push(&open(folder.path()).unwrap()).await;
    assert_eq!(push(&open(folder.path()).unwrap()).await, 0);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "s");
}
