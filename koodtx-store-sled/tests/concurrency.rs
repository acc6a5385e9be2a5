//! Calls from many threads at once, and calls whose callers go away.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::fresh;
use koodtx_core::conformance::{Follower, whole_copy};
use koodtx_core::id::UserId;
use koodtx_core::pull::RecordQuery;
use koodtx_core::push::PushBatch;
use koodtx_core::store::{PushCommand, Quota};
use koodtx_core::time::Timestamp;
use tokio::time::timeout;

const USER: UserId = UserId(1);
const NOW: Timestamp = Timestamp::from_millis(1_763_035_200_000);

fn command(user: UserId, session: u64, from: u64, count: u64, value: u64) -> PushCommand {
    let records: Vec<String> = (from..from + count)
        .map(|at| format!(r#"{{"sensor_type":"a","timestamp":{at},"data":{{"x":{value}}}}}"#))
        .collect();
    let body = format!(
        r#"{{"session":{{"session_id":"00000000-0000-4000-8000-{session:012x}","start_time":"2025-11-13T00:00:00Z"}},
            "sensor_data":[{}]}}"#,
        records.join(",")
    );
    let batch = Arc::new(PushBatch::parse(body.as_bytes()).unwrap());
    PushCommand {
        user,
        batch,
        device_id: None,
        body_bytes: body.len() as u64,
        started_at: NOW,
        request_id: None,
        quota: Quota::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn identical_pushes_from_many_devices_insert_once() {
    const DEVICES_COUNT: u64 = 12;
    const RECORDS_COUNT: u64 = 2_000;
    let harness = fresh().await;
    let pushes: Vec<_> = (0..DEVICES_COUNT)
        .map(|_| {
            let store = harness.sync().clone();
            tokio::spawn(
                async move { store.push(command(USER, 1, 0, RECORDS_COUNT, 7), NOW).await },
            )
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

/// More than the store merges at a time, one of them larger than that, and some whose callers go away while
/// they wait for their turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_pushes_of_many_users_wait_for_each_other_and_all_arrive() {
    const USERS_COUNT: u64 = 8;
    const LARGE_COUNT: u64 = 15_000;
    const LARGEST_COUNT: u64 = 50_000;
    /// Far more than all of them take.
    const PATIENCE: Duration = Duration::from_mins(1);
    let harness = fresh().await;
    let count_of = |user| {
        if user == 3 {
            LARGEST_COUNT
        } else {
            LARGE_COUNT
        }
    };
    let push = |user: u64| {
        let store = harness.sync().clone();
        let push = command(UserId(user.cast_signed()), user, 0, count_of(user), 7);
        tokio::spawn(async move { store.push(push, NOW).await })
    };
    let mut pushes = Vec::new();
    let mut given_up = Vec::new();
    for user in 1..=USERS_COUNT {
        pushes.push((user, push(user)));
        given_up.push(push(USERS_COUNT + user));
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    given_up.iter().for_each(tokio::task::JoinHandle::abort);
    for (user, push) in pushes {
        let outcome = timeout(PATIENCE, push).await.unwrap().unwrap().unwrap();
        assert_eq!(outcome.inserted, count_of(user));
    }
    // Those that were given up hold nothing up, and are there whole or not at all.
    for user in 1..=2 * USERS_COUNT {
        let again = timeout(PATIENCE, push(user)).await.unwrap();
        let again = again.unwrap().unwrap();
        assert_eq!(again.data_count, count_of(user));
        let is_whole = [again.inserted, again.duplicates].contains(&count_of(user));
        assert!(is_whole, "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_puller_with_pages_of_two_beside_four_writers_ends_with_everything() {
    const WRITERS_COUNT: u64 = 4;
    const CHANGES_COUNT: u64 = 60;
    const SESSIONS_COUNT: u64 = 9;
    for changes_only in [false, true] {
        let harness = fresh().await;
        let writers: Vec<_> = (0..WRITERS_COUNT)
            .map(|writer| {
                let store = harness.sync().clone();
                tokio::spawn(async move {
                    for change in 0..CHANGES_COUNT {
                        let session = (change * (writer + 1)) % SESSIONS_COUNT;
                        if change % 17 == 16 {
                            let id = command(USER, session, 0, 0, 0).batch.session.session_id;
                            // Another writer may have deleted it just before.
                            let _gone = store.delete_session(USER, id, NOW).await;
                        } else {
                            let push = command(USER, session, change * 3, 40, writer + change);
                            store.push(push, NOW).await.unwrap();
                        }
                    }
                })
            })
            .collect();
        let done = Arc::new(AtomicBool::new(false));
        let pulling = {
            let (store, done) = (harness.sync().clone(), done.clone());
            tokio::spawn(async move {
                let mut device = Follower::new(USER, 2, changes_only);
                let mut rounds = 0;
                while !done.load(Ordering::SeqCst) {
                    device.round(&*store).await.unwrap();
                    rounds += 1;
                }
                // What was written while the last round ran.
                device.round(&*store).await.unwrap();
                (device, rounds)
            })
        };
        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let (device, rounds) = pulling.await.unwrap();
        assert!(rounds > 1, "the puller should have run beside the writers");
        let whole = whole_copy(&**harness.sync(), USER).await.unwrap();
        assert!(
            device.copy() == &whole,
            "the device should have what the server has"
        );
        let page = harness
            .maintenance()
            .unwrap()
            .verify(None, 100)
            .await
            .unwrap();
        assert_eq!(page.problems, vec![]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_beside_a_writer_that_moves_blocks_get_every_record() {
    const PUSHES_COUNT: u64 = 400;
    const RECORDS_COUNT: u64 = 2_000;
    let harness = fresh().await;
    let session = command(USER, 1, 0, 0, 0).batch.session.session_id;
    harness
        .sync()
        .push(command(USER, 1, PUSHES_COUNT, RECORDS_COUNT, 1), NOW)
        .await
        .unwrap();
    let (done, acknowledged) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let readers: Vec<_> = [None, Some(Timestamp::ZERO)]
        .into_iter()
        .map(|changed_after| {
            let (store, done, acknowledged) =
                (harness.sync().clone(), done.clone(), acknowledged.clone());
            tokio::spawn(async move {
                let query = RecordQuery {
                    user: USER,
                    session,
                    after: None,
                    changed_after,
                    limit: usize::MAX,
                };
                while !done.load(Ordering::SeqCst) {
                    let before = acknowledged.load(Ordering::SeqCst);
                    let chunk = store.read_records(query.clone()).await.unwrap();
                    assert!(chunk.len() as u64 >= RECORDS_COUNT + before);
                }
            })
        })
        .collect();
    // Each record comes before all others, so the first block gets another key with every push.
    for push in 0..PUSHES_COUNT {
        let earlier = command(USER, 1, PUSHES_COUNT - 1 - push, 1, 1);
        harness.sync().push(earlier, NOW).await.unwrap();
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_push_whose_caller_goes_away_is_whole_or_not_there() {
    const PUSHES_COUNT: u64 = 60;
    const RECORDS_COUNT: u64 = 700;
    let harness = fresh().await;
    for session in 0..PUSHES_COUNT {
        let store = harness.sync().clone();
        let push = tokio::spawn(async move {
            store
                .push(command(USER, session, 0, RECORDS_COUNT, 1), NOW)
                .await
        });
        tokio::time::sleep(Duration::from_micros(session * 100)).await;
        push.abort();
        let _aborted = push.await;
    }
    let head = harness.pull_since(USER, Timestamp::ZERO).await.unwrap();
    for state in &head.sessions {
        assert_eq!(state.data_count, RECORDS_COUNT);
        assert_eq!(
            harness.records(USER, state.id).await.unwrap().len() as u64,
            RECORDS_COUNT
        );
    }
    let page = harness
        .maintenance()
        .unwrap()
        .verify(None, 1_000)
        .await
        .unwrap();
    assert_eq!(
        (page.problems, page.sessions),
        (vec![], head.sessions.len() as u64)
    );
    let status = harness.sync().status(USER, 1_000).await.unwrap();
    assert_eq!(status.recent_syncs.len(), head.sessions.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_users_push_side_by_side() {
    const USERS_COUNT: i64 = 100;
    let harness = fresh().await;
    let pushes: Vec<_> = (1..=USERS_COUNT)
        .map(|user| {
            let store = harness.sync().clone();
            tokio::spawn(async move { store.push(command(UserId(user), 1, 0, 50, 1), NOW).await })
        })
        .collect();
    for push in pushes {
        assert_eq!(push.await.unwrap().unwrap().inserted, 50);
    }
    let usage = harness.maintenance().unwrap().usage().await.unwrap();
    assert_eq!(
        (usage.sessions, usage.records),
        (USERS_COUNT as u64, 50 * USERS_COUNT as u64)
    );
    assert!(usage.disk_bytes > 0);
}
