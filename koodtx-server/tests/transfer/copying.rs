//! Whoever talks to the copy cannot tell it from the original, whatever kinds of stores they are.

use koodtx_core::id::{SessionId, SignInId, UserId};
use koodtx_core::pull::{PageStart, PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{NewUser, PushOutcome, Rotation, Store, Taken};
use koodtx_core::time::Timestamp;
use koodtx_core::transfer::{compare, copy};
use uuid::Uuid;

use crate::kinds::Kind;
use crate::support::{
    ANN, DELETED, LONG, NOBODY, NOON, SESSION, fill, items_of, push, records_of, sign_in,
};

/// Later than everything that was pushed.
const LATER: Timestamp = NOON.plus_micros(3_600_000_000);

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_holds_the_same_whatever_the_kinds() {
    for from in Kind::ALL {
        let original = from.fresh().await;
        fill(&*original.store).await;
        for to in Kind::ALL {
            let target = to.fresh().await;
            let copied = copy(&*original.store, &*target.store, "there", |_| ()).await;
            let totals = copied.unwrap();
            let compared = compare(&*original.store, &*target.store, |_| ()).await;
            assert_eq!(
                compared.unwrap(),
                (totals, Vec::new()),
                "{from:?} to {to:?}"
            );
            assert_eq!(target.store.unfinished_import().await.unwrap(), None);
            let page = target.store.verify(None, 100).await.unwrap();
            assert_eq!(page.problems, [], "{from:?} to {to:?}");
            let (before, after) = (original.store.usage().await, target.store.usage().await);
            let (before, after) = (before.unwrap(), after.unwrap());
            assert_eq!(
                (before.users, before.sessions, before.records),
                (after.users, after.sessions, after.records)
            );
        }
    }
}

/// Everything that both stores are asked is answered alike.
#[tokio::test(flavor = "multi_thread")]
async fn devices_go_on_with_the_copy() {
    for (from, to) in [
        (Kind::Sled, Kind::Postgres),
        (Kind::Postgres, Kind::Sled),
        (Kind::Memory, Kind::Postgres),
        (Kind::Postgres, Kind::Postgres),
    ] {
        let original = from.fresh().await;
        fill(&*original.store).await;
        let target = to.fresh().await;
        copy(&*original.store, &*target.store, "there", |_| ())
            .await
            .unwrap();
        let before = conversation(&*original.store).await;
        let after = conversation(&*target.store).await;
        for (nth, (before, after)) in before.iter().zip(&after).enumerate() {
            assert_eq!(before, after, "{from:?} to {to:?}, answer {nth}");
        }
        assert_eq!(before.len(), after.len());
    }
}

/// There and back again ends in the very same items.
#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_again() {
    let original = Kind::Sled.fresh().await;
    fill(&*original.store).await;
    let there = Kind::Postgres.fresh().await;
    copy(&*original.store, &*there.store, "there", |_| ())
        .await
        .unwrap();
    let back = Kind::Sled.fresh().await;
    copy(&*there.store, &*back.store, "back", |_| ())
        .await
        .unwrap();
    assert_eq!(
        items_of(&*back.store).await,
        items_of(&*original.store).await
    );
}

#[tokio::test]
async fn differences_are_found_and_named() {
    let (first, second) = (Kind::Memory.fresh().await, Kind::Sled.fresh().await);
    fill(&*first.store).await;
    fill(&*second.store).await;
    let record = records_of("gps", 0..1, 99);
    push(&*second.store, ANN, LONG, &record, LATER).await;
    push(&*second.store, UserId(77), SESSION, &record, LATER).await;
    let (_, differences) = compare(&*first.store, &*second.store, |_| ())
        .await
        .unwrap();
    let text: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(text.len(), 2, "{text:?}");
    assert!(text[0].contains(LONG), "{text:?}");
    assert!(
        text[1].contains("user 77: the first store has nothing"),
        "{text:?}"
    );
}

#[derive(Debug, PartialEq)]
enum Answer {
    Head(PullHead),
    Records(RecordChunk),
    Pushed(PushOutcome),
    Rotated(Rotation),
    Registered(Result<UserId, Taken>),
    Deleted(Timestamp),
}

/// Everything that devices might ask, with each clock that one may have stopped at.
async fn conversation(store: &dyn Store) -> Vec<Answer> {
    let mut answers = Vec::new();
    for user in [ANN, NOBODY] {
        let everything = pull(store, user, None).await;
        let clocks: Vec<Timestamp> = everything
            .sessions
            .iter()
            .map(|session| session.updated_at)
            .collect();
        for clock in clocks {
            for since in [clock.plus_micros(-1), clock] {
                let head = pull(store, user, Some(since)).await;
                for session in &head.sessions {
                    let chunk = read(store, user, session.id, Some(since)).await;
                    answers.push(Answer::Records(chunk));
                }
                answers.push(Answer::Head(head));
            }
        }
        for session in &everything.sessions {
            answers.push(Answer::Records(read(store, user, session.id, None).await));
        }
        answers.push(Answer::Head(everything));
    }
    // A retry, an edit older than what is stored, one that is newer, one of a deleted session.
    let retry = records_of("gps", 0..600, 0);
    let edit = |at: &str| {
        format!(
            r#"{{"sensor_type":"acc","timestamp":1763000000001,"data":{{"x":5}},"updated_at":"{at}"}}"#
        )
    };
    let old = edit("2025-11-13T00:30:00Z");
    let new = edit("2025-11-13T02:00:00Z");
    for (session, records) in [
        (LONG, &retry),
        (SESSION, &old),
        (SESSION, &new),
        (DELETED, &old),
    ] {
        let outcome = push(store, ANN, session, records, LATER).await;
        answers.push(Answer::Pushed(outcome));
    }
    answers.push(Answer::Head(pull(store, ANN, Some(NOON)).await));
    // The current token goes on, one that was used is still known as used.
    for (presented, next) in [([2; 32], [3; 32]), ([1; 32], [4; 32])] {
        let rotated = store.rotate(
            SignInId(Uuid::from_u128(7)),
            ANN,
            presented,
            next,
            LATER.plus_micros(1_000_000),
            LATER,
        );
        answers.push(Answer::Rotated(rotated.await.unwrap()));
    }
    sign_in(store, ANN, 8, LATER).await;
    for name in ["ANN", "bob", "carl"] {
        let new = NewUser {
            username: name.to_owned(),
            email: format!("{name}@example.com"),
            device_id: None,
            password_hash: "hash".to_owned(),
        };
        let registered = store.create_user(new, LATER).await.unwrap();
        answers.push(Answer::Registered(registered.map(|user| user.id)));
    }
    let deleted = store
        .delete_session(ANN, LONG.parse().unwrap(), LATER)
        .await;
    answers.push(Answer::Deleted(deleted.unwrap()));
    answers.push(Answer::Head(pull(store, ANN, Some(NOON)).await));
    answers
}

async fn pull(store: &dyn Store, user: UserId, since: Option<Timestamp>) -> PullHead {
    let query = PullQuery {
        user,
        since,
        session_ids: None,
        start: PageStart::Offset(0),
        limit: 100,
        round: None,
    };
    store.pull(query, LATER).await.unwrap()
}

async fn read(
    store: &dyn Store,
    user: UserId,
    session: SessionId,
    changed_after: Option<Timestamp>,
) -> RecordChunk {
    let query = RecordQuery {
        user,
        session,
        after: None,
        changed_after,
        // More than there are, so that no chunk ends where a store happens to cut a block.
        limit: 1_000_000,
    };
    store.read_records(query).await.unwrap()
}
