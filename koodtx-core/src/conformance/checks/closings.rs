//! Ending sessions whose devices do not say that they are over.

use super::finding::ENDED;
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::script::{
    ANN, BEN, RUN, WALK, before_noon, everything, samples, session, session_with,
};
use crate::time::Timestamp;

const NOTE: &str = "closed by the server";

/// A closed session ends with its last sample, says why, and is a change like any other.
pub(crate) async fn a_closed_session_ends_with_its_last_sample(h: &Harness) -> Outcome {
    let store = h.maintenance()?;
    let notes = session_with(RUN, r#""notes":"rain""#);
    // Samples of the day of the session's start, the last one not of the first sensor.
    let day = 1_763_000_000_000;
    h.push(ANN, &notes, &samples("gps", day..day + 10)).await?;
    let clock = h
        .push(ANN, &session(RUN), &samples("acc", day..day + 5))
        .await?
        .clock;
    let before = h.state(ANN, RUN).await?;
    let closed = store.close_session(ANN, RUN, clock, NOTE, h.now()).await?;
    ensure!(closed > Some(clock), "closed at {closed:?} after {clock}");
    let delta = h.pull_since(ANN, clock).await?;
    ensure_eq!(Some(delta.clock), closed, "the user clock");
    let [state] = &delta.sessions[..] else {
        return Err(crate::conformance::Failure::new(
            "a delta pull does not show it",
        ));
    };
    let fields = &state.fields;
    ensure_eq!(
        (fields.is_active(), fields.end_time(), fields.notes()),
        (
            false,
            Some(Timestamp::from_millis(day as i64 + 9)),
            Some("rain\nclosed by the server")
        ),
        "activity, end, notes"
    );
    ensure_eq!(Some(state.updated_at), closed, "its last change");
    ensure_eq!(
        (state.data_count, state.created_at),
        (before.data_count, before.created_at),
        "records, creation"
    );
    ensure_eq!(h.values(ANN, RUN).await?.len(), 15, "records");
    ensure_eq!(
        h.sync().status(ANN, 0).await?.active_sessions,
        0,
        "active sessions"
    );
    // Samples of 1970 lie before the start; a session without any ends where it began.
    h.push(ANN, &session(WALK), &samples("gps", 0..1)).await?;
    let state = h.state(ANN, WALK).await?;
    store
        .close_session(ANN, WALK, state.updated_at, NOTE, h.now())
        .await?;
    let fields = h.state(ANN, WALK).await?.fields;
    ensure_eq!(fields.end_time(), Some(fields.start_time()), "the end");
    Ok(())
}

/// A session that has changed since it was looked at, one that is over, one that is deleted and one
/// that was never there are left alone.
pub(crate) async fn only_an_unchanged_active_session_is_closed(h: &Harness) -> Outcome {
    let store = h.maintenance()?;
    let first = h.push(ANN, &session(RUN), &samples("gps", 0..5)).await?;
    h.push(ANN, &session(RUN), &samples("gps", 5..6)).await?;
    let over = h.push(ANN, &session_with(WALK, ENDED), &[]).await?;
    h.push(BEN, &session(WALK), &[]).await?;
    let deleted = h.delete(BEN, WALK).await?;
    let before = h.pull(everything(ANN)).await?;
    for (user, session, clock) in [
        (ANN, RUN, first.clock),
        (ANN, WALK, over.clock),
        (BEN, WALK, deleted),
        (BEN, RUN, deleted),
    ] {
        let closed = store
            .close_session(user, session, clock, NOTE, h.now())
            .await?;
        ensure_eq!(closed, None, "closing what is not to be closed");
    }
    ensure_eq!(h.pull(everything(ANN)).await?, before, "the sessions");
    Ok(())
}

/// The server only guesses: an edit that a device made before the closing, and sends after it, wins.
pub(crate) async fn what_a_device_said_before_wins_over_a_closing(h: &Harness) -> Outcome {
    let stamped = |members: &str, seconds| {
        let stamp = before_noon(seconds);
        session_with(RUN, &format!(r#"{members}"updated_at":"{stamp}""#))
    };
    h.push(
        ANN,
        &stamped(r#""notes":"old","is_active":true,"#, 500),
        &[],
    )
    .await?;
    let state = h.state(ANN, RUN).await?;
    let store = h.maintenance()?;
    store
        .close_session(ANN, RUN, state.updated_at, NOTE, h.now())
        .await?;
    let edit = stamped(r#""notes":"mine","is_active":true,"end_time":null,"#, 400);
    h.push(ANN, &edit, &[]).await?;
    let fields = h.state(ANN, RUN).await?.fields;
    ensure_eq!(
        (fields.is_active(), fields.end_time(), fields.notes()),
        (true, None, Some("mine")),
        "activity, end, notes"
    );
    Ok(())
}
