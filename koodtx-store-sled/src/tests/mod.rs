//! Tests that look at the keys themselves, or spoil what lies there.

mod damage;
mod garbage;
mod imports;
mod log;
mod repair;

use std::sync::Arc;

use koodtx_core::conformance::{Failure, Harness};
use koodtx_core::id::{SessionId, UserId};
use tempfile::TempDir;

use crate::{SledOptions, SledStore};

const USER: UserId = UserId(1);

fn open(folder: &TempDir) -> Arc<SledStore> {
    Arc::new(SledStore::open(folder.path(), SledOptions::default()).unwrap())
}

fn session_id(number: u64) -> SessionId {
    format!("00000000-0000-4000-8000-{number:012x}")
        .parse()
        .unwrap()
}

/// Pushes `count` records of a sensor, one a second from `from` on.
async fn push(
    store: &Arc<SledStore>,
    session: u64,
    sensor: &str,
    from: u64,
    count: u64,
) -> Result<u64, Failure> {
    let records: Vec<String> = (from..from + count)
        .map(|at| {
            format!(
                r#"{{"sensor_type":"{sensor}","timestamp":{},"data":{{"x":{}}}}}"#,
                at * 1_000,
                at * 7 % 13
            )
        })
        .collect();
    let id = session_id(session);
    let text = format!(r#"{{"session_id":"{id}","start_time":"2025-11-13T00:00:00Z"}}"#);
    let harness = Harness::new(store.clone());
    let outcome = harness.push(USER, &text, &records).await;
    // A push answers before it is applied, and what follows looks at the keys.
    store.inner().journal.settle().unwrap();
    outcome.map(|outcome| outcome.inserted)
}
