//! Looking for sessions that a task is to do something about.

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::script::{
    ANN, BEN, MICROS_PER_SECOND, RUN, WALK, samples, session_id, session_with,
};
use crate::id::{SessionId, UserId};
use crate::store::{Analysis, SessionFilter};
use crate::time::Timestamp;

/// An end of a recording long before the checks begin.
pub(super) const ENDED: &str = r#""end_time":"2025-11-13T01:00:00Z""#;

/// Everything that a filter finds, in steps of `limit`.
async fn find(
    h: &Harness,
    filter: SessionFilter,
    limit: usize,
) -> Outcome<Vec<(UserId, SessionId)>> {
    let store = h.maintenance()?;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.find_sessions(filter, after, limit).await?;
        ensure!(
            page.sessions.len() <= limit,
            "{} sessions of {limit}",
            page.sessions.len()
        );
        for (user, state) in page.sessions {
            ensure_eq!(state, h.state(user, state.id).await?, "a session found");
            found.push((user, state.id));
        }
        match page.next {
            None => return Ok(found),
            Some(next) if after.is_some_and(|after| next <= after) => {
                return Err(Failure::new("a walk through sessions does not go on"));
            }
            next => after = next,
        }
    }
}

async fn expect(h: &Harness, filter: SessionFilter, expected: &[(UserId, SessionId)]) -> Outcome {
    for limit in [1, 2, 100] {
        let found = find(h, filter, limit).await?;
        ensure_eq!(
            found,
            expected,
            "sessions found by {filter:?} in steps of {limit}"
        );
    }
    Ok(())
}

/// Each filter finds the sessions that it describes, of all users, in the order of their creation, in
/// steps of any size.
pub(crate) async fn sessions_are_found_by_their_state(h: &Harness) -> Outcome {
    let one = session_id;
    let early = h.now();
    for (number, members, records) in [
        (9, ENDED, 3),
        (2, ENDED, 0),
        (3, "", 3),
        (4, ENDED, 3),
        (5, r#""end_time":"2999-01-01T00:00:00Z""#, 3),
        // Ended by word, with no end.
        (6, r#""is_active":false"#, 3),
    ] {
        let session = session_with(one(number), members);
        h.push(ANN, &session, &samples("gps", 0..records)).await?;
    }
    h.delete(ANN, one(4)).await?;
    h.push(BEN, &session_with(RUN, ENDED), &samples("gps", 0..2))
        .await?;
    h.push(BEN, &session_with(WALK, ""), &samples("gps", 0..2))
        .await?;
    let between = h.now();
    h.push(ANN, &session_with(one(7), ENDED), &samples("gps", 0..3))
        .await?;
    h.push(ANN, &session_with(one(8), ""), &[]).await?;
    // Changed after the moment in question, though made before it.
    h.push(ANN, &session_with(one(6), ""), &samples("gps", 3..4))
        .await?;
    h.push(BEN, &session_with(RUN, ""), &samples("gps", 2..4))
        .await?;

    let late = h.now();
    expect(
        h,
        SessionFilter::Ended { before: between },
        &[(ANN, one(9))],
    )
    .await?;
    let ended = [(ANN, one(9)), (ANN, one(6)), (ANN, one(7)), (BEN, RUN)];
    expect(h, SessionFilter::Ended { before: late }, &ended).await?;
    let stalled = SessionFilter::Stalled { before: between };
    expect(h, stalled, &[(ANN, one(3)), (BEN, WALK)]).await?;
    expect(h, SessionFilter::Created { since: early }, &{
        let of_ann = [9, 2, 3, 5, 6, 7, 8].map(|number| (ANN, one(number)));
        [&of_ann[..], &[(BEN, RUN), (BEN, WALK)]].concat()
    })
    .await?;
    let recent = SessionFilter::Created { since: between };
    expect(h, recent, &[(ANN, one(7)), (ANN, one(8))]).await?;

    let unanalysed = SessionFilter::Unanalysed;
    let all = [(ANN, 9), (ANN, 5), (ANN, 6), (ANN, 7)].map(|(user, number)| (user, one(number)));
    expect(h, unanalysed, &[&all[..], &[(BEN, RUN)]].concat()).await?;
    // One is up to date, and one is behind; another user has a session of the same id.
    let state = h.state(ANN, one(9)).await?;
    analyse(h, ANN, one(9), state.updated_at).await?;
    analyse(h, ANN, one(6), h.state(ANN, one(6)).await?.created_at).await?;
    expect(h, unanalysed, &[&all[1..], &[(BEN, RUN)]].concat()).await?;
    // Where samples were purged, an analysis that is behind is better than a new one.
    let state = h.state(ANN, one(6)).await?;
    let purge = h.maintenance()?;
    purge
        .purge_samples(ANN, one(6), state.updated_at, h.now())
        .await?;
    h.push(ANN, &session_with(one(6), ""), &samples("gps", 9..11))
        .await?;
    expect(h, unanalysed, &[(ANN, one(5)), (ANN, one(7)), (BEN, RUN)]).await
}

/// What changed, ended or was made at the very moment in question is as one says of it: not before it,
/// and since it.
pub(crate) async fn the_edges_of_a_filter_are_exclusive(h: &Harness) -> Outcome {
    let at = h.now();
    let later = at.plus_micros(MICROS_PER_SECOND);
    h.push_at(at, ANN, &session_with(RUN, ENDED), &samples("gps", 0..2))
        .await?;
    h.push_at(later, ANN, &session_with(WALK, ""), &[]).await?;
    let ended = |before| SessionFilter::Ended { before };
    expect(h, ended(at), &[]).await?;
    expect(h, ended(at.plus_micros(1)), &[(ANN, RUN)]).await?;
    let end = format!(r#""end_time":"{later}""#);
    h.push_at(
        at,
        BEN,
        &session_with(RIDE_OF_BEN, &end),
        &samples("gps", 0..2),
    )
    .await?;
    expect(h, ended(later), &[(ANN, RUN)]).await?;
    let all = [(ANN, RUN), (BEN, RIDE_OF_BEN)];
    expect(h, ended(later.plus_micros(1)), &all).await?;
    let stalled = |before| SessionFilter::Stalled { before };
    expect(h, stalled(later), &[]).await?;
    expect(h, stalled(later.plus_micros(1)), &[(ANN, WALK)]).await?;
    let created = |since| SessionFilter::Created { since };
    expect(h, created(later), &[(ANN, WALK)]).await?;
    expect(h, created(later.plus_micros(1)), &[]).await
}

const RIDE_OF_BEN: SessionId = session_id(77);

/// Stores an analysis of a session as of `clock`.
pub(super) async fn analyse(
    h: &Harness,
    user: UserId,
    session: SessionId,
    clock: Timestamp,
) -> Outcome<bool> {
    let analysis = Analysis {
        session,
        clock,
        result: format!(r#"{{"of": "{user}", "at":1e-7, "text":"\u00e4\u0000"}}"#),
    };
    Ok(h.results()?.put_analysis(user, analysis).await?)
}
