//! Defects of quotas.

use koodtx_core::id::UserId;
use koodtx_core::store::{
    PushCommand, PushOutcome, Quota, StoreError, StoreErrorKind, TransferItem, UserStatus,
};

use super::broken::{HONEST, Hooks};
use super::edit::{rows, with_rows};
use super::inner::{Answer, Inner, wait_for_others};
use super::saboteur::{Saboteur, saboteur};

/// The push with another quota.
fn within(command: PushCommand, quota: Quota) -> PushCommand {
    PushCommand { quota, ..command }
}

/// The push with another quota of bytes, where there is one.
fn with_bytes(command: PushCommand, change: impl FnOnce(u64) -> u64) -> PushCommand {
    let quota = Quota {
        bytes: command.quota.bytes.map(change),
        ..command.quota
    };
    within(command, quota)
}

/// The push with another quota of sessions, where there is one.
fn with_sessions(command: PushCommand, change: impl FnOnce(u64) -> u64) -> PushCommand {
    let quota = Quota {
        sessions: command.quota.sessions.map(change),
        ..command.quota
    };
    within(command, quota)
}

fn is_over(answer: &Answer<PushOutcome>) -> bool {
    matches!(answer, Err(error) if error.kind() == StoreErrorKind::QuotaExceeded)
}

fn held(inner: &Inner, user: UserId) -> UserStatus {
    inner
        .status(user, 0)
        .expect("the memory store does not fail")
}

