//! What must hold between calls that run at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::threads::{CALLERS_COUNT, joined, on_a_thread, race};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::harness::push_command;
use crate::conformance::script::{
    ANN, NOON, RUN, before_noon, body, edited, everything, samples, session, session_id,
};
use crate::store::{StoreErrorKind, SyncStore};

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
