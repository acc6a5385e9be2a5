//! Removing samples because of their age.

use super::finding::ENDED;
use super::quotas::{SAMPLE_BYTES, of_bytes};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::script::{ANN, BEN, RUN, WALK, everything, samples, session, session_with};
use crate::id::{SessionId, UserId};
use crate::pull::RecordQuery;

/// Purges a session as it stands.
async fn purge(h: &Harness, user: UserId, session: SessionId) -> Outcome<Option<u64>> {
    let updated_at = h.state(user, session).await?.updated_at;
    let store = h.maintenance()?;
    Ok(store
        .purge_samples(user, session, updated_at, h.now())
        .await?)
}

/// A purge removes every record, says how many, and says so of the session. To devices nothing has
/// happened: no clock steps, and a delta pull does not show the session.
pub(crate) async fn purged_samples_are_gone_and_devices_keep_theirs(h: &Harness) -> Outcome {
    h.push(ANN, &session_with(RUN, ENDED), &samples("gps", 0..1_200))
        .await?;
    let clock = h
        .push(ANN, &session(RUN), &samples("acc", 0..30))
        .await?
        .clock;
    let before = h.state(ANN, RUN).await?;
    ensure_eq!(
        before.data_purged_at,
        None,
        "a purge of a session that is whole"
    );
    let now = h.now();
    let purged = h.maintenance()?.purge_samples(ANN, RUN, clock, now).await?;
    ensure_eq!(purged, Some(1_230), "records purged");
    let expected = before.purge(now);
    ensure_eq!(
        (expected.data_count, expected.data_purged_at),
        (0, Some(now)),
        "a purged session"
    );
    ensure_eq!(h.state(ANN, RUN).await?, expected, "the session as pulled");
    let detail = h.detail(ANN, RUN).await?;
    ensure_eq!(
        (detail.state, detail.series),
        (expected, vec![]),
        "the detail"
    );
    ensure_eq!(h.values(ANN, RUN).await?, [""; 0], "records");
    let delta = h.pull_since(ANN, clock).await?;
    ensure_eq!(
        (delta.clock, delta.sessions),
        (clock, vec![]),
        "a delta pull"
    );
    ensure_eq!(h.maintenance()?.usage().await?.records, 0, "records in all");
    ensure_eq!(h.sync().status(ANN, 0).await?.total_sessions, 1, "sessions");
    verify(h).await
}

/// A session that has changed since it was looked at, one that is deleted and one that was never there
/// are left alone.
pub(crate) async fn only_an_unchanged_live_session_is_purged(h: &Harness) -> Outcome {
    let store = h.maintenance()?;
    let first = h
        .push(ANN, &session_with(RUN, ENDED), &samples("gps", 0..5))
        .await?;
    h.push(ANN, &session(RUN), &samples("gps", 5..6)).await?;
    h.push(ANN, &session_with(WALK, ENDED), &samples("gps", 0..5))
        .await?;
    let deleted = h.delete(ANN, WALK).await?;
    let before = h.pull(everything(ANN)).await?;
    for (user, session, clock) in [
        (ANN, RUN, first.clock),
        (ANN, WALK, deleted),
        (BEN, RUN, before.clock),
    ] {
        let purged = store.purge_samples(user, session, clock, h.now()).await?;
        ensure_eq!(purged, None, "records purged of what is not there");
    }
    ensure_eq!(h.pull(everything(ANN)).await?, before, "the sessions");
    ensure_eq!(h.values(ANN, RUN).await?.len(), 6, "records");
    Ok(())
}

