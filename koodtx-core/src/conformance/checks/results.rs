//! What background work leaves behind.

use super::finding::{ENDED, analyse};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::script::{ANN, BEN, NOON, RUN, WALK, samples, session, session_with};
use crate::store::{ANALYSIS_MAX_BYTES, Analysis, StoreErrorKind, TaskRun};

/// An analysis comes back as it was stored, to the character, and a later one takes its place.
pub(crate) async fn an_analysis_comes_back(h: &Harness) -> Outcome {
    let store = h.results()?;
    ensure_eq!(store.analysis(ANN, RUN).await?, None, "nothing is stored");
    let clock = h
        .push(ANN, &session(RUN), &samples("gps", 0..3))
        .await?
        .clock;
    ensure_eq!(store.analysis(ANN, RUN).await?, None, "nothing is stored");
    let long = format!(r#"{{"text": "{}"}}"#, "ä\\u0000".repeat(3_000));
    for (step, result) in ["{ \"b\":1.50,\"a\":[1e-7,null] }", &long, "{}"]
        .into_iter()
        .enumerate()
    {
        let analysis = Analysis {
            session: RUN,
            clock: clock.plus_micros(step as i64 / 2),
            result: result.to_owned(),
        };
        ensure!(
            store.put_analysis(ANN, analysis.clone()).await?,
            "it was refused"
        );
        ensure_eq!(
            store.analysis(ANN, RUN).await?,
            Some(analysis),
            "the analysis"
        );
    }
    let of_none = Analysis {
        session: WALK,
        clock,
        result: "{}".to_owned(),
    };
    ensure!(
        !store.put_analysis(ANN, of_none).await?,
        "an unknown session has an analysis"
    );
    ensure_eq!(
        store.analysis(ANN, WALK).await?,
        None,
        "of an unknown session"
    );
    Ok(())
}

/// A worker that was slow does not take the result of a faster one away.
pub(crate) async fn an_earlier_analysis_replaces_no_later_one(h: &Harness) -> Outcome {
    let first = h
        .push(ANN, &session(RUN), &samples("gps", 0..3))
        .await?
        .clock;
    let second = h
        .push(ANN, &session(RUN), &samples("gps", 3..5))
        .await?
        .clock;
    ensure!(analyse(h, ANN, RUN, second).await?, "it was refused");
    ensure!(
        !analyse(h, ANN, RUN, first).await?,
        "an earlier one was taken"
    );
    let stored = h.results()?.analysis(ANN, RUN).await?;
    ensure_eq!(stored.map(|stored| stored.clock), Some(second), "its clock");
    Ok(())
}

/// A deletion takes the analysis along, for good: a worker that began before it comes too late, also
/// where the session was revived.
pub(crate) async fn an_analysis_goes_with_its_session(h: &Harness) -> Outcome {
    let store = h.results()?;
    let clock = h
        .push(ANN, &session(RUN), &samples("gps", 0..3))
        .await?
        .clock;
    analyse(h, ANN, RUN, clock).await?;
    h.delete(ANN, RUN).await?;
    ensure_eq!(
        store.analysis(ANN, RUN).await?,
        None,
        "of a deleted session"
    );
    ensure!(
        !analyse(h, ANN, RUN, clock).await?,
        "a deleted session has an analysis"
    );
    let revived = h
        .push(ANN, &session(RUN), &samples("gps", 0..1))
        .await?
        .clock;
    ensure_eq!(
        store.analysis(ANN, RUN).await?,
        None,
        "of a revived session"
    );
    ensure!(
        !analyse(h, ANN, RUN, clock).await?,
        "it is of the session's last life"
    );
    ensure!(analyse(h, ANN, RUN, revived).await?, "it was refused");
    Ok(())
}

/// The analysis is what is left when samples are purged.
pub(crate) async fn an_analysis_outlives_the_samples(h: &Harness) -> Outcome {
    let ended = session_with(RUN, ENDED);
    let clock = h.push(ANN, &ended, &samples("gps", 0..3)).await?.clock;
    analyse(h, ANN, RUN, clock).await?;
    let before = h.results()?.analysis(ANN, RUN).await?;
    h.maintenance()?
        .purge_samples(ANN, RUN, clock, h.now())
        .await?;
    ensure!(before.is_some(), "nothing is stored");
    // A worker that read the session while it was purged.
    ensure!(
        !analyse(h, ANN, RUN, clock).await?,
        "a purged session was analysed"
    );
    let later = h
        .push(ANN, &session(RUN), &samples("gps", 9..10))
        .await?
        .clock;
    ensure!(
        !analyse(h, ANN, RUN, later).await?,
        "a purged session was analysed"
    );
    ensure_eq!(
        h.results()?.analysis(ANN, RUN).await?,
        before,
        "the analysis"
    );
    Ok(())
}

/// Users with sessions of the same id have an analysis each.
pub(crate) async fn an_analysis_belongs_to_its_user(h: &Harness) -> Outcome {
    let store = h.results()?;
    let clock = h
        .push(ANN, &session(RUN), &samples("gps", 0..3))
        .await?
        .clock;
    h.push(BEN, &session(RUN), &samples("gps", 0..3)).await?;
    analyse(h, ANN, RUN, clock).await?;
    ensure_eq!(store.analysis(BEN, RUN).await?, None, "of another user");
    let later = clock.plus_micros(1_000_000_000);
    analyse(h, BEN, RUN, later).await?;
    for (user, clock) in [(ANN, clock), (BEN, later)] {
        let stored = store.analysis(user, RUN).await?;
        ensure_eq!(
            stored.map(|stored| stored.clock),
            Some(clock),
            "of user {user}"
        );
    }
    Ok(())
}

/// A result at the limit is stored; one above it is refused, with nothing changed.
pub(crate) async fn an_analysis_is_bounded(h: &Harness) -> Outcome {
    let store = h.results()?;
    let clock = h.push(ANN, &session(RUN), &[]).await?.clock;
    let of_bytes = |bytes: usize| Analysis {
        session: RUN,
        clock,
        result: format!("\"{}\"", "x".repeat(bytes - 2)),
    };
    let largest = of_bytes(ANALYSIS_MAX_BYTES);
    ensure!(
        store.put_analysis(ANN, largest.clone()).await?,
        "it was refused"
    );
    match store
        .put_analysis(ANN, of_bytes(ANALYSIS_MAX_BYTES + 1))
        .await
    {
        Err(error) => ensure_eq!(error.kind(), StoreErrorKind::LimitExceeded, "kind of error"),
        Ok(_) => ensure!(false, "an analysis above the limit was taken"),
    }
    ensure!(
        store.analysis(ANN, RUN).await? == Some(largest),
        "it is not the largest"
    );
    Ok(())
}

/// Of each task the run that began last is kept, whole; they are listed by name.
pub(crate) async fn the_last_run_of_each_task_is_kept(h: &Harness) -> Outcome {
    let store = h.results()?;
    ensure_eq!(store.task_runs().await?, [], "runs in the beginning");
    let run = |task: &str, seconds: i64, succeeded| TaskRun {
        task: task.to_owned(),
        started_at: NOON.plus_micros(seconds * 1_000_000),
        finished_at: NOON.plus_micros(seconds * 1_000_000 + 7),
        succeeded,
        outcome: format!(r#"{{"sessions":{seconds},"text":"ä"}}"#),
    };
    for one in [
        run("purge", 5, true),
        run("close", 6, true),
        run("purge", 9, false),
        run("purge", 7, true),
    ] {
        store.put_task_run(one).await?;
    }
    let expected = [run("close", 6, true), run("purge", 9, false)];
    ensure_eq!(store.task_runs().await?, expected, "runs");
    Ok(())
}
