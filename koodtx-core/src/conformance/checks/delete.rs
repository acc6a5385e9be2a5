//! Deletion and revival of sessions.

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::script::{
    ANN, RUN, WALK, before_noon, everything, samples, session, session_with,
};
use crate::id::SessionId;
use crate::pull::PullQuery;
use crate::store::StoreErrorKind;

async fn not_found(h: &Harness, id: SessionId) -> Outcome {
    match h.sync().delete_session(ANN, id, h.now()).await {
        Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(()),
        other => Err(Failure::new(format!(
            "deleting what is not there gave {other:?}"
        ))),
    }
}

/// A deleted session shows as a tombstone in every pull that would have shown the session.
pub(crate) async fn a_deleted_session_shows_as_a_tombstone(h: &Harness) -> Outcome {
    let pushed = h
        .push(
            ANN,
            &session_with(RUN, r#""notes":"rain""#),
            &samples("gps", 0..3),
        )
        .await?;
    let deleted = h.delete(ANN, RUN).await?;
    let queries = [
        everything(ANN),
        PullQuery {
            since: Some(pushed.clock),
            ..everything(ANN)
        },
        PullQuery {
            session_ids: Some(vec![RUN]),
            ..everything(ANN)
        },
    ];
    for query in queries {
        let head = h.pull(query.clone()).await?;
        let [tombstone] = &head.sessions[..] else {
            return Err(Failure::new(format!(
                "no tombstone in the answer to {query:?}"
            )));
        };
        ensure_eq!(
            (tombstone.id, tombstone.live),
            (RUN, false),
            "the tombstone"
        );
        ensure_eq!(
            tombstone.created_at,
            pushed.clock,
            "created_at of the tombstone"
        );
        ensure_eq!(tombstone.updated_at, deleted, "updated_at of the tombstone");
        ensure_eq!(
            tombstone.deleted_at,
            Some(deleted),
            "deleted_at of the tombstone"
        );
        ensure_eq!((head.clock, head.total), (deleted, 0), "clock, total");
    }
    let head = h.pull_since(ANN, deleted).await?;
    ensure_eq!(
        head.sessions,
        [],
        "what a pull shows after the deletion was seen"
    );
    Ok(())
}

/// A deleted session has no records and no detail.
pub(crate) async fn a_deleted_session_has_no_records(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    h.delete(ANN, RUN).await?;
    ensure_eq!(
        h.records(ANN, RUN).await?,
        [],
        "records of a deleted session"
    );
    ensure_eq!(
        h.sync().session(ANN, RUN).await?,
        None,
        "detail of a deleted session"
    );
    ensure_eq!(
        h.state(ANN, RUN).await?.data_count,
        0,
        "data_count of a tombstone"
    );
    Ok(())
}

/// Only live sessions can be deleted, and each only once.
pub(crate) async fn deleting_what_is_not_there_is_not_found(h: &Harness) -> Outcome {
    not_found(h, RUN).await?;
    h.push(ANN, &session(RUN), &[]).await?;
    not_found(h, WALK).await?;
    let deleted = h.delete(ANN, RUN).await?;
    not_found(h, RUN).await?;
    ensure_eq!(
        h.pull(everything(ANN)).await?.clock,
        deleted,
        "the clock after the second try"
    );
    Ok(())
}

/// A later push revives a session: with the records pushed since, and none from before.
pub(crate) async fn a_revived_session_has_only_new_records(h: &Harness) -> Outcome {
    h.push(
        ANN,
        &session_with(RUN, r#""notes":"old""#),
        &samples("gps", 0..5),
    )
    .await?;
    h.delete(ANN, RUN).await?;
    let revival = h.push(ANN, &session(RUN), &samples("gps", 3..6)).await?;
    ensure_eq!(
        (revival.inserted, revival.data_count),
        (3, 3),
        "inserted, data_count"
    );
    let times: Vec<_> = h
        .records(ANN, RUN)
        .await?
        .iter()
        .map(|(_, r)| r.timestamp)
        .collect();
    let expected: Vec<_> = (3..6).map(crate::time::Timestamp::from_millis).collect();
    ensure_eq!(times, expected, "times of the records after the revival");
    let state = h.state(ANN, RUN).await?;
    ensure!(state.live, "a revived session is live");
    ensure_eq!(state.fields.notes(), None, "notes from before the deletion");
    Ok(())
}

/// A revived session keeps its place: `created_at` stays.
pub(crate) async fn a_revived_session_keeps_its_place(h: &Harness) -> Outcome {
    let created = h.push(ANN, &session(RUN), &[]).await?.clock;
    h.push(ANN, &session(WALK), &[]).await?;
    h.delete(ANN, RUN).await?;
    let revived = h.push(ANN, &session(RUN), &[]).await?.clock;
    let state = h.state(ANN, RUN).await?;
    ensure_eq!(
        (state.created_at, state.updated_at),
        (created, revived),
        "created_at, updated_at"
    );
    let head = h.pull(everything(ANN)).await?;
    let order: Vec<_> = head.sessions.iter().map(|state| state.id).collect();
    ensure_eq!(order, [RUN, WALK], "the order of a pull");
    Ok(())
}

/// A push older than the deletion changes nothing, and its records count as duplicates.
pub(crate) async fn a_push_older_than_the_deletion_changes_nothing(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    let deleted = h.delete(ANN, RUN).await?;
    let tombstone = h.state(ANN, RUN).await?;
    let old = session_with(
        RUN,
        &format!(r#""notes":"late","updated_at":"{}""#, before_noon(1)),
    );
    let mut records = samples("gps", 2..6);
    records.extend(samples("gps", [5]));
    let outcome = h.push(ANN, &old, &records).await?;
    let counts = (
        outcome.inserted,
        outcome.updated,
        outcome.duplicates,
        outcome.data_count,
    );
    ensure_eq!(
        counts,
        (0, 0, 5, 0),
        "inserted, updated, duplicates, data_count"
    );
    ensure_eq!(outcome.clock, deleted, "the clock after the late push");
    ensure_eq!(
        h.state(ANN, RUN).await?,
        tombstone,
        "the tombstone after the late push"
    );
    ensure_eq!(
        h.records(ANN, RUN).await?,
        [],
        "records after the late push"
    );
    Ok(())
}

/// That holds also once the session was revived: what the revival stored stays as it is.
pub(crate) async fn a_push_older_than_the_deletion_stays_out_of_a_revival(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    h.delete(ANN, RUN).await?;
    h.push(ANN, &session(RUN), &samples("gps", 0..2)).await?;
    let (state, values) = (h.state(ANN, RUN).await?, h.values(ANN, RUN).await?);
    let old = session_with(
        RUN,
        &format!(r#""notes":"late","updated_at":"{}""#, before_noon(1)),
    );
    let outcome = h.push(ANN, &old, &samples("gps", 0..9)).await?;
    ensure_eq!(
        (outcome.duplicates, outcome.data_count),
        (9, 2),
        "duplicates, data_count"
    );
    ensure_eq!(
        h.state(ANN, RUN).await?,
        state,
        "the session after the late push"
    );
    ensure_eq!(
        h.values(ANN, RUN).await?,
        values,
        "the values after the late push"
    );
    Ok(())
}
