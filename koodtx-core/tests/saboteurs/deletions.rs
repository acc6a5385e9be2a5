//! Defects of deletion and revival.

use koodtx_core::pull::PullQuery;
use koodtx_core::session::SessionState;
use koodtx_core::store::{PushOutcome, SessionDetail, StoreErrorKind};

use super::broken::{HONEST, Hooks};
use super::edit::{Row, edit_patch, rows, with_rows};
use super::saboteur::{Saboteur, saboteur};

pub const DELETIONS: &[Saboteur] = &[
    saboteur(
        "a device that asks for everything is not told of deletions",
        Hooks {
            pull: |inner, query, now| {
                let PullQuery { since, .. } = query;
                let mut head = inner.pull(query, now)?;
                head.sessions.retain(|state| state.live || since.is_some());
                Ok(head)
            },
            ..HONEST
        },
        &[
            "a_deleted_session_shows_as_a_tombstone",
            "a_change_between_pages_shifts_nothing",
            "a_deleted_session_has_no_records",
            "a_push_older_than_the_deletion_changes_nothing",
            "has_more_is_exact",
            "offset_and_keyset_give_the_same_pages",
            "sessions_come_in_the_order_of_creation",
            "the_clock_grows_while_time_runs_backwards",
            "the_clock_grows_while_time_stands_still",
            "the_filter_by_session_keeps_the_others_out",
        ],
    ),
    saboteur(
        "a deleted session still has a detail",
        Hooks {
            session: |inner, user, id| {
                let tombstone = inner.state(user, id);
                let detail = |state| SessionDetail {
                    state,
                    series: Vec::new(),
                };
                Ok(inner.session(user, id)?.or_else(|| tombstone.map(detail)))
            },
            ..HONEST
        },
        &["a_deleted_session_has_no_records"],
    ),
    saboteur(
        "deleting again succeeds",
        Hooks {
            delete: |inner, user, id, now| match inner.delete(user, id, now) {
                Err(error) if error.kind() == StoreErrorKind::NotFound => inner
                    .state(user, id)
                    .and_then(|state| state.deleted_at)
                    .ok_or(error),
                answer => answer,
            },
            ..HONEST
        },
        &[
            "deleting_what_is_not_there_is_not_found",
            "of_deletions_at_once_one_succeeds",
        ],
    ),
    saboteur(
        "records are kept and come back with a revival",
        Hooks {
            delete: |inner, user, id, now| {
                let kept = inner
                    .records(user, id)
                    .into_iter()
                    .map(|(place, record)| Row {
                        sensor: place.sensor_type,
                        timestamp: place.timestamp,
                        data: record.data,
                        updated_at: None,
                    });
                inner.notes.lock().deleted.insert(id, kept.collect());
                inner.delete(user, id, now)
            },
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let is_tombstone = inner
                    .state(command.user, id)
                    .is_some_and(|state| !state.live);
                let outcome = inner.push(command.clone(), now)?;
                let is_live = inner
                    .state(command.user, id)
                    .is_some_and(|state| state.live);
                if let Some(mut old) = inner.notes.lock().deleted.remove(&id)
                    && is_tombstone
                    && is_live
                {
                    let new: Vec<_> = rows(&command.batch).iter().map(Row::place).collect();
                    old.retain(|row| !new.contains(&row.place()));
                    inner.push(with_rows(&command, &old), now)?;
                }
                Ok(outcome)
            },
            ..HONEST
        },
        &[
            "a_revived_session_has_only_new_records",
            "a_push_older_than_the_deletion_stays_out_of_a_revival",
        ],
    ),
    saboteur(
        "a revived session is a new one",
        Hooks {
            show: |state| {
                let revived = state.live && state.deleted_at.is_some();
                let created_at = if revived {
                    state.updated_at
                } else {
                    state.created_at
                };
                SessionState {
                    created_at,
                    ..state
                }
            },
            ..HONEST
        },
        &["a_revived_session_keeps_its_place"],
    ),
    saboteur(
        "records of a push older than the deletion are not counted",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let user = command.user;
                let outcome = inner.push(command, now)?;
                let is_tombstone = inner.state(user, id).is_some_and(|state| !state.live);
                let duplicates = if is_tombstone { 0 } else { outcome.duplicates };
                Ok(PushOutcome {
                    duplicates,
                    ..outcome
                })
            },
            ..HONEST
        },
        &["a_push_older_than_the_deletion_changes_nothing"],
    ),
    saboteur(
        "any push revives a session",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let is_tombstone = inner
                    .state(command.user, id)
                    .is_some_and(|state| !state.live);
                let edited = edit_patch(&command, |patch| {
                    patch.updated_at = patch.updated_at.filter(|_| !is_tombstone);
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &[
            "a_push_older_than_the_deletion_changes_nothing",
            "a_push_without_effect_is_logged",
            "what_raises_nothing_is_taken_whatever_is_held",
        ],
    ),
    saboteur(
        "once a session is revived, its deletion is forgotten",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let is_live = inner
                    .state(command.user, id)
                    .is_some_and(|state| state.live);
                let was_deleted = inner
                    .state(command.user, id)
                    .is_some_and(|state| state.deleted_at.is_some());
                let edited = edit_patch(&command, |patch| {
                    patch.updated_at = patch.updated_at.filter(|_| !(is_live && was_deleted));
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["a_push_older_than_the_deletion_stays_out_of_a_revival"],
    ),
];
