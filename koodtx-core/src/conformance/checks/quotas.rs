//! How much a user may store.

use super::threads::{CALLERS_COUNT, race};
use crate::block::data_bytes_of;
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::follower::whole_copy;
use crate::conformance::harness::{push_command, taken};
use crate::conformance::script::{
    ANN, BEN, NOON, RIDE, RUN, WALK, before_noon, body, edited, everything, record, samples,
    session, session_id, session_with,
};
use crate::id::{SessionId, UserId};
use crate::store::{PushCommand, Quota};

/// What each of [`samples`] counts.
pub(super) const SAMPLE_BYTES: u64 = 16 + 1 + 8;

/// A quota of so many bytes.
pub(super) fn of_bytes(bytes: u64) -> Quota {
    Quota {
        bytes: Some(bytes),
        ..Quota::default()
    }
}

fn of_sessions(sessions: u64) -> Quota {
    Quota {
        sessions: Some(sessions),
        ..Quota::default()
    }
}

/// What the records of a session count, one by one.
async fn counted(h: &Harness, user: UserId, id: SessionId) -> Outcome<u64> {
    let records = h.records(user, id).await?;
    let bytes = records
        .iter()
        .map(|(_, record)| data_bytes_of(&record.data));
    Ok(bytes.sum())
}

