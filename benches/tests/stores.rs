//! Every workload of the benches, once, with what it has to come to.

use koodtx_bench::fixture::{ReplayStore, StoreKind, caller, pull, push};
use koodtx_bench::workload::{Case, Digits, Recording, SEED, session_id};
use koodtx_core::pull::PullRequest;
use koodtx_core::service::SyncService;

const COUNT: usize = 300;

#[tokio::test]
async fn every_case_adds_up_in_every_store() {
    for kind in StoreKind::ALL {
        let open = kind.open(env!("CARGO_TARGET_TMPDIR"));
        let store = &**open.store();
        let user = caller(1).user;
        let mut recording = Recording::new(SEED, Digits::Single);
        let mut stored = 0;
        for case in Case::ALL {
            let round = case.round(&mut recording, session_id(1), COUNT);
            if let Some(before) = &round.before {
                let outcome = push(store, user, before).await.unwrap();
                assert_eq!(outcome.inserted, before.samples_count() as u64);
                stored += outcome.inserted;
            }
            let outcome = push(store, user, &round.push).await.unwrap();
            let counts = (outcome.inserted, outcome.updated, outcome.duplicates);
            assert_eq!(counts, case.expected(COUNT as u64), "{case:?} on {kind}");
            stored += outcome.inserted;
            assert_eq!(outcome.data_count, stored, "{case:?} on {kind}");
        }
    }
}

#[tokio::test]
async fn pulls_of_all_stores_are_of_one_length_and_empty_when_nothing_changed() {
    let mut lengths = Vec::new();
    for kind in StoreKind::ALL {
        let open = kind.open(env!("CARGO_TARGET_TMPDIR"));
        let caller = caller(1);
        let round = Case::Fresh.round(
            &mut Recording::new(SEED, Digits::Decimal),
            session_id(1),
            COUNT,
        );
        let clock = push(&**open.store(), caller.user, &round.push)
            .await
            .unwrap()
            .clock;
        let service = SyncService::new(open.store().clone());
        let length = pull(
            &service,
            &caller,
            PullRequest {
                max_records: None,
                ..PullRequest::default()
            },
        )
        .await;
        assert!(length > COUNT * 60, "{length}");
        lengths.push(length);

        let replay = SyncService::new(std::sync::Arc::new(ReplayStore::new(open.store().clone())));
        for _ in 0..2 {
            let replayed = pull(&replay, &caller, PullRequest::default()).await;
            // The clocks and ids of an answer have a few digits more or less.
            assert!(replayed.abs_diff(length) < 20, "{replayed}, {length}");
        }
        let since = PullRequest {
            last_sync_time: Some(clock),
            ..PullRequest::default()
        };
        let unchanged = pull(&service, &caller, since).await;
        assert!(unchanged < 400, "{unchanged}");
    }
    assert!(lengths[0].abs_diff(lengths[1]) < 20, "{lengths:?}");
}
