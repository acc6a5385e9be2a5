//! Calls at the same time through the connections of two servers, and calls whose callers go away.

mod common;
#[path = "common/script.rs"]
mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::two_servers;
use koodtx_core::conformance::{Follower, whole_copy};
use koodtx_core::store::{MaintenanceStore as _, SyncStore};
use koodtx_core::time::Timestamp;
use script::{NOW, SESSION, USER, chunks, command, push, record, session};

fn records(rows: std::ops::Range<u64>, value: u64) -> Vec<String> {
    rows.map(|row| record("a", row, &format!(r#"{{"x":{value}}}"#)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn identical_pushes_through_both_servers_insert_once() {
    const DEVICES_COUNT: u64 = 12;
    const RECORDS_COUNT: u64 = 2_000;
    let (_database, stores) = two_servers().await;
    let pushes: Vec<_> = (0..DEVICES_COUNT)
        .map(|device| {
            let store = stores[device as usize % 2].clone();
            tokio::spawn(async move { push(&store, &records(0..RECORDS_COUNT, 7)).await })
        })
        .collect();
    let (mut inserted, mut updated, mut duplicates) = (0, 0, 0);
    for push in pushes {
        let outcome = push.await.unwrap().unwrap();
        inserted += outcome.inserted;
        updated += outcome.updated;
        duplicates += outcome.duplicates;
        assert_eq!(outcome.data_count, RECORDS_COUNT);
    }
    assert_eq!((inserted, updated), (RECORDS_COUNT, 0));
    assert_eq!(duplicates, (DEVICES_COUNT - 1) * RECORDS_COUNT);
}

/// A device that asks one server after the other misses nothing of what writers do through both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_device_beside_writers_on_two_servers_ends_with_everything() {
    const WRITERS_COUNT: u64 = 4;
    const CHANGES_COUNT: u64 = 50;
    const SESSIONS_COUNT: u64 = 9;
    for changes_only in [false, true] {
        let (_database, stores) = two_servers().await;
        let writers: Vec<_> = (0..WRITERS_COUNT)
            .map(|writer| {
                let stores = stores.clone();
                tokio::spawn(async move {
                    for change in 0..CHANGES_COUNT {
                        let store = &stores[(change + writer) as usize % 2];
                        let number = (change * (writer + 1)) % SESSIONS_COUNT;
                        let id = format!("{}{number}", &SESSION[..SESSION.len() - 1]);
                        let mut push =
                            command(&records(change * 3..change * 3 + 40, writer + change));
                        let batch = Arc::make_mut(&mut push.batch);
                        batch.session.session_id = id.parse().unwrap();
                        if change % 17 == 16 {
                            let id = batch.session.session_id;
                            // Another writer may have deleted it just before.
                            let _gone = store.delete_session(USER, id, NOW).await;
                        } else {
                            store.push(push, NOW).await.unwrap();
                        }
                    }
                })
            })
            .collect();
        let done = Arc::new(AtomicBool::new(false));
        let pulling = {
            let (stores, done) = (stores.clone(), done.clone());
            tokio::spawn(async move {
                let mut device = Follower::new(USER, 2, changes_only);
                let mut rounds = 0;
                while !done.load(Ordering::SeqCst) {
                    device.round(&stores[rounds % 2]).await.unwrap();
                    rounds += 1;
                }
                // What was written while the last round ran.
                device.round(&stores[0]).await.unwrap();
                (device, rounds)
            })
        };
        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let (device, rounds) = pulling.await.unwrap();
        assert!(
            rounds > 1,
            "the device should have pulled beside the writers"
        );
        let whole = whole_copy(&stores[1], USER).await.unwrap();
        assert!(
            device.copy() == &whole,
            "the device should have what the servers have"
        );
        let page = stores[0].verify(None, 100).await.unwrap();
        assert_eq!(page.problems, []);
    }
}

/// What changes through either server has clocks of its own, and none becomes visible behind another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clocks_never_become_visible_out_of_order() {
    const PUSHES_COUNT: u64 = 60;
    let (_database, stores) = two_servers().await;
    let writers: Vec<_> = (0..4_u64)
        .map(|writer| {
            let store = stores[writer as usize % 2].clone();
            tokio::spawn(async move {
                let mut clocks = Vec::new();
                for nth in 0..PUSHES_COUNT {
                    let row = writer * 10_000 + nth;
                    let outcome = push(&store, &records(row..row + 1, nth)).await.unwrap();
                    clocks.push(outcome.clock);
                }
                clocks
            })
        })
        .collect();
    let mut seen = Timestamp::ZERO;
    let mut count = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        let detail = stores[count % 2].session(USER, session()).await.unwrap();
        if let Some(detail) = detail {
            assert!(
                detail.state.updated_at >= seen,
                "a change became visible late"
            );
            seen = detail.state.updated_at;
        }
        count += 1;
    }
    let mut all = Vec::new();
    for writer in writers {
        let clocks = writer.await.unwrap();
        assert!(clocks.is_sorted_by(|before, after| before < after));
        all.extend(clocks);
    }
    all.sort();
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count, "two changes share a clock");
}

/// A push whose caller stops waiting is there whole or not at all, and leaves no lock behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_abandoned_push_is_whole_or_nothing() {
    const RECORDS_COUNT: u64 = 1_500;
    const ROUNDS_COUNT: u64 = 60;
    let (_database, stores) = two_servers().await;
    let (mut whole, mut nothing) = (0, 0);
    for round in 0..ROUNDS_COUNT {
        let rows = round * RECORDS_COUNT..(round + 1) * RECORDS_COUNT;
        let store = stores[0].clone();
        let pushed = records(rows, 1);
        let push_all = tokio::spawn(async move { push(&store, &pushed).await });
        tokio::time::sleep(Duration::from_micros(round * 150)).await;
        push_all.abort();
        let _abandoned = push_all.await;
        // Would wait for ever if the lock were still held.
        let rest = push(&stores[1], &[record("b", round, "{}")]).await.unwrap();
        let others = rest.data_count - (round + 1);
        assert_eq!(others % RECORDS_COUNT, 0, "a part of a push is stored");
        if others / RECORDS_COUNT > whole {
            whole += 1;
        } else {
            nothing += 1;
        }
    }
    assert_eq!(whole + nothing, ROUNDS_COUNT);
    let read: usize = chunks(&stores[0], 5_000)
        .await
        .iter()
        .map(koodtx_core::pull::RecordChunk::len)
        .sum();
    assert_eq!(read as u64, whole * RECORDS_COUNT + ROUNDS_COUNT);
    let page = stores[1].verify(None, 10).await.unwrap();
    assert_eq!(page.problems, []);
}