/// What a session says is what its records count, whatever was pushed again or changed, and however many
/// fields the records have.
pub(crate) async fn data_bytes_are_those_of_the_records(h: &Harness) -> Outcome {
    let wide = |from: u64| -> Vec<String> {
        let data = |time: u64| {
            format!(
                r#"{{"f{time}":{time},"text\n":"{time} \"\u00e4\"","big":{{"b":1.0,"a":-0.0}}}}"#
            )
        };
        (from..from + 40)
            .map(|time| record("wide", time, &data(time)))
            .collect()
    };
    let pushes: [&[String]; 9] = [
        &samples("gps", 0..4),
        &samples("gps", 2..800),
        // Longer, shorter, the same in other words, and older than what is stored.
        &[
            record(
                "gps",
                3,
                r#"{"x":"a long text in place of a number","y":1}"#,
            ),
            record("gps", 600, r#"{"x":600.0}"#),
            edited("gps", 601, r#"{"x":"too late"}"#, before_noon(9)),
        ],
        &[record("gps", 3, r#"{"x":"short"}"#), record("gps", 4, "{}")],
        &samples("acc", [7, 7, 7]),
        &wide(0),
        &wide(40),
        &wide(20),
        &[
            record("acc", 8, r#"{"x":9007199254740993,"":null}"#),
            edited("acc", 7, r#"{"x":7}"#, NOON.plus_micros(60_000_000)),
        ],
    ];
    for (step, records) in pushes.into_iter().enumerate() {
        h.push(ANN, &session(RUN), records).await?;
        let state = h.state(ANN, RUN).await?;
        let expected = counted(h, ANN, RUN).await?;
        ensure_eq!(state.data_bytes, expected, "data_bytes after push {step}");
    }
    Ok(())
}

/// What a user is told to hold is the sum over the sessions.
pub(crate) async fn data_bytes_of_a_user_are_those_of_the_sessions(h: &Harness) -> Outcome {
    let steps = [
        (RUN, Some(samples("gps", 0..600))),
        (WALK, Some(samples("acc", 0..3))),
        (RUN, Some(samples("gps", 500..700))),
        (RUN, Some(vec![record("gps", 1, r#"{"x":"changed"}"#)])),
        (WALK, None),
        (RIDE, Some(samples("gps", 0..2))),
        (RIDE, None),
        (RUN, None),
    ];
    for (step, (id, records)) in steps.into_iter().enumerate() {
        match records {
            Some(records) => drop(h.push(ANN, &session(id), &records).await?),
            None => drop(h.delete(ANN, id).await?),
        }
        let sessions = h.pull(everything(ANN)).await?.sessions;
        let sum: u64 = sessions.iter().map(|state| state.data_bytes).sum();
        let told = h.sync().status(ANN, 0).await?.data_bytes;
        ensure_eq!(told, sum, "data_bytes of the user after step {step}");
    }
    let left = h.sync().status(ANN, 0).await?.data_bytes;
    ensure_eq!(left, 0, "data_bytes of a user without sessions");
    Ok(())
}

/// A push may fill the quota to the last byte.
pub(crate) async fn a_push_may_reach_the_quota_of_bytes(h: &Harness) -> Outcome {
    let quota = of_bytes(10 * SAMPLE_BYTES);
    for (id, times) in [(RUN, 0..4), (WALK, 0..4), (RUN, 4..6)] {
        let is_taken = h
            .push_within(quota, ANN, &session(id), &samples("gps", times))
            .await?;
        ensure!(is_taken, "a push within the quota was refused");
    }
    Ok(())
}

/// Pushes what has to be refused, and ensures that nothing of it is stored, not even a log entry.
async fn ensure_refused(h: &Harness, quota: Quota, session: &str, records: &[String]) -> Outcome {
    const RECENT: usize = 10;
    let copy = whole_copy(&**h.sync(), ANN).await?;
    let head = h.pull(everything(ANN)).await?;
    let status = h.sync().status(ANN, RECENT).await?;
    let is_taken = h.push_within(quota, ANN, session, records).await?;
    ensure!(!is_taken, "a push above the quota was taken");
    let after = h.pull(everything(ANN)).await?;
    ensure_eq!(after, head, "sessions after a refused push");
    let after = h.sync().status(ANN, RECENT).await?;
    ensure_eq!(after, status, "totals and log after a refused push");
    ensure!(
        whole_copy(&**h.sync(), ANN).await? == copy,
        "records differ after a refused push"
    );
    Ok(())
}

/// A push that would raise what the user holds above the quota is refused whole: by a sample, by a
/// longer value, and also in a session that is not there yet.
pub(crate) async fn a_push_over_the_quota_of_bytes_is_refused_whole(h: &Harness) -> Outcome {
    let full = of_bytes(10 * SAMPLE_BYTES);
    h.push(ANN, &session(WALK), &samples("gps", 0..5)).await?;
    h.push(ANN, &session(RUN), &samples("gps", 0..5)).await?;
    let notes = session_with(RUN, r#""notes":"too much""#);
    ensure_refused(h, full, &notes, &samples("gps", 3..6)).await?;
    let longer = [record("gps", 1, r#"{"x":"8 bytes"}"#)];
    ensure_refused(h, full, &notes, &longer).await?;
    ensure_refused(h, full, &session(RIDE), &samples("gps", 0..1)).await?;
    let many = samples("acc", 0..1_200);
    ensure_refused(h, of_bytes(1_200 * SAMPLE_BYTES), &notes, &many).await
}

/// As many sessions may be live as the quota says, however often each is pushed.
pub(crate) async fn a_push_may_reach_the_quota_of_sessions(h: &Harness) -> Outcome {
    for id in [RUN, WALK, RUN, RIDE, WALK] {
        let is_taken = h
            .push_within(of_sessions(3), ANN, &session(id), &samples("gps", 0..2))
            .await?;
        ensure!(is_taken, "a session within the quota was refused");
    }
    Ok(())
}

/// A session above the quota is refused whole, with records or without.
pub(crate) async fn a_session_over_the_quota_is_refused_whole(h: &Harness) -> Outcome {
    for id in [RUN, WALK] {
        h.push(ANN, &session(id), &samples("gps", 0..2)).await?;
    }
    for records in [samples("gps", 0..2), Vec::new()] {
        ensure_refused(h, of_sessions(2), &session(RIDE), &records).await?;
    }
    Ok(())
}

/// A deleted session that comes back is one more.
pub(crate) async fn a_revival_over_the_quota_is_refused(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &[]).await?;
    h.delete(ANN, RUN).await?;
    h.push(ANN, &session(WALK), &[]).await?;
    let is_taken = h
        .push_within(of_sessions(1), ANN, &session(RUN), &[])
        .await?;
    ensure!(!is_taken, "a session was revived above the quota");
    Ok(())
}

/// A push that raises nothing is taken, also from who holds more than the quota since it was lowered: a
/// retry, other metadata, an end, shorter values, and what came too late for a deleted session.
pub(crate) async fn what_raises_nothing_is_taken_whatever_is_held(h: &Harness) -> Outcome {
    let long = [record("gps", 9, r#"{"x":"a rather long text"}"#)];
    h.push(ANN, &session(RUN), &samples("gps", 0..5)).await?;
    h.push(ANN, &session(RUN), &long).await?;
    h.push(ANN, &session(WALK), &[]).await?;
    h.delete(ANN, WALK).await?;
    let nothing = Quota {
        sessions: Some(0),
        bytes: Some(0),
    };
    let late = format!(r#""updated_at":"{}""#, before_noon(60));
    let ended = r#""end_time":"2025-11-13T01:00:00Z","notes":"over""#;
    for (what, session, records) in [
        ("a retry", session(RUN), samples("gps", 0..5)),
        ("a push without records", session(RUN), Vec::new()),
        ("an end", session_with(RUN, ended), samples("gps", 2..4)),
        (
            "an equal length",
            session(RUN),
            vec![record("gps", 1, r#"{"x":-1}"#)],
        ),
        (
            "a shorter value",
            session(RUN),
            vec![record("gps", 9, r#"{"x":9}"#)],
        ),
        (
            "what is too late",
            session_with(WALK, &late),
            samples("gps", 0..9),
        ),
    ] {
        let is_taken = h.push_within(nothing, ANN, &session, &records).await?;
        ensure!(is_taken, "{what} was refused");
    }
    Ok(())
}

/// Deleting a session makes room for another.
pub(crate) async fn a_deletion_makes_room(h: &Harness) -> Outcome {
    let quota = Quota {
        sessions: Some(2),
        bytes: Some(700 * SAMPLE_BYTES),
    };
    let push = async |id, count| {
        h.push_within(quota, ANN, &session(id), &samples("gps", 0..count))
            .await
    };
    ensure!(push(RUN, 600).await?, "the first session was refused");
    ensure!(push(WALK, 50).await?, "the second session was refused");
    ensure!(!push(RIDE, 1).await?, "a third session was taken");
    ensure!(
        !push(WALK, 300).await?,
        "more than there is room for was taken"
    );
    h.delete(ANN, RUN).await?;
    ensure!(
        push(RIDE, 300).await?,
        "a session was refused after a deletion"
    );
    ensure!(
        push(WALK, 300).await?,
        "samples were refused after a deletion"
    );
    Ok(())
}

/// What others hold does not count.
pub(crate) async fn a_quota_is_the_users_own(h: &Harness) -> Outcome {
    let quota = Quota {
        sessions: Some(2),
        bytes: Some(8 * SAMPLE_BYTES),
    };
    for user in [ANN, BEN] {
        for id in [RUN, WALK] {
            let is_taken = h
                .push_within(quota, user, &session(id), &samples("gps", 0..3))
                .await?;
            ensure!(is_taken, "session {id} of user {user} was refused");
        }
    }
    Ok(())
}

/// Races pushes of one user, one for each caller; returns which of them were taken.
async fn pushed_at_once(
    h: &Harness,
    quota: Quota,
    push: impl Fn(usize) -> (SessionId, Vec<String>),
) -> Outcome<Vec<usize>> {
    let pushed = race(|caller| {
        let (id, records) = push(caller);
        let command = push_command(ANN, &body(&session(id), &records), NOON);
        let store = h.sync().clone();
        async move {
            let command = PushCommand { quota, ..command? };
            Ok((caller, taken(store.push(command, NOON).await)?))
        }
    })
    .await?;
    let taken = pushed.into_iter().filter(|(_, is_taken)| *is_taken);
    Ok(taken.map(|(caller, _)| caller).collect())
}

/// Of N pushes at once, for only some of which there is room, just so many are taken, whole, and nothing
/// of the others is stored.
pub(crate) async fn pushes_at_once_stay_within_the_quota_of_bytes(h: &Harness) -> Outcome {
    const RECORDS_COUNT: u64 = 40;
    const FIT_COUNT: u64 = CALLERS_COUNT as u64 / 2;
    h.push(ANN, &session(WALK), &samples("gps", 0..10)).await?;
    // Not quite room for one more.
    let room = (FIT_COUNT + 1) * RECORDS_COUNT - 1;
    let quota = of_bytes((10 + room) * SAMPLE_BYTES);
    let times = |caller: usize| {
        let from = caller as u64 * RECORDS_COUNT;
        from..from + RECORDS_COUNT
    };
    let taken = pushed_at_once(h, quota, |caller| (RUN, samples("gps", times(caller)))).await?;
    ensure_eq!(taken.len() as u64, FIT_COUNT, "pushes that were taken");
    let expected: Vec<_> = taken
        .into_iter()
        .flat_map(times)
        .map(|time| format!(r#"gps@{} {{"x":{time}}}"#, time * 1_000))
        .collect();
    let mut stored = h.values(ANN, RUN).await?;
    ensure_eq!(stored.len(), expected.len(), "records that are stored");
    stored.retain(|value| !expected.contains(value));
    ensure_eq!(stored, [""; 0], "records of pushes that were refused");
    Ok(())
}

/// Of N sessions at once, for only some of which there is room, just so many are there afterwards.
pub(crate) async fn sessions_at_once_stay_within_the_quota(h: &Harness) -> Outcome {
    const FIT_COUNT: usize = CALLERS_COUNT / 2;
    h.push(ANN, &session(WALK), &[]).await?;
    let id = |caller: usize| session_id(caller as u128 + 1);
    let quota = of_sessions(1 + FIT_COUNT as u64);
    let taken = pushed_at_once(h, quota, |caller| (id(caller), samples("gps", 0..2))).await?;
    ensure_eq!(taken.len(), FIT_COUNT, "sessions that were taken");
    let sessions = h.pull(everything(ANN)).await?.sessions;
    let mut stored: Vec<_> = sessions.iter().map(|state| state.id).collect();
    stored.sort_unstable();
    let mut expected: Vec<_> = taken.into_iter().map(id).chain([WALK]).collect();
    expected.sort_unstable();
    ensure_eq!(stored, expected, "sessions that are stored");
    Ok(())
}
