//! Parquet files read by another implementation: pyarrow.
//!
//! `KOODTX_TEST_PYTHON` names a Python interpreter that has it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use koodtx_core::id::SessionId;
use koodtx_core::memory::MemoryStore;
use koodtx_core::store::SyncStore;
use koodtx_core::time::Timestamp;
use koodtx_server::export::ExportFormat;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::random::sessions;
use crate::real_recordings::bodies;
use crate::support::readers::ndjson;
use crate::support::{command, export_file, push, session, stored};

async fn assert_python_agrees(store: Arc<dyn SyncStore>, session: SessionId) {
    let expected = stored(&*store, session).await;
    let file = export_file(store, session, ExportFormat::Parquet).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.parquet");
    std::fs::write(&path, file.unwrap()).unwrap();
    let python = std::env::var("KOODTX_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/read_parquet.py"))
        .arg(&path)
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap_or_else(|error| {
            panic!("{python}: {error}; KOODTX_TEST_PYTHON has to name a Python with pyarrow")
        });
    assert!(
        output.status.success(),
        "{python} could not read the file; KOODTX_TEST_PYTHON has to name a Python with pyarrow:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(ndjson(&text), expected);
}

#[tokio::test]
async fn python_reads_real_recordings() {
    let mut motions = bodies("basic_motions.jsonl");
    motions.truncate(3);
    for body in motions.into_iter().chain(bodies("gps_tracks.jsonl")) {
        let store = Arc::new(MemoryStore::new());
        let command = command(&body);
        let session = command.batch.session.session_id;
        store.push(command, Timestamp::now()).await.unwrap();
        assert_python_agrees(store, session).await;
    }
}

#[tokio::test]
async fn python_reads_random_sessions() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..12 {
        let records = sessions().new_tree(&mut runner).unwrap().current();
        let store = Arc::new(MemoryStore::new());
        push(&*store, &records).await;
        assert_python_agrees(store, session()).await;
    }
}

#[tokio::test]
async fn python_reads_a_file_without_records() {
    let store = Arc::new(MemoryStore::new());
    push(&*store, &[]).await;
    assert_python_agrees(store, session()).await;
}
