//! Defects by which users get at each other's data.

use koodtx_core::id::UserId;
use koodtx_core::pull::PullQuery;
use koodtx_core::store::StoreErrorKind;

use super::broken::{HONEST, Hooks};
use super::saboteur::{Saboteur, saboteur};

const USERS: [UserId; 2] = [UserId(1), UserId(2)];

pub const USERS_APART: &[Saboteur] = &[
    saboteur(
        "who has no sessions is shown those of another",
        Hooks {
            sessions: |inner, user, before, limit| {
                let own = inner.sessions(user, before, limit)?;
                if own.sessions.is_empty() {
                    inner.sessions(USERS[0], before, limit)
                } else {
                    Ok(own)
                }
            },
            ..HONEST
        },
        &["a_user_sees_nothing_of_another"],
    ),
    saboteur(
        "a session belongs to whoever pushed its id first",
        Hooks {
            push: |inner, mut command, now| {
                let id = command.batch.session.session_id;
                command.user = *inner.notes.lock().owners.entry(id).or_insert(command.user);
                inner.push(command, now)
            },
            ..HONEST
        },
        &[
            "session_ids_belong_to_their_user",
            "a_deletion_touches_one_user_only",
            "users_have_clocks_of_their_own",
        ],
    ),
    saboteur(
        "all users share one clock",
        Hooks {
            push: |inner, command, now| {
                let mut notes = inner.notes.lock();
                let outcome = inner.push(command, now.max(notes.clock))?;
                notes.clock = notes.clock.max(outcome.clock);
                Ok(outcome)
            },
            ..HONEST
        },
        &["users_have_clocks_of_their_own"],
    ),
    saboteur(
        "a deletion takes the session of whoever has one",
        Hooks {
            delete: |inner, user, id, now| match inner.delete(user, id, now) {
                Err(error) if error.kind() == StoreErrorKind::NotFound => {
                    let mut others = USERS.into_iter().filter(|other| *other != user);
                    others
                        .find_map(|other| inner.delete(other, id, now).ok())
                        .ok_or(error)
                }
                answer => answer,
            },
            ..HONEST
        },
        &["a_deletion_touches_one_user_only"],
    ),
    saboteur(
        "rounds of all users are one",
        Hooks {
            pull: |inner, query, now| {
                let mut head = inner.pull(query.clone(), now)?;
                for user in USERS {
                    let other = inner
                        .pull(
                            PullQuery {
                                user,
                                ..query.clone()
                            },
                            now,
                        )?
                        .round_clock;
                    head.round_clock = head.round_clock.or(other);
                }
                Ok(head)
            },
            ..HONEST
        },
        &["rounds_belong_to_their_user"],
    ),
];
