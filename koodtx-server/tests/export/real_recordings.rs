//! Recordings of real sensors.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::SyncStore;
use koodtx_core::time::Timestamp;

use crate::support::{assert_lossless, command};

/// The recordings, a body of a push a line.
pub fn bodies(file: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/data")
        .join(file);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn recordings_come_back_from_every_format() {
    let mut records = 0;
    for body in bodies("basic_motions.jsonl")
        .into_iter()
        .chain(bodies("gps_tracks.jsonl"))
    {
        let store = Arc::new(MemoryStore::new());
        let command = command(&body);
        let session = command.batch.session.session_id;
        store.push(command, Timestamp::now()).await.unwrap();
        records += assert_lossless(store, session).await.len();
    }
    assert_eq!(records, 16_913);
}
