//! Defects that only series longer than a block show, and of limits.

use std::collections::{BTreeMap, BTreeSet};

use koodtx_core::block::BLOCK_RECORDS_MAX_COUNT;
use koodtx_core::limits::SESSION_SENSOR_TYPES_MAX_COUNT;
use koodtx_core::pull::RecordQuery;
use koodtx_core::store::{PushOutcome, StoreError, StoreErrorKind};

use super::broken::{HONEST, Hooks};
use super::edit::{Row, edit_rows, rows, with_rows};
use super::saboteur::{Saboteur, saboteur};

pub const BLOCKS: &[Saboteur] = &[
    saboteur(
        "the first record behind the first block of a push is lost",
        Hooks {
            push: |inner, command, now| {
                let mut counts = BTreeMap::new();
                let edited = edit_rows(&command, |row| {
                    let count = counts.entry(row.sensor.clone()).or_insert(0);
                    *count += 1;
                    (*count != BLOCK_RECORDS_MAX_COUNT + 1).then_some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &[
            "a_large_batch_is_stored_whole",
            "a_large_retry_changes_nothing",
            "a_late_batch_finds_its_place",
            "a_sparse_batch_touches_many_blocks",
            "a_verification_sees_everything_and_finds_nothing",
            "changing_fields_survive",
            "usage_adds_up",
            "a_large_push_of_other_values_is_no_repeat",
        ],
    ),
    saboteur(
        "the record that begins a block behind a full one is lost",
        Hooks {
            push: |inner, command, now| {
                let id = command.batch.session.session_id;
                let mut counts: BTreeMap<_, usize> = BTreeMap::new();
                for place in inner.records(command.user, id).into_keys() {
                    *counts.entry(place.sensor_type).or_default() += 1;
                }
                let edited = edit_rows(&command, |row| {
                    let Some(count) = counts.get_mut(&row.sensor) else {
                        return Some(row);
                    };
                    *count += 1;
                    (*count % BLOCK_RECORDS_MAX_COUNT != 1).then_some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &[
            "many_small_batches_make_one_series",
            "a_late_batch_finds_its_place",
        ],
    ),
    saboteur(
        "records before the first stored one of a long series are lost",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let first = stored
                    .keys()
                    .next()
                    .filter(|_| stored.len() > BLOCK_RECORDS_MAX_COUNT);
                let edited = edit_rows(&command, |row| {
                    (first.is_none_or(|f| row.place() >= *f)).then_some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["a_late_batch_finds_its_place"],
    ),
    saboteur(
        "a batch reaches only the first blocks that it touches",
        Hooks {
            push: |inner, command, now| {
                const BLOCKS_COUNT: usize = 2;
                let stored = inner.records(command.user, command.batch.session.session_id);
                let reached = stored.keys().nth(BLOCKS_COUNT * BLOCK_RECORDS_MAX_COUNT);
                let edited = edit_rows(&command, |row| {
                    let place = row.place();
                    let beyond = reached.is_some_and(|reached| place > *reached);
                    (!beyond || !stored.contains_key(&place)).then_some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &[
            "a_sparse_batch_touches_many_blocks",
            "a_late_batch_finds_its_place",
            "changes_of_a_long_series_are_found",
            "a_large_push_of_other_values_is_no_repeat",
        ],
    ),
    saboteur(
        "a retry of several blocks answers with a clock of its own",
        Hooks {
            push: |inner, command, now| {
                let before = inner.clock(command.user);
                let outcome = inner.push(command, now)?;
                let large = outcome.duplicates > BLOCK_RECORDS_MAX_COUNT as u64;
                let retry = large && outcome.clock == before;
                Ok(PushOutcome {
                    clock: if retry { now } else { outcome.clock },
                    ..outcome
                })
            },
            ..HONEST
        },
        &["a_large_retry_changes_nothing"],
    ),
    saboteur(
        "as many records over the same time as are stored count as a repeat",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let pushed = rows(&command.batch);
                let is_long = pushed.len() > BLOCK_RECORDS_MAX_COUNT;
                let ends = (
                    pushed.first().map(Row::place),
                    pushed.last().map(Row::place),
                );
                let stored_ends = (
                    stored.keys().next().cloned(),
                    stored.keys().next_back().cloned(),
                );
                if is_long && pushed.len() == stored.len() && ends == stored_ends {
                    return inner.push(edit_rows(&command, |_| None), now);
                }
                inner.push(command, now)
            },
            ..HONEST
        },
        &["a_large_push_of_other_values_is_no_repeat"],
    ),
    saboteur(
        "a block with one change is pulled as a whole",
        Hooks {
            read: |inner, query| {
                let count = inner.records(query.user, query.session).len();
                let changed_after = query
                    .changed_after
                    .filter(|_| count < BLOCK_RECORDS_MAX_COUNT);
                inner.read(RecordQuery {
                    changed_after,
                    ..query
                })
            },
            ..HONEST
        },
        &["changes_of_a_long_series_are_found"],
    ),
];

pub const LIMITS: &[Saboteur] = &[
    saboteur(
        "the limit of sensor types is one too low",
        Hooks {
            push: |inner, command, now| {
                let stored = inner.records(command.user, command.batch.session.session_id);
                let mut sensors: BTreeSet<_> =
                    stored.into_keys().map(|key| key.sensor_type).collect();
                sensors.extend(command.batch.sensor_types());
                if sensors.len() >= SESSION_SENSOR_TYPES_MAX_COUNT {
                    return Err(StoreError::limit_exceeded("push", "too many"));
                }
                inner.push(command, now)
            },
            ..HONEST
        },
        &["a_session_may_reach_the_sensor_limit"],
    ),
    saboteur(
        "of a push over the limit the first records are stored all the same",
        Hooks {
            push: |inner, command, now| match inner.push(command.clone(), now) {
                Err(error) if error.kind() == StoreErrorKind::LimitExceeded => {
                    inner.push(with_rows(&command, &rows(&command.batch)[..1]), now)?;
                    Err(error)
                }
                answer => answer,
            },
            ..HONEST
        },
        &["a_push_over_the_sensor_limit_is_refused_whole"],
    ),
    saboteur(
        "of a push over the limit the last records are left out",
        Hooks {
            push: |inner, command, now| match inner.push(command.clone(), now) {
                Err(error) if error.kind() == StoreErrorKind::LimitExceeded => {
                    inner.push(with_rows(&command, &rows(&command.batch)[..1]), now)
                }
                answer => answer,
            },
            ..HONEST
        },
        &["a_push_over_the_sensor_limit_is_refused_whole"],
    ),
];
