//! Maintenance.

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::script::{ANN, BEN, RUN, WALK, record, samples, session, session_id};
use crate::store::VerifyPage;

/// Sessions, records and tombstones of two users. Returns how many of each there are.
async fn fill(h: &Harness) -> Outcome<(u64, u64, u64)> {
    for number in 1..=4 {
        h.push(ANN, &session(session_id(number)), &samples("gps", 0..10))
            .await?;
    }
    h.push(
        ANN,
        &session(session_id(1)),
        &[record("gps", 3, r#"{"x":"changed"}"#)],
    )
    .await?;
    h.push(ANN, &session(session_id(1)), &samples("acc", 5..25))
        .await?;
    h.delete(ANN, session_id(2)).await?;
    h.push(BEN, &session(RUN), &samples("gps", 0..1_200))
        .await?;
    h.push(BEN, &session(WALK), &[]).await?;
    Ok((5, 30 + 20 + 1_200, 1))
}

/// A verification finds nothing wrong with what was stored, and sees all of it, in steps of any
/// size.
pub(crate) async fn a_verification_sees_everything_and_finds_nothing(h: &Harness) -> Outcome {
    let (sessions, records, tombstones) = fill(h).await?;
    let store = h.maintenance()?;
    for limit in [1, 2, 100] {
        let (mut seen, mut position) = (VerifyPage::default(), None);
        loop {
            let page = store.verify(position, limit).await?;
            ensure_eq!(page.problems, [], "problems in a sound store");
            ensure!(
                page.sessions <= limit as u64,
                "{} sessions of {limit}",
                page.sessions
            );
            seen.sessions += page.sessions;
            seen.records += page.records;
            match page.next {
                None => break,
                Some(next) if position.is_some_and(|position| next <= position) => {
                    return Err(Failure::new("a verification does not go on"));
                }
                next => position = next,
            }
        }
        let expected = (sessions + tombstones, records);
        ensure_eq!(
            (seen.sessions, seen.records),
            expected,
            "sessions, records by {limit}"
        );
    }
    Ok(())
}

/// A repair of what is right changes nothing, and sees all of it, in steps of any size.
pub(crate) async fn a_repair_of_a_sound_store_sees_everything_and_changes_nothing(
    h: &Harness,
) -> Outcome {
    let (sessions, _, tombstones) = fill(h).await?;
    let store = h.maintenance()?;
    let found = store.verify(None, 100).await?;
    for limit in [1, 2, 100] {
        let (mut seen, mut position) = (0, None);
        loop {
            let page = store.repair(position, limit).await?;
            ensure_eq!(
                page.repaired,
                Vec::<String>::new(),
                "repairs of a sound store"
            );
            seen += page.sessions;
            match page.next {
                None => break,
                Some(next) if position.is_some_and(|position| next <= position) => {
                    return Err(Failure::new("a repair does not go on"));
                }
                next => position = next,
            }
        }
        ensure_eq!(seen, sessions + tombstones, "sessions by {limit}");
    }
    ensure_eq!(store.verify(None, 100).await?, found, "a verification");
    Ok(())
}

/// The usage report counts live sessions and their records.
pub(crate) async fn usage_adds_up(h: &Harness) -> Outcome {
    let store = h.maintenance()?;
    let empty = store.usage().await?;
    ensure_eq!(
        (empty.users, empty.sessions, empty.records),
        (0, 0, 0),
        "an empty store"
    );
    let (sessions, records, _) = fill(h).await?;
    crate::conformance::checks::accounts::register(h, "ann", None).await?;
    let usage = store.usage().await?;
    let expected = (1, sessions, records);
    ensure_eq!(
        (usage.users, usage.sessions, usage.records),
        expected,
        "accounts, sessions, records"
    );
    Ok(())
}