/// What is pushed after a purge is stored, also under keys that were there before; a device that asks
/// for changes gets just that; and it can be purged in its turn.
pub(crate) async fn a_purged_session_takes_new_samples(h: &Harness) -> Outcome {
    h.push(ANN, &session_with(RUN, ENDED), &samples("gps", 0..1_200))
        .await?;
    let clock = h
        .push(ANN, &session(RUN), &samples("acc", 0..9))
        .await?
        .clock;
    purge(h, ANN, RUN).await?;
    let purged_at = h.state(ANN, RUN).await?.data_purged_at;
    for (times, total) in [(3..5, 2), (0..4, 5)] {
        let pushed = h.push(ANN, &session(RUN), &samples("gps", times)).await?;
        ensure_eq!(pushed.data_count, total, "records counted after a purge");
    }
    let state = h.state(ANN, RUN).await?;
    ensure_eq!((state.data_count, state.series_count), (5, 1), "counts");
    ensure_eq!(state.data_purged_at, purged_at, "when it was purged");
    let expected: Vec<_> = (0..5)
        .map(|time| format!(r#"gps@{} {{"x":{time}}}"#, time * 1_000))
        .collect();
    ensure_eq!(h.values(ANN, RUN).await?, expected, "records");
    let changed = h.records_changed(ANN, RUN, Some(clock)).await?;
    ensure_eq!(changed.len(), 5, "records that changed");
    verify(h).await?;
    ensure_eq!(purge(h, ANN, RUN).await?, Some(5), "records purged again");
    let again = h.state(ANN, RUN).await?.data_purged_at;
    ensure!(
        again > purged_at,
        "purged again at {again:?}, first at {purged_at:?}"
    );
    ensure_eq!(h.values(ANN, RUN).await?, [""; 0], "records");
    verify(h).await
}

/// Other sessions keep their records, also another user's of the same id.
pub(crate) async fn a_purge_touches_one_session(h: &Harness) -> Outcome {
    for (user, id) in [(ANN, RUN), (ANN, WALK), (BEN, RUN)] {
        h.push(user, &session_with(id, ENDED), &samples("gps", 0..700))
            .await?;
    }
    purge(h, ANN, RUN).await?;
    for (user, id, count) in [(ANN, RUN, 0), (ANN, WALK, 700), (BEN, RUN, 700)] {
        let query = RecordQuery {
            user,
            session: id,
            after: None,
            changed_after: None,
            limit: 1_000,
        };
        let chunk = h.sync().read_records(query).await?;
        ensure_eq!(chunk.len(), count, "records of user {user}, session {id}");
    }
    verify(h).await
}

/// A purged session can be deleted, and revived as one that was never purged.
pub(crate) async fn a_deletion_ends_a_purge(h: &Harness) -> Outcome {
    h.push(ANN, &session_with(RUN, ENDED), &samples("gps", 0..5))
        .await?;
    purge(h, ANN, RUN).await?;
    h.push(ANN, &session(RUN), &samples("gps", 7..9)).await?;
    h.delete(ANN, RUN).await?;
    ensure_eq!(h.state(ANN, RUN).await?.data_purged_at, None, "a tombstone");
    h.push(ANN, &session(RUN), &samples("gps", 1..2)).await?;
    let state = h.state(ANN, RUN).await?;
    ensure_eq!(
        (state.data_count, state.data_purged_at),
        (1, None),
        "a revival"
    );
    ensure_eq!(h.values(ANN, RUN).await?.len(), 1, "records");
    verify(h).await
}

/// Purged samples count no more: they make room in a quota, for their session as well as for others.
pub(crate) async fn a_purge_makes_room(h: &Harness) -> Outcome {
    let quota = of_bytes(700 * SAMPLE_BYTES);
    let ended = session_with(RUN, ENDED);
    h.push(ANN, &ended, &samples("gps", 0..600)).await?;
    h.push(ANN, &session(WALK), &samples("gps", 0..50)).await?;
    let more = samples("acc", 0..300);
    let is_taken = h.push_within(quota, ANN, &ended, &more).await?;
    ensure!(!is_taken, "more than there is room for was taken");
    purge(h, ANN, RUN).await?;
    for id in [RUN, WALK] {
        let is_taken = h.push_within(quota, ANN, &session(id), &more).await?;
        ensure!(is_taken, "samples of {id} were refused after a purge");
    }
    Ok(())
}

/// A verification finds nothing.
async fn verify(h: &Harness) -> Outcome {
    let page = h.maintenance()?.verify(None, 100).await?;
    ensure_eq!(page.problems, [], "problems");
    Ok(())
}
