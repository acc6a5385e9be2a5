//! Erasing what deleted users have stored.

use std::sync::Arc;

use super::account_deletions::{delete, ensure_refused};
use super::accounts::register;
use super::finding::{ENDED, analyse};
use super::sign_ins::{sign_in, sign_in_id};
use super::threads::race;
use super::transfer_script::{fill, items};
use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::harness::push_command;
use crate::conformance::script::{
    ANN, BEN, NOON, RIDE, RUN, WALK, body, everything, samples, session, session_with,
};
use crate::id::{SessionId, UserId};
use crate::pull::{PageStart, PullQuery, RecordQuery, RoundKey};
use crate::store::{SessionFilter, StoreErrorKind, TransferItem};
use crate::sync_log::{NewSyncLogEntry, SyncKind, SyncStatus};
use crate::time::Timestamp;

/// Erases to the end, in small steps. Returns who was erased.
pub(super) async fn erase(h: &Harness) -> Outcome<Vec<UserId>> {
    const STEP_PIECES: usize = 3;
    /// More than the checks store.
    const STEPS_MAX_COUNT: usize = 1_000;
    let store = h.maintenance()?;
    let mut users = Vec::new();
    for _ in 0..STEPS_MAX_COUNT {
        let step = store.erase_deleted(STEP_PIECES).await?;
        users.extend(step.users);
        if !step.has_more {
            return Ok(users);
        }
    }
    Err(Failure::new("erasing does not end"))
}

/// A log entry of a pull.
pub(super) fn pulled(at: Timestamp) -> NewSyncLogEntry {
    NewSyncLogEntry {
        records_count: 7,
        ..NewSyncLogEntry::new(SyncKind::Pull, SyncStatus::Success, None, 30, at)
    }
}

/// Whatever asks for something of the user finds nothing; all that is left is that the user was deleted.
pub(super) async fn ensure_nothing_left(h: &Harness, user: UserId) -> Outcome {
    let sync = h.sync();
    let mut heads = vec![everything(user)];
    heads.push(PullQuery {
        since: Some(Timestamp::ZERO),
        ..everything(user)
    });
    heads.push(PullQuery {
        session_ids: Some(vec![RUN, WALK, RIDE]),
        ..everything(user)
    });
    for query in heads {
        let head = h.pull(query).await?;
        ensure_eq!(head.sessions, [], "sessions that a pull shows");
        let numbers = (head.total, head.clock, head.has_more);
        ensure_eq!(numbers, (0, Timestamp::ZERO, false), "what a pull says");
    }
    ensure_eq!(
        sync.sessions(user, None, 10).await?.sessions,
        [],
        "a list of sessions"
    );
    for id in [RUN, WALK, RIDE] {
        ensure_eq!(sync.session(user, id).await?, None, "a session");
        let chunk = sync.read_records(all_of(user, id)).await?;
        ensure_eq!(chunk.series, [], "records");
        let analysis = h.results()?.analysis(user, id).await?;
        ensure_eq!(analysis, None, "an analysis");
    }
    let status = sync.status(user, 10).await?;
    ensure_eq!(status, crate::store::UserStatus::default(), "the status");
    let log = sync.log_entries(user, None, 10).await?;
    ensure_eq!(log, [], "the log");
    let maintenance = h.maintenance()?;
    let entries = maintenance.count_logs(user, Timestamp::MAX).await?;
    ensure_eq!(entries, 0, "log entries");
    let filter = SessionFilter::Created {
        since: Timestamp::ZERO,
    };
    let found = maintenance.find_sessions(filter, None, 1_000).await?;
    ensure!(
        found.sessions.iter().all(|(owner, _)| *owner != user),
        "tasks find sessions of a deleted user"
    );
    ensure_eq!(
        h.accounts()?.sign_ins(user, Timestamp::ZERO).await?,
        [],
        "sign-ins"
    );
    ensure_only_a_deletion(h, user).await
}

/// All that can be exported of the user is the deletion.
pub(super) async fn ensure_only_a_deletion(h: &Harness, user: UserId) -> Outcome {
    let left = items(h, user).await?;
    let is_expected = matches!(
        &*left,
        [TransferItem::Deleted(deleted), TransferItem::Clock(Timestamp::ZERO)]
            if deleted.id == user
    );
    ensure!(is_expected, "an export has {left:?}");
    Ok(())
}

fn all_of(user: UserId, session: SessionId) -> RecordQuery {
    RecordQuery {
        user,
        session,
        after: None,
        changed_after: None,
        limit: 10,
    }
}

