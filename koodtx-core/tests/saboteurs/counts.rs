//! Defects of counting.

use std::collections::BTreeSet;

use koodtx_core::store::PushOutcome;
use koodtx_core::time::Timestamp;

use super::broken::{HONEST, Hooks};
use super::edit::edit_rows;
use super::saboteur::{Saboteur, saboteur};

/// Whether a push left everything as it was.
fn changed_nothing(before: Timestamp, outcome: &PushOutcome) -> bool {
    outcome.clock == before
}

pub const COUNTS: &[Saboteur] = &[
    saboteur(
        "fresh records are counted as updates",
        Hooks {
            push: |inner, command, now| {
                let outcome = inner.push(command, now)?;
                let updated = outcome.inserted + outcome.updated;
                Ok(PushOutcome {
                    inserted: 0,
                    updated,
                    ..outcome
                })
            },
            ..HONEST
        },
        &[
            "a_fresh_push_inserts_every_record",
            "a_large_batch_is_stored_whole",
            "a_large_retry_changes_nothing",
            "a_late_batch_finds_its_place",
            "a_revived_session_has_only_new_records",
            "a_sparse_batch_touches_many_blocks",
            "conflicting_pushes_at_once_converge",
            "counts_always_add_up",
            "identical_pushes_at_once_insert_each_record_once",
            "many_small_batches_make_one_series",
            "of_equal_keys_in_one_push_the_later_wins",
            "session_ids_belong_to_their_user",
            "a_large_push_of_other_values_is_no_repeat",
        ],
    ),
    saboteur(
        "a session without records shows one",
        Hooks {
            show: |mut state| {
                if state.live && state.data_count == 0 {
                    state.data_count = 1;
                }
                state
            },
            ..HONEST
        },
        &[
            "a_push_without_records_creates_the_session",
            "a_dropped_push_is_whole_or_nothing",
        ],
    ),
    saboteur(
        "records of a retry are counted as updates",
        Hooks {
            push: |inner, command, now| {
                let before = inner.clock(command.user);
                let outcome = inner.push(command, now)?;
                if !changed_nothing(before, &outcome) {
                    return Ok(outcome);
                }
                Ok(PushOutcome {
                    updated: outcome.duplicates,
                    duplicates: 0,
                    ..outcome
                })
            },
            ..HONEST
        },
        &[
            "a_retry_counts_duplicates",
            "a_large_retry_changes_nothing",
            "a_push_older_than_the_deletion_changes_nothing",
            "a_push_older_than_the_deletion_stays_out_of_a_revival",
            "an_equal_value_with_a_newer_stamp_raises_the_stamp",
            "equal_values_in_other_words_are_equal",
            "a_large_push_of_other_values_is_no_repeat",
        ],
    )
    .or_maybe_by(&["identical_pushes_at_once_insert_each_record_once"]),
    saboteur(
        "a retry answers with a clock of its own",
        Hooks {
            push: |inner, command, now| {
                let before = inner.clock(command.user);
                let outcome = inner.push(command, now)?;
                let clock = if changed_nothing(before, &outcome) {
                    now.max(before.plus_micros(1))
                } else {
                    outcome.clock
                };
                Ok(PushOutcome { clock, ..outcome })
            },
            ..HONEST
        },
        &[
            "a_retry_moves_no_clock",
            "a_large_retry_changes_nothing",
            "a_push_older_than_the_deletion_changes_nothing",
            "an_equal_value_with_a_newer_stamp_raises_the_stamp",
            "equal_metadata_with_a_newer_stamp_raises_the_stamp",
            "equal_values_in_other_words_are_equal",
        ],
    )
    .or_maybe_by(&["identical_pushes_at_once_insert_each_record_once"]),
    saboteur(
        "updates are counted as inserted",
        Hooks {
            push: |inner, command, now| {
                let outcome = inner.push(command, now)?;
                let inserted = outcome.inserted + outcome.updated;
                Ok(PushOutcome {
                    inserted,
                    updated: 0,
                    ..outcome
                })
            },
            ..HONEST
        },
        &[
            "a_conflicting_push_updates",
            "a_late_batch_finds_its_place",
            "a_sparse_batch_touches_many_blocks",
            "conflicting_pushes_at_once_converge",
            "counts_always_add_up",
            "a_large_push_of_other_values_is_no_repeat",
        ],
    ),
    saboteur(
        "refused records are counted as duplicates",
        Hooks {
            push: |inner, command, now| {
                let errors = command.batch.errors;
                let outcome = inner.push(command, now)?;
                Ok(PushOutcome {
                    duplicates: outcome.duplicates + errors,
                    ..outcome
                })
            },
            ..HONEST
        },
        &["counts_always_add_up"],
    ),
    saboteur(
        "records replaced within a push are not counted",
        Hooks {
            push: |inner, command, now| {
                let replaced = command.batch.replaced;
                let outcome = inner.push(command, now)?;
                Ok(PushOutcome {
                    duplicates: outcome.duplicates - replaced,
                    ..outcome
                })
            },
            ..HONEST
        },
        &[
            "of_equal_keys_in_one_push_the_later_wins",
            "a_push_older_than_the_deletion_changes_nothing",
            "counts_always_add_up",
        ],
    ),
    saboteur(
        "data_count grows with every update",
        Hooks {
            push: |inner, command, now| {
                let outcome = inner.push(command, now)?;
                Ok(PushOutcome {
                    data_count: outcome.data_count + outcome.updated,
                    ..outcome
                })
            },
            ..HONEST
        },
        &[
            "data_count_is_the_number_of_distinct_keys",
            "a_late_batch_finds_its_place",
            "a_sparse_batch_touches_many_blocks",
            "a_large_push_of_other_values_is_no_repeat",
        ],
    ),
    saboteur(
        "of one push the records of only one sensor are merged",
        Hooks {
            push: |inner, command, now| {
                let sensors: BTreeSet<_> = command.batch.sensor_types().into_iter().collect();
                let first = sensors.first().cloned();
                inner.push(
                    edit_rows(&command, |row| {
                        (Some(&row.sensor) == first.as_ref()).then_some(row)
                    }),
                    now,
                )
            },
            ..HONEST
        },
        &[
            "counts_always_add_up",
            "a_dropped_push_is_whole_or_nothing",
            "a_push_is_logged",
            "a_push_is_seen_whole",
            "a_push_over_the_sensor_limit_is_refused_whole",
            "a_session_may_reach_the_sensor_limit",
            "changed_after_returns_only_what_changed",
            "session_ids_belong_to_their_user",
        ],
    ),
];
