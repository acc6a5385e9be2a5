//! What must hold between calls that run at the same time.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::accounts::{new_user, register};
use super::sign_ins::{FIRST, live, rotate, sign_in, sign_in_id};
use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::follower::{Follower, whole_copy};
use crate::conformance::harness::push_command;
use crate::conformance::script::{
    ANN, NOON, RUN, before_noon, body, edited, everything, record, samples, session, session_id,
    session_with,
};
use crate::store::{Rotation, StoreErrorKind, SyncStore};
use crate::time::Timestamp;

/// Callers at the same time: more than there are cores, so that they get in each other's way.
const CALLERS_COUNT: usize = 6;

/// Runs a future on a thread of its own, so that callers overlap also where a store keeps its
/// thread busy.
fn on_a_thread<T: Send + 'static>(
    call: impl Future<Output = Outcome<T>> + Send + 'static,
) -> JoinHandle<Outcome<T>> {
    spawn_blocking(move || Handle::current().block_on(call))
}

async fn joined<T>(thread: JoinHandle<Outcome<T>>) -> Outcome<T> {
    thread
        .await
        .map_err(|error| Failure::new(format!("a caller died: {error}")))?
}

/// Runs one future for each caller, all from the same moment on, and returns what each came to.
async fn race<T, F>(call: impl Fn(usize) -> F) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let start = Arc::new(Barrier::new(CALLERS_COUNT));
    let threads: Vec<_> = (0..CALLERS_COUNT)
        .map(|caller| {
            let (start, call) = (start.clone(), call(caller));
            on_a_thread(async move {
                start.wait();
                call.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for thread in threads {
        results.push(joined(thread).await?);
    }
    Ok(results)
}

/// N devices push the same records at the same time: the sums over all answers are as if they had
/// come one after another.
pub(crate) async fn identical_pushes_at_once_insert_each_record_once(h: &Harness) -> Outcome {
    const RECORDS_COUNT: u64 = 40;
    let text = body(&session(RUN), &samples("gps", 0..RECORDS_COUNT));
    let outcomes = race(|_| {
        let (store, command) = (h.sync().clone(), push_command(ANN, &text, NOON));
        async move { Ok(store.push(command?, NOON).await?) }
    })
    .await?;
    let inserted: u64 = outcomes.iter().map(|outcome| outcome.inserted).sum();
    let duplicates: u64 = outcomes.iter().map(|outcome| outcome.duplicates).sum();
    let expected = (RECORDS_COUNT, RECORDS_COUNT * (CALLERS_COUNT as u64 - 1));
    ensure_eq!(
        (inserted, duplicates),
        expected,
        "inserted, duplicates of all answers"
    );
    for outcome in &outcomes {
        ensure_eq!(
            outcome.data_count,
            RECORDS_COUNT,
            "data_count in each answer"
        );
        ensure_eq!(
            outcome.clock,
            outcomes[0].clock,
            "the clock: only one push had an effect"
        );
    }
    ensure_eq!(
        h.records(ANN, RUN).await?.len() as u64,
        RECORDS_COUNT,
        "records stored"
    );
    Ok(())
}

/// N devices push different values of the same records at the same time: each record ends with its
/// latest value, and each change has a clock of its own.
pub(crate) async fn conflicting_pushes_at_once_converge(h: &Harness) -> Outcome {
    // Of record `n` the value of caller `n` is the latest, so no order of arrival is right by
    // accident.
    let text = |caller: usize| {
        let records: Vec<_> = (0..CALLERS_COUNT)
            .map(|number| {
                let age = (number + CALLERS_COUNT - caller) % CALLERS_COUNT + 1;
                edited(
                    "gps",
                    number,
                    &format!(r#"{{"x":{caller}}}"#),
                    before_noon(age as i64),
                )
            })
            .collect();
        body(&session(RUN), &records)
    };
    let outcomes = race(|caller| {
        let (store, command) = (h.sync().clone(), push_command(ANN, &text(caller), NOON));
        async move { Ok(store.push(command?, NOON).await?) }
    })
    .await?;
    let expected: Vec<_> = (0..CALLERS_COUNT)
        .map(|n| format!(r#"gps@{} {{"x":{n}}}"#, n * 1_000))
        .collect();
    ensure_eq!(
        h.values(ANN, RUN).await?,
        expected,
        "the values after all pushes"
    );
    let inserted: u64 = outcomes.iter().map(|outcome| outcome.inserted).sum();
    ensure_eq!(inserted, CALLERS_COUNT as u64, "inserted of all answers");
    Ok(())
}

/// Changes at the same time have clocks of their own, and log entries ids of their own.
pub(crate) async fn changes_at_once_have_clocks_of_their_own(h: &Harness) -> Outcome {
    let outcomes = race(|caller| {
        let store = h.sync().clone();
        let metadata = session(session_id(caller as u128 + 1));
        let command = push_command(ANN, &body(&metadata, &[]), NOON);
        async move { Ok(store.push(command?, NOON).await?) }
    })
    .await?;
    let clocks: BTreeSet<_> = outcomes.iter().map(|outcome| outcome.clock).collect();
    ensure_eq!(clocks.len(), CALLERS_COUNT, "different clocks");
    let ids: BTreeSet<_> = outcomes.iter().map(|outcome| outcome.log_id).collect();
    ensure_eq!(ids.len(), CALLERS_COUNT, "different log ids");
    let last = clocks.last().copied();
    ensure_eq!(
        Some(h.pull(everything(ANN)).await?.clock),
        last,
        "the clock of a pull"
    );
    Ok(())
}

/// Of N deletions of one session at the same time exactly one succeeds.
pub(crate) async fn of_deletions_at_once_one_succeeds(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    let now = h.now();
    let deleted = race(|_| {
        let store = h.sync().clone();
        async move {
            match store.delete_session(ANN, RUN, now).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
    })
    .await?;
    ensure_eq!(
        deleted.iter().filter(|deleted| **deleted).count(),
        1,
        "deletions that succeeded"
    );
    Ok(())
}

/// A push is seen whole or not at all: no reader finds a part of it.
pub(crate) async fn a_push_is_seen_whole(h: &Harness) -> Outcome {
    const PUSHES_COUNT: u64 = 20;
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, done) = (h.sync().clone(), done.clone());
        on_a_thread(async move {
            let pushed = push_pairs(&*store, PUSHES_COUNT).await;
            done.store(true, Ordering::Release);
            pushed
        })
    };
    let mut seen = Ok(());
    while seen.is_ok() && !done.load(Ordering::Acquire) {
        seen = only_whole_pushes(h).await;
        tokio::task::yield_now().await;
    }
    joined(writer).await?;
    seen?;
    only_whole_pushes(h).await?;
    ensure_eq!(
        h.detail(ANN, RUN).await?.state.data_count,
        2 * PUSHES_COUNT,
        "data_count at last"
    );
    Ok(())
}

/// Pushes one record of each of two sensors, again and again.
async fn push_pairs(store: &dyn SyncStore, count: u64) -> Outcome {
    for number in 0..count {
        let records = [samples("a", [number]), samples("b", [number])].concat();
        store
            .push(
                push_command(ANN, &body(&session(RUN), &records), NOON)?,
                NOON,
            )
            .await?;
    }
    Ok(())
}

async fn only_whole_pushes(h: &Harness) -> Outcome {
    const PUSH_RECORDS_COUNT: u64 = 2;
    for state in h.pull(everything(ANN)).await?.sessions {
        let whole = state.data_count.is_multiple_of(PUSH_RECORDS_COUNT);
        ensure!(whole, "data_count {} holds half a push", state.data_count);
        let stored = h.records(ANN, RUN).await?.len() as u64;
        ensure!(
            stored >= state.data_count,
            "{stored} records after {}",
            state.data_count
        );
    }
    Ok(())
}

/// A push whose caller went away half way has happened whole or not at all.
pub(crate) async fn a_dropped_push_is_whole_or_nothing(h: &Harness) -> Outcome {
    const RECORDS_COUNT: u64 = 6;
    /// The push is dropped after this many steps of its future.
    const STEPS_MAX_COUNT: usize = 4;
    let records = [samples("a", 0..3), samples("b", 0..3)].concat();
    for steps in 0..=STEPS_MAX_COUNT {
        let id = session_id(steps as u128 + 1);
        let command = push_command(ANN, &body(&session(id), &records), NOON)?;
        let mut push = h.sync().push(command, h.now());
        for _ in 0..steps {
            let step = std::future::poll_fn(|context| {
                std::task::Poll::Ready(push.as_mut().poll(context).is_ready())
            });
            if step.await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(push);
        // A second push of the same session is serialised behind whatever the first left running.
        h.push(ANN, &session(id), &[]).await?;
        let count = h.detail(ANN, id).await?.state.data_count;
        let stored = h.records(ANN, id).await?.len() as u64;
        ensure!(
            count == 0 || count == RECORDS_COUNT,
            "dropped after {steps} steps: {count} records"
        );
        ensure_eq!(
            stored,
            count,
            "records that can be read after {steps} steps"
        );
    }
    Ok(())
}

/// Devices that follow the protocol with small pages, while others write, end with exactly the
/// state of the store.
pub(crate) async fn a_device_beside_writers_misses_nothing(h: &Harness) -> Outcome {
    const WRITERS_COUNT: u64 = 4;
    /// Each device pulls at least so often while the writers are at it.
    const ROUNDS_COUNT: usize = 3;
    const PAGE_SIZE: usize = 2;
    let store = h.sync().clone();
    let enough = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS_COUNT)
        .map(|writer| {
            let (store, enough) = (store.clone(), enough.clone());
            on_a_thread(async move { write_until(&*store, writer, &enough).await })
        })
        .collect();
    let mut devices = [
        Follower::new(ANN, PAGE_SIZE, false),
        Follower::new(ANN, PAGE_SIZE, true),
    ];
    for round in 0.. {
        if round >= ROUNDS_COUNT {
            enough.store(true, Ordering::Release);
        }
        if writers.iter().all(JoinHandle::is_finished) {
            break;
        }
        for device in &mut devices {
            device.round(&*store).await?;
        }
    }
    for writer in writers {
        joined(writer).await?;
    }
    let expected = whole_copy(&*store, ANN).await?;
    for device in &mut devices {
        // The first round may repeat what came late; the second must be the last.
        device.round(&*store).await?;
        device.round(&*store).await?;
        for (id, session) in &expected {
            ensure_eq!(
                device.copy().get(id),
                Some(session),
                "the device's copy of {id}"
            );
        }
        ensure_eq!(
            device.copy().len(),
            expected.len(),
            "sessions of the device"
        );
    }
    Ok(())
}

/// Begins sessions, adds to earlier ones, also to those of other writers, and deletes a few, until
/// it is enough.
async fn write_until(store: &dyn SyncStore, writer: u64, enough: &AtomicBool) -> Outcome {
    const PUSHES_MIN_COUNT: u64 = 8;
    /// Where nobody ever says that it is enough: a device failed.
    const PUSHES_MAX_COUNT: u64 = 60;
    const PAUSE: Duration = Duration::from_millis(1);
    for number in 0..PUSHES_MAX_COUNT {
        if number >= PUSHES_MIN_COUNT && enough.load(Ordering::Acquire) {
            break;
        }
        let own = session_id(u128::from(writer * PUSHES_MAX_COUNT + number) + 1);
        let one = record("gps", writer, &format!(r#"{{"x":{number}}}"#));
        let command = push_command(ANN, &body(&session(own), &[one]), NOON)?;
        store.push(command, NOON).await?;

        let shared = session_id(u128::from(number / 2) + 1);
        let metadata = session_with(shared, &format!(r#""notes":"{writer} {number}""#));
        let command = push_command(
            ANN,
            &body(&metadata, &samples("acc", [writer, number])),
            NOON,
        )?;
        store.push(command, NOON).await?;
        if number % 5 == 4 {
            match store.delete_session(ANN, shared, NOON).await {
                Err(error) if error.kind() != StoreErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Of N registrations of one name at the same time exactly one succeeds.
pub(crate) async fn of_registrations_at_once_one_succeeds(h: &Harness) -> Outcome {
    let accounts = h.accounts()?;
    let created = race(|caller| {
        let accounts = accounts.clone();
        let name = if caller % 2 == 0 { "ann" } else { "ANN" };
        let new = new_user(name, &format!("{caller}@example.org"), None);
        async move { Ok(accounts.create_user(new, NOON).await?.is_ok()) }
    })
    .await?;
    ensure_eq!(
        created.iter().filter(|created| **created).count(),
        1,
        "accounts created"
    );
    ensure_eq!(
        accounts.users(None, 10).await?.users.len(),
        1,
        "accounts listed"
    );
    Ok(())
}

/// Of N devices that present the same current token at the same time exactly one gets the next; the
/// others show that it was copied.
pub(crate) async fn of_rotations_at_once_one_succeeds(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    sign_in(h, ann, 1, None).await?;
    let accounts = h.accounts()?;
    let (expiry, now) = (Timestamp::MAX, h.now());
    let rotations = race(|caller| {
        let accounts = accounts.clone();
        let next = [caller as u8 + 10; 32];
        async move {
            Ok(accounts
                .rotate(sign_in_id(1), ann, FIRST, next, expiry, now)
                .await?)
        }
    })
    .await?;
    let count = |wanted: fn(&Rotation) -> bool| rotations.iter().filter(|r| wanted(r)).count();
    ensure_eq!(
        count(|r| matches!(r, Rotation::Rotated(_))),
        1,
        "rotations that succeeded"
    );
    ensure_eq!(
        count(|r| *r == Rotation::Reused),
        1,
        "reuse found, before the family was gone"
    );
    ensure_eq!(live(h, ann).await?, [], "live sign-ins after the reuse");
    ensure_eq!(
        rotate(h, ann, 1, [10; 32], [99; 32]).await?,
        Rotation::Unknown,
        "any token"
    );
    Ok(())
}