pub const QUOTAS: &[Saboteur] = &[
    saboteur(
        "only keys count",
        Hooks {
            show: |mut state| {
                state.data_bytes = 16 * state.data_count;
                state
            },
            ..HONEST
        },
        &[
            "data_bytes_are_those_of_the_records",
            "data_bytes_of_a_user_are_those_of_the_sessions",
        ],
    ),
    saboteur(
        "the bytes of a user are never less",
        Hooks {
            status: |inner, user, recent| {
                let status = inner.status(user, recent)?;
                let mut notes = inner.notes.lock();
                let most = notes.most_bytes.entry(user).or_default();
                *most = status.data_bytes.max(*most);
                let data_bytes = *most;
                Ok(UserStatus {
                    data_bytes,
                    ..status
                })
            },
            ..HONEST
        },
        &["data_bytes_of_a_user_are_those_of_the_sessions"],
    ),
    saboteur(
        "the quota of bytes is one too low",
        Hooks {
            push: |inner, command, now| {
                inner.push(with_bytes(command, |most| most.saturating_sub(1)), now)
            },
            ..HONEST
        },
        &["a_push_may_reach_the_quota_of_bytes"],
    ),
    saboteur(
        "the quota of bytes is one too high",
        Hooks {
            push: |inner, command, now| {
                inner.push(with_bytes(command, |most| most.saturating_add(1)), now)
            },
            ..HONEST
        },
        &["a_push_over_the_quota_of_bytes_is_refused_whole"],
    ),
    saboteur(
        "of a push over the quota the first record is stored all the same",
        Hooks {
            push: |inner, command, now| {
                let answer = inner.push(command.clone(), now);
                if is_over(&answer) && command.quota.bytes.is_some() {
                    let first = with_rows(&command, &rows(&command.batch)[..1]);
                    inner.push(within(first, Quota::default()), now)?;
                }
                answer
            },
            ..HONEST
        },
        &[
            "a_push_over_the_quota_of_bytes_is_refused_whole",
            "pushes_at_once_stay_within_the_quota_of_bytes",
        ],
    ),
    saboteur(
        "the quota of sessions is one too low",
        Hooks {
            push: |inner, command, now| {
                inner.push(with_sessions(command, |most| most.saturating_sub(1)), now)
            },
            ..HONEST
        },
        &[
            "a_push_may_reach_the_quota_of_sessions",
            "a_deletion_makes_room",
            "a_quota_is_the_users_own",
            "sessions_at_once_stay_within_the_quota",
        ],
    ),
    saboteur(
        "a session over the quota is stored without its records",
        Hooks {
            push: |inner, command, now| {
                let answer = inner.push(command.clone(), now);
                if is_over(&answer) && command.quota.bytes.is_none() {
                    let empty = with_rows(&command, &[]);
                    inner.push(within(empty, Quota::default()), now)?;
                }
                answer
            },
            ..HONEST
        },
        &[
            "a_session_over_the_quota_is_refused_whole",
            "sessions_at_once_stay_within_the_quota",
        ],
    ),
    saboteur(
        "a revived session is not counted as one more",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let is_known = inner.state(command.user, id).is_some();
                let raise = |most| if is_known { u64::MAX } else { most };
                inner.push(with_sessions(command, raise), now)
            },
            ..HONEST
        },
        &["a_revival_over_the_quota_is_refused"],
    ),
    saboteur(
        "who holds more than the quota can push nothing",
        Hooks {
            push: |inner, command, now| {
                let held = held(inner, command.user).data_bytes;
                if command.quota.bytes.is_some_and(|most| held > most) {
                    let kind = StoreErrorKind::QuotaExceeded;
                    return Err(StoreError::new(kind, "push", "too much"));
                }
                inner.push(command, now)
            },
            ..HONEST
        },
        &["what_raises_nothing_is_taken_whatever_is_held"],
    ),
    saboteur(
        "deleted sessions go on counting",
        Hooks {
            delete: |inner, user, id, now| {
                let state = inner.state(user, id);
                let clock = inner.delete(user, id, now)?;
                inner.notes.lock().removed_bytes += state.map_or(0, |state| state.data_bytes);
                Ok(clock)
            },
            push: |inner, command, now| {
                let removed = inner.notes.lock().removed_bytes;
                let left = |most: u64| most.saturating_sub(removed);
                inner.push(with_bytes(command, left), now)
            },
            ..HONEST
        },
        &["a_deletion_makes_room"],
    ),
    saboteur(
        "what others hold counts",
        Hooks {
            push: |inner, command, now| {
                const USERS: [UserId; 2] = [UserId(1), UserId(2)];
                let others = USERS.into_iter().filter(|user| *user != command.user);
                let of_others: u64 = others.map(|user| held(inner, user).data_bytes).sum();
                let left = |most: u64| most.saturating_sub(of_others);
                inner.push(with_bytes(command, left), now)
            },
            ..HONEST
        },
        &["a_quota_is_the_users_own"],
    ),
    saboteur(
        "what a user holds is read before the lock is taken",
        Hooks {
            push: |inner, command, now| {
                if command.quota.bytes.is_none() {
                    return inner.push(command, now);
                }
                let before = held(inner, command.user).data_bytes;
                wait_for_others();
                // Somebody else was quicker; this one decides without knowing.
                let since = held(inner, command.user).data_bytes.saturating_sub(before);
                inner.push(with_bytes(command, |most| most + since), now)
            },
            ..HONEST
        },
        &["pushes_at_once_stay_within_the_quota_of_bytes"],
    ),
    saboteur(
        "the sessions of a user are counted before the lock is taken",
        Hooks {
            push: |inner, command, now| {
                if command.quota.sessions.is_none() {
                    return inner.push(command, now);
                }
                let before = held(inner, command.user).total_sessions;
                wait_for_others();
                let after = held(inner, command.user).total_sessions;
                let since = after.saturating_sub(before);
                inner.push(with_sessions(command, |most| most + since), now)
            },
            ..HONEST
        },
        &["sessions_at_once_stay_within_the_quota"],
    ),
];

pub const PURGED: &[Saboteur] = &[saboteur(
    "purged samples go on counting",
    Hooks {
        purge: |inner, call| {
            let state = inner.state(call.user, call.session);
            let purged = inner.purge_samples(call)?;
            if purged.is_some() {
                inner.notes.lock().removed_bytes += state.map_or(0, |state| state.data_bytes);
            }
            Ok(purged)
        },
        push: |inner, command, now| {
            let removed = inner.notes.lock().removed_bytes;
            inner.push(
                with_bytes(command, |most| most.saturating_sub(removed)),
                now,
            )
        },
        ..HONEST
    },
    &["a_purge_makes_room"],
)];

pub const IMPORTED: &[Saboteur] = &[saboteur(
    "an import believes what its source says of bytes",
    Hooks {
        import: |inner, _, item| {
            if let TransferItem::Session(state) = &item
                && state.data_count > 0
                && state.data_bytes == 0
            {
                inner.notes.lock().is_uncounted = true;
            }
            vec![item]
        },
        status: |inner, user, recent| {
            let mut status = inner.status(user, recent)?;
            if inner.notes.lock().is_uncounted {
                status.data_bytes = 0;
            }
            Ok(status)
        },
        ..HONEST
    },
    &["an_import_counts_bytes_anew"],
)];
