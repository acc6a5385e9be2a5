//! The memory store passes the suite.

use std::sync::Arc;

use koodtx_core::conformance::{Harness, checks};
use koodtx_core::memory::MemoryStore;

async fn fresh() -> Harness {
    let store = Arc::new(MemoryStore::new());
    // What is in memory lives as long as somebody holds it: opening it again is to take it again.
    let same = store.clone();
    Harness::new(store).with_reopen(move || {
        let same = same.clone();
        async move { Ok(same as _) }
    })
}

koodtx_core::conformance_suite!(fresh => sync, accounts, maintenance, persistence);

#[test]
fn names_of_checks_are_unique() {
    let mut names: Vec<_> = checks().iter().map(|check| check.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