/// After a deletion and its erasure, in however small steps, there is nothing of the user, and everything
/// of all others.
pub(crate) async fn nothing_is_left_of_a_deleted_user(h: &Harness) -> Outcome {
    let ann = register(h, "ann", Some("phone")).await?;
    let ben = register(h, "ben", None).await?;
    ensure_eq!((ann.id, ben.id), (ANN, BEN), "ids");
    sign_in(h, ANN, 1, Some("phone")).await?;
    fill(h).await?;
    let ended = session_with(RUN, ENDED);
    let clock = h.push(ANN, &ended, &[]).await?.clock;
    analyse(h, ANN, RUN, clock).await?;
    // A round that has a further page.
    let round = RoundKey {
        sign_in: sign_in_id(1),
        since: None,
        filter: 0,
    };
    let first = PullQuery {
        round: Some(round),
        limit: 1,
        ..everything(ANN)
    };
    ensure!(h.pull(first).await?.has_more, "a first page of several");
    let before = items(h, BEN).await?;

    delete(h, ANN).await?;
    let usage = h.maintenance()?.usage().await?;
    ensure_eq!(usage.users, 1, "accounts counted at once");
    ensure_eq!(
        (usage.sessions, usage.records),
        (1, 2),
        "sessions and records counted at once"
    );
    erase(h).await?;
    ensure_nothing_left(h, ANN).await?;
    let second = PullQuery {
        round: Some(round),
        start: PageStart::Offset(1),
        ..everything(ANN)
    };
    ensure_eq!(h.pull(second).await?.round_clock, None, "a round");
    ensure!(
        items(h, BEN).await? == before,
        "something of another is gone"
    );
    let page = h.maintenance()?.verify(None, 1_000).await?;
    ensure_eq!(page.problems, [], "what a verification finds");
    ensure_eq!(erase(h).await?, [], "users erased twice");
    Ok(())
}

/// Nothing is taken in for a deleted user, before and after the erasure.
pub(crate) async fn a_deleted_user_takes_no_data(h: &Harness) -> Outcome {
    register(h, "ann", None).await?;
    let ended = session_with(RUN, ENDED);
    let clock = h.push(ANN, &ended, &samples("gps", 0..3)).await?.clock;
    let active = h.push(ANN, &session(WALK), &[]).await?.clock;
    delete(h, ANN).await?;
    for when in ["before the erasure", "after it"] {
        let now = h.now();
        for id in [RUN, RIDE] {
            let command = push_command(ANN, &body(&session(id), &samples("gps", 5..9)), now)?;
            ensure_refused(h.sync().push(command, now).await, &format!("a push {when}"))?;
        }
        let logged = h.sync().log(ANN, pulled(now), now).await;
        ensure_refused(logged, &format!("a log entry {when}"))?;
        let deleted = h.sync().delete_session(ANN, RUN, now).await;
        ensure_refused(deleted, &format!("a deletion {when}"))?;

        let store = h.maintenance()?;
        let purged = store.purge_samples(ANN, RUN, clock, now).await?;
        ensure_eq!(purged, None, "a purge {when}");
        let closed = store.close_session(ANN, WALK, active, "late", now).await?;
        ensure_eq!(closed, None, "a closing {when}");
        let analysis = crate::store::Analysis {
            session: RUN,
            clock,
            result: "{}".to_owned(),
        };
        let stored = h.results()?.put_analysis(ANN, analysis).await?;
        ensure!(!stored, "an analysis is stored {when}");
        erase(h).await?;
        ensure_nothing_left(h, ANN).await?;
    }
    let usage = h.maintenance()?.usage().await?;
    let counts = (usage.users, usage.sessions, usage.records);
    ensure_eq!(counts, (0, 0, 0), "what is counted");
    Ok(())
}

/// Of pushes and log entries that race with the deletion, each comes before it and is erased, or is
/// refused.
pub(crate) async fn of_writes_and_a_deletion_at_once_nothing_is_left(h: &Harness) -> Outcome {
    const ROUNDS_COUNT: usize = 4;
    const WRITES_COUNT: u64 = 8;
    for round in 0..ROUNDS_COUNT {
        let user = register(h, &format!("user {round}"), None).await?.id;
        // Also where the user's first write is among them.
        if round % 2 == 1 {
            h.push(user, &session(RUN), &samples("gps", 0..1)).await?;
        }
        let (sync, accounts) = (Arc::clone(h.sync()), h.accounts()?);
        race(|caller| {
            let (sync, accounts) = (Arc::clone(&sync), Arc::clone(&accounts));
            async move {
                if caller == 0 {
                    let was_there = accounts.delete_user(user, NOON).await?;
                    ensure!(was_there, "the account cannot be deleted");
                    return Ok(());
                }
                for write in 0..WRITES_COUNT {
                    let time = 10 + caller as u64 * WRITES_COUNT + write;
                    let outcome = if caller == 1 {
                        sync.log(user, pulled(NOON), NOON).await.map(drop)
                    } else {
                        let records = samples("gps", [time]);
                        let command = push_command(user, &body(&session(RUN), &records), NOON)?;
                        sync.push(command, NOON).await.map(drop)
                    };
                    match outcome {
                        Err(error) if error.kind() != StoreErrorKind::UserDeleted => {
                            return Err(error.into());
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
        })
        .await?;
        erase(h).await?;
        ensure_nothing_left(h, user).await?;
    }
    Ok(())
}
