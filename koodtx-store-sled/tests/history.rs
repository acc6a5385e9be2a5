//! Random histories on the store, restarts included, give the answers of the memory store.

use std::path::PathBuf;
use std::sync::Arc;

use koodtx_core::conformance::{Harness, HistoryPlan, run_history};
use koodtx_core::store::Store;
use koodtx_store_sled::{SledOptions, SledStore};
use tempfile::TempDir;

const HISTORIES_COUNT: u64 = 24;
const STEPS_COUNT: usize = 150;

fn harness() -> Harness {
    let folder = TempDir::new().expect("a temporary folder");
    let path: PathBuf = folder.path().join("store");
    let open = move || {
        let path = path.clone();
        async move {
            let store = SledStore::open(path, SledOptions::default())?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        }
    };
    let first = SledStore::open(folder.path().join("store"), SledOptions::default());
    Harness::new(Arc::new(first.expect("a fresh store"))).with_reopen(open).with_guard(folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_give_the_answers_of_the_memory_store() {
    // Another range of seeds where somebody looks for more: KOODTX_HISTORY_SEED=1000 cargo test …
    let first = std::env::var("KOODTX_HISTORY_SEED").map_or(0, |seed| seed.parse().expect("a number"));
    for seed in first..first + HISTORIES_COUNT {
        let plan = HistoryPlan { seed, steps: STEPS_COUNT, restarts: true };
        if let Err(failure) = run_history(plan, harness()).await {
            panic!("{failure}");
        }
    }
}
