//! Random histories on the store, restarts included, give the answers of the memory store.

mod common;

use common::fresh;
use koodtx_core::conformance::{HistoryPlan, run_history};

const HISTORIES_COUNT: u64 = 16;
const STEPS_COUNT: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_give_the_answers_of_the_memory_store() {
    // For more of them: KOODTX_HISTORY_SEED=1000 begins with that seed.
    let first = std::env::var("KOODTX_HISTORY_SEED").map_or(0, |seed| {
        seed.parse().expect("KOODTX_HISTORY_SEED is a number")
    });
    for seed in first..first + HISTORIES_COUNT {
        let plan = HistoryPlan {
            seed,
            steps: STEPS_COUNT,
            restarts: true,
        };
        if let Err(failure) = run_history(plan, fresh().await).await {
            panic!("{failure}");
        }
    }
}
