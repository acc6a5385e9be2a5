//! Defects that show only between calls at the same time: what is decided before the lock is taken
//! is out of date by the time it is written.

use koodtx_core::pull::{PullHead, PullQuery};
use koodtx_core::store::{PushOutcome, Rotation, StoreErrorKind, User};
use koodtx_core::time::{Tick, Timestamp};

use super::broken::{HONEST, Hooks, steps, sum};
use super::edit::{Row, edit_rows, rows};
use super::inner::wait_for_others;
use super::saboteur::{Saboteur, saboteur};

pub const RACES: &[Saboteur] = &[
    saboteur(
        "new keys are counted before the lock is taken",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let is_new = |row: &Row| !stored.contains_key(&row.place());
                let inserted = rows(&command.batch)
                    .iter()
                    .filter(|row| is_new(row))
                    .count() as u64;
                wait_for_others();
                let outcome = inner.push(command, now)?;
                if outcome.data_count < inserted {
                    // A push that is older than a deletion; nothing of it is stored.
                    return Ok(outcome);
                }
                let duplicates = (outcome.inserted + outcome.duplicates).saturating_sub(inserted);
                Ok(PushOutcome {
                    inserted,
                    duplicates,
                    ..outcome
                })
            },
            ..HONEST
        },
        &["identical_pushes_at_once_insert_each_record_once"],
    )
    .or_maybe_by(&["conflicting_pushes_at_once_converge"]),
    saboteur(
        "who wins is decided before the lock is taken",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let before = inner.records(command.user, id);
                wait_for_others();
                let after = inner.records(command.user, id);
                let edited = edit_rows(&command, |mut row| {
                    let (was, is) = (before.get(&row.place()), after.get(&row.place()));
                    if was.map(|r| r.stamp) != is.map(|r| r.stamp) {
                        // Somebody else was quicker; this one decided without knowing.
                        let beaten = is.map(|record| record.stamp.plus_micros(1));
                        row.updated_at = row.updated_at.max(beaten);
                    }
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["conflicting_pushes_at_once_converge"],
    ),
    saboteur(
        "the clock is stepped before the lock is taken",
        Hooks {
            push: |inner, command, now| {
                let before = inner.clock(command.user);
                wait_for_others();
                let outcome = inner.push(command, now)?;
                let tick = Tick::after(before, now).at();
                Ok(PushOutcome {
                    clock: outcome.clock.min(tick),
                    ..outcome
                })
            },
            ..HONEST
        },
        &["changes_at_once_have_clocks_of_their_own"],
    ),
    saboteur(
        "whether a session is there is decided before the lock is taken",
        Hooks {
            delete: |inner, user, id, now| {
                let is_live = inner.session(user, id)?.is_some();
                wait_for_others();
                match inner.delete(user, id, now) {
                    Err(error) if error.kind() == StoreErrorKind::NotFound && is_live => Ok(now),
                    answer => answer,
                }
            },
            ..HONEST
        },
        &["of_deletions_at_once_one_succeeds"],
    ),
    saboteur(
        "each series of a push is stored on its own",
        Hooks {
            push: |inner, command, now| {
                let mut total = None;
                for step in steps(&command) {
                    if total.is_some() && command.batch.series.len() == 2 {
                        wait_for_others();
                    }
                    total = Some(sum(total, inner.push(step, now)?));
                }
                Ok(total.expect("a push has at least one step"))
            },
            ..HONEST
        },
        &[
            "a_push_is_seen_whole",
            "a_push_is_logged",
            "a_push_over_the_sensor_limit_is_refused_whole",
            "changed_after_returns_only_what_changed",
            "the_same_calls_give_the_same_export",
        ],
    ),
    saboteur(
        "a push that is dropped half way leaves half of it",
        Hooks {
            pushes_in_steps: true,
            ..HONEST
        },
        &[
            "a_dropped_push_is_whole_or_nothing",
            "a_push_is_logged",
            "a_push_over_the_sensor_limit_is_refused_whole",
            "changed_after_returns_only_what_changed",
            "the_same_calls_give_the_same_export",
        ],
    ),
    saboteur(
        "the clock of a pull is read after its sessions",
        Hooks {
            pull: |inner, query, now| {
                let early = inner.pull(
                    PullQuery {
                        round: None,
                        ..query.clone()
                    },
                    now,
                )?;
                wait_for_others();
                let late = inner.pull(query, now)?;
                Ok(PullHead {
                    clock: late.clock,
                    round_clock: late.round_clock,
                    ..early
                })
            },
            ..HONEST
        },
        &["a_device_beside_writers_misses_nothing"],
    ),
    saboteur(
        "whether a name is free is decided before the lock is taken",
        Hooks {
            create_user: |inner, new, now| {
                let is_free = inner.credentials(&new.username)?.is_none();
                wait_for_others();
                let created = inner.create_user(new.clone(), now)?;
                if created.is_ok() || !is_free {
                    return Ok(created);
                }
                // The second account that a store without a unique index would now hold; what is
                // taken otherwise stays taken.
                let holder = inner.credentials(&new.username)?;
                Ok(holder
                    .map(|holder| User {
                        email: new.email,
                        ..holder.user
                    })
                    .map_or(created, Ok))
            },
            ..HONEST
        },
        &["of_registrations_at_once_one_succeeds"],
    ),
    saboteur(
        "whether a token is current is decided before the lock is taken",
        Hooks {
            create_family: |inner, family, now| {
                inner
                    .notes
                    .lock()
                    .families
                    .insert(family.id, family.clone());
                inner.create_family(family, now)
            },
            rotate: |inner, call| {
                let current = inner
                    .notes
                    .lock()
                    .families
                    .get(&call.family)
                    .map(|f| f.token);
                let sign_in = inner
                    .sign_ins(call.user, Timestamp::ZERO)?
                    .into_iter()
                    .find(|s| s.id == call.family);
                wait_for_others();
                let rotation = inner.rotate(call)?;
                if let Some(family) = inner.notes.lock().families.get_mut(&call.family)
                    && matches!(rotation, Rotation::Rotated(_))
                {
                    family.token = call.next;
                }
                Ok(match (rotation, sign_in) {
                    (Rotation::Reused, Some(sign_in)) if current == Some(call.presented) => {
                        Rotation::Rotated(sign_in)
                    }
                    (rotation, _) => rotation,
                })
            },
            ..HONEST
        },
        &["of_rotations_at_once_one_succeeds"],
    ),
];
