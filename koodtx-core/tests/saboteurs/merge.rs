//! Defects of merging records.

use koodtx_core::store::PushOutcome;

use super::broken::{HONEST, Hooks};
use super::edit::{Row, edit_rows, rows};
use super::saboteur::{Saboteur, saboteur};

pub const MERGE: &[Saboteur] = &[
    saboteur(
        "the last to arrive wins",
        Hooks {
            push: |inner, command, now| {
                let blind = |mut row: Row| {
                    row.updated_at = None;
                    Some(row)
                };
                inner.push(edit_rows(&command, blind), now)
            },
            ..HONEST
        },
        &[
            "the_later_stamp_wins_in_both_orders",
            "a_raised_stamp_is_no_change",
            "a_stamp_from_the_near_future_is_kept",
            "a_value_without_a_stamp_is_written_on_arrival",
            "an_equal_value_with_a_newer_stamp_raises_the_stamp",
            "conflicting_pushes_at_once_converge",
            "equal_stamps_are_decided_by_value_in_both_orders",
            "every_order_of_arrival_ends_in_the_same_state",
        ],
    ),
    saboteur(
        "a value without a stamp never replaces one with a stamp",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let edited = edit_rows(&command, |row| {
                    let stamped = stored
                        .get(&row.place())
                        .is_some_and(|r| r.stamp != r.changed);
                    (row.updated_at.is_some() || !stamped).then_some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["a_value_without_a_stamp_is_written_on_arrival"],
    ),
    saboteur(
        "ties are lost: of equal stamps the first to arrive wins",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let edited = edit_rows(&command, |row| {
                    let tie = stored.get(&row.place()).map(|r| r.stamp) == row.updated_at;
                    (row.updated_at.is_none() || !tie).then_some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["equal_stamps_are_decided_by_value_in_both_orders"],
    ),
    saboteur(
        "of equal stamps the last to arrive wins",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let edited = edit_rows(&command, |mut row| {
                    if stored.get(&row.place()).map(|r| r.stamp) == row.updated_at {
                        row.updated_at = row.updated_at.map(|stamp| stamp.plus_micros(1));
                    }
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["equal_stamps_are_decided_by_value_in_both_orders"],
    ),
    saboteur(
        "stamps are not raised: an equal value is passed over",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let edited = edit_rows(&command, |row| {
                    let equal = stored
                        .get(&row.place())
                        .is_some_and(|record| row.equals(record));
                    (!equal).then_some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &[
            "an_equal_value_with_a_newer_stamp_raises_the_stamp",
            "a_raised_stamp_is_no_change",
            "every_order_of_arrival_ends_in_the_same_state",
        ],
    ),
    saboteur(
        "stamps are not clamped: a value from the far future stays for ever",
        Hooks {
            push: |inner, command, now| {
                const FAR_MICROS: i64 = 300_000_000;
                let id = command.batch.session.session_id;
                let mut notes = inner.notes.lock();
                let edited = edit_rows(&command, |row| {
                    let place = (id, row.place());
                    let stamp = row.updated_at.unwrap_or(now);
                    if notes
                        .stamps
                        .get(&place)
                        .is_some_and(|pinned| *pinned > stamp)
                    {
                        return None;
                    }
                    if stamp > now.plus_micros(FAR_MICROS) {
                        notes.stamps.insert(place, stamp);
                    }
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["a_stamp_from_the_far_future_is_clamped"],
    ),
    saboteur(
        "stamps are clamped without tolerance",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_rows(&command, |mut row| {
                    row.updated_at = row.updated_at.map(|stamp| stamp.min(now));
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["a_stamp_from_the_near_future_is_kept"],
    ),
    saboteur(
        "values are compared as texts",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let differs = |row: &Row| {
                    let same = stored.get(&row.place());
                    same.is_some_and(|record| row.equals(record) && row.data != record.data)
                };
                let differing = rows(&command.batch)
                    .iter()
                    .filter(|row| differs(row))
                    .count() as u64;
                let outcome = inner.push(command, now)?;
                Ok(PushOutcome {
                    updated: outcome.updated + differing,
                    duplicates: outcome.duplicates - differing,
                    ..outcome
                })
            },
            ..HONEST
        },
        &["equal_values_in_other_words_are_equal"],
    ),
    saboteur(
        "an equal value with an older stamp lowers the stamp",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let stored = inner.records(command.user, id);
                let mut notes = inner.notes.lock();
                let edited = edit_rows(&command, |mut row| {
                    let place = (id, row.place());
                    let (Some(stamp), Some(record)) = (row.updated_at, stored.get(&place.1)) else {
                        return Some(row);
                    };
                    if row.equals(record) && stamp < record.stamp {
                        notes.stamps.insert(place, stamp);
                    } else if notes
                        .stamps
                        .get(&place)
                        .is_some_and(|lowered| stamp > *lowered)
                    {
                        row.updated_at = Some(stamp.max(record.stamp.plus_micros(1)));
                    }
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["every_order_of_arrival_ends_in_the_same_state"],
    ),
];
