//! The memory store passes the suite.

use std::sync::Arc;

use koodtx_core::conformance::{Harness, Part, checks, run_all};
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

koodtx_core::conformance_suite!(fresh => sync, accounts, maintenance, background, transfer, persistence);

#[test]
fn names_of_checks_are_unique() {
    let mut names: Vec<_> = checks().iter().map(|check| check.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_accounts_runs_the_sync_part_alone() {
    let fresh = || std::future::ready(Harness::sync_only(Arc::new(MemoryStore::new())));

    let report = run_all(&[Part::Sync], fresh).await;
    assert!(report.failed.is_empty(), "{report}");
    let count = |part| checks().iter().filter(|check| check.part == part).count();
    assert_eq!(report.passed.len(), count(Part::Sync));

    let report = run_all(&[Part::Accounts, Part::Persistence], fresh).await;
    assert!(report.passed.is_empty(), "{report}");
    assert_eq!(
        report.failed.len(),
        count(Part::Accounts) + count(Part::Persistence)
    );
    assert!(
        report.to_string().contains("Harness::sync_only"),
        "{report}"
    );
    assert!(
        report.to_string().contains("Harness::with_reopen"),
        "{report}"
    );
}
