//! Defects of merging the metadata of sessions.

use koodtx_core::session::SessionState;
use koodtx_core::store::PushCommand;

use super::broken::{HONEST, Hooks};
use super::edit::edit_patch;
use super::inner::Inner;
use super::saboteur::{Saboteur, saboteur};

fn stored(inner: &Inner, command: &PushCommand) -> Option<SessionState> {
    inner.state(command.user, command.batch.session.session_id)
}

pub const METADATA: &[Saboteur] = &[
    saboteur(
        "enabled_sensors are sorted",
        Hooks {
            show: |mut state| {
                if let Some(sensors) = &mut state.fields.enabled_sensors {
                    sensors.value.sort();
                }
                state
            },
            ..HONEST
        },
        &["all_metadata_comes_back"],
    ),
    saboteur(
        "metadata merges as a whole: an older edit of another field is lost",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let stamp = command.batch.session.updated_at.unwrap_or(now);
                let mut notes = inner.notes.lock();
                let latest = notes.patches.entry(id).or_insert(stamp);
                let is_older = stamp < *latest;
                *latest = stamp.max(*latest);
                let edited = edit_patch(&command, |patch| {
                    if is_older {
                        (patch.notes, patch.sample_rate) = (None, None);
                    }
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["fields_merge_one_by_one"],
    ),
    saboteur(
        "absent notes are cleared",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_patch(&command, |patch| {
                    patch.notes.get_or_insert_default();
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["an_absent_field_is_kept"],
    ),
    saboteur(
        "null is taken for absent",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_patch(&command, |patch| {
                    patch.notes = patch.notes.take().filter(Option::is_some);
                    patch.end_time = patch.end_time.take().filter(Option::is_some);
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["null_clears_end_time_and_notes"],
    ),
    saboteur(
        "a new session is active, whatever its end",
        Hooks {
            push: |inner, command, now| {
                let is_new = stored(inner, &command).is_none();
                let edited = edit_patch(&command, |patch| {
                    if is_new {
                        patch.is_active.get_or_insert(true);
                    }
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &[
            "a_new_session_is_active_until_it_ends",
            "totals_follow_every_change",
        ],
    ),
    saboteur(
        "a later end does not end a session",
        Hooks {
            push: |inner, command, now| {
                let was_active = stored(inner, &command).map(|state| state.fields.is_active());
                let edited = edit_patch(&command, |patch| {
                    if matches!(patch.end_time, Some(Some(_))) {
                        patch.is_active = patch.is_active.or(was_active);
                    }
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["an_end_ends_the_session", "totals_follow_every_change"],
    ),
    saboteur(
        "an end ends the session, whatever the client says",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_patch(&command, |patch| {
                    if matches!(patch.end_time, Some(Some(_))) {
                        patch.is_active = Some(false);
                    }
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["an_explicit_activity_counts", "all_metadata_comes_back"],
    ),
    saboteur(
        "of metadata the last to arrive wins",
        Hooks {
            push: |inner, command, now| {
                let was_deleted = stored(inner, &command).is_some_and(|s| s.deleted_at.is_some());
                let edited = edit_patch(&command, |patch| {
                    patch.updated_at = patch.updated_at.filter(|_| was_deleted);
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &[
            "the_later_metadata_wins_in_both_orders",
            "equal_metadata_stamps_are_decided_by_value",
            "equal_metadata_with_a_newer_stamp_raises_the_stamp",
        ],
    ),
    saboteur(
        "of notes with equal stamps the first to arrive win",
        Hooks {
            push: |inner, command, now| {
                let stamp = stored(inner, &command).and_then(|s| Some(s.fields.notes?.stamp));
                let edited = edit_patch(&command, |patch| {
                    if stamp.is_some() && stamp == patch.updated_at {
                        patch.notes = None;
                    }
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["equal_metadata_stamps_are_decided_by_value"],
    ),
    saboteur(
        "the stamp of equal notes is not raised",
        Hooks {
            push: |inner, command, now| {
                let notes = stored(inner, &command).and_then(|s| Some(s.fields.notes?.value));
                let edited = edit_patch(&command, |patch| {
                    patch.notes = patch.notes.take().filter(|new| Some(new) != notes.as_ref());
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["equal_metadata_with_a_newer_stamp_raises_the_stamp"],
    ),
];
