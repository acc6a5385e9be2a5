//! Runs `metered_store`, and the conformance suite on the wrapper that it shows.

mod support;

use std::sync::Arc;

use koodtx_core::conformance::Harness;
use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{StoreErrorKind, SyncStore};
use koodtx_examples::metered::MeteredStore;

/// A wrapper that passed a call on wrongly would break a law.
mod conformance {
    use super::{Arc, Harness, MemoryStore, MeteredStore};

    async fn fresh() -> Harness {
        Harness::new(Arc::new(MeteredStore::new(MemoryStore::new())))
    }
    koodtx_core::conformance_suite!(fresh => sync, accounts, maintenance, background, transfer);
}

#[test]
fn the_program_counts_every_call() {
    let said = support::run(env!("CARGO_BIN_EXE_metered_store"), &[]);
    let calls = |method: &str| {
        let line = said
            .lines()
            .find(|line| line.split_whitespace().next() == Some(method));
        let mut numbers = line
            .unwrap_or_else(|| panic!("no {method} in:\n{said}"))
            .split_whitespace();
        let number = numbers.nth(1).and_then(|calls| calls.parse::<u64>().ok());
        let errors = numbers.next().and_then(|errors| errors.parse::<u64>().ok());
        assert_eq!(errors, Some(0), "errors of {method}");
        number
    };
    // 80 recordings twice; one page of 80 sessions, each read once; one log entry for the pull.
    assert_eq!(calls("push"), Some(160));
    assert_eq!(calls("pull"), Some(1));
    assert_eq!(calls("read_records"), Some(80));
    assert_eq!(calls("log"), Some(1));
}

#[tokio::test]
async fn errors_are_counted_and_passed_on() {
    use koodtx_core::id::{SessionId, UserId};
    let store = MeteredStore::new(MemoryStore::new());
    let (id, now) = (
        SessionId(uuid::Uuid::from_u128(1)),
        koodtx_core::time::Timestamp::now(),
    );
    let error = store.delete_session(UserId(1), id, now).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
    let stats = store.meter().snapshot()["delete_session"];
    assert_eq!((stats.calls, stats.errors), (1, 1));
}
