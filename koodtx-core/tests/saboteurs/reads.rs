//! Defects of reading records.

use koodtx_core::block::Record;
use koodtx_core::id::SensorType;
use koodtx_core::pull::{RecordChunk, RecordPosition, RecordQuery};
use koodtx_core::store::{StoreError, StoreErrorKind};

use super::broken::{HONEST, Hooks};
use super::edit::edit_chunk;
use super::saboteur::{Saboteur, saboteur};

pub const READS: &[Saboteur] = &[
    saboteur(
        "a chunk goes on behind a time, not behind a time and a sensor",
        Hooks {
            read: |inner, mut query| {
                if let Some(after) = &mut query.after {
                    let last = "\u{10FFFF}".repeat(50);
                    after.sensor_type = SensorType::new(&last).expect("a sensor type");
                }
                inner.read(query)
            },
            ..HONEST
        },
        &[
            "chunks_give_each_record_once_in_order",
            "reading_goes_on_behind_any_place",
        ],
    ),
    saboteur(
        "a chunk goes on at its last record",
        Hooks {
            read: |inner, query| {
                // Only where that does not keep the reader at the same place for ever.
                let chunk = inner.read(query.clone())?;
                let Some(RecordPosition {
                    timestamp,
                    sensor_type,
                }) = query.after
                else {
                    return Ok(chunk);
                };
                let after = Some(RecordPosition {
                    timestamp: timestamp.plus_micros(-1),
                    sensor_type,
                });
                inner.read(RecordQuery {
                    after,
                    limit: query.limit + 1,
                    ..query
                })
            },
            ..HONEST
        },
        &[
            "chunks_give_each_record_once_in_order",
            "a_large_batch_is_stored_whole",
            "a_large_retry_changes_nothing",
            "a_late_batch_finds_its_place",
            "a_sparse_batch_touches_many_blocks",
            "many_small_batches_make_one_series",
            "reading_goes_on_behind_any_place",
            "a_large_push_of_other_values_is_no_repeat",
        ],
    ),
    saboteur(
        "a chunk goes on only behind a record that exists",
        Hooks {
            read: |inner, query| match &query.after {
                Some(after) if !inner.records(query.user, query.session).contains_key(after) => {
                    Ok(RecordChunk::default())
                }
                _ => inner.read(query),
            },
            ..HONEST
        },
        &["reading_goes_on_behind_any_place"],
    ),
    saboteur(
        "the series of a chunk come in any order",
        Hooks {
            read: |inner, query| {
                let mut chunk = inner.read(query)?;
                chunk.series.reverse();
                Ok(chunk)
            },
            ..HONEST
        },
        &["a_chunk_is_ordered_by_sensor"],
    ),
    saboteur(
        "a chunk is the whole session",
        Hooks {
            read: |inner, query| {
                inner.read(RecordQuery {
                    limit: usize::MAX,
                    ..query
                })
            },
            ..HONEST
        },
        &["a_chunk_is_bounded"],
    ),
    saboteur(
        "changed_after is ignored",
        Hooks {
            read: |inner, query| {
                inner.read(RecordQuery {
                    changed_after: None,
                    ..query
                })
            },
            ..HONEST
        },
        &[
            "changed_after_returns_only_what_changed",
            "changes_of_a_long_series_are_found",
        ],
    ),
    saboteur(
        "changed_after is inclusive",
        Hooks {
            read: |inner, query| {
                let changed_after = query.changed_after.map(|clock| clock.plus_micros(-1));
                inner.read(RecordQuery {
                    changed_after,
                    ..query
                })
            },
            ..HONEST
        },
        &[
            "changed_after_returns_only_what_changed",
            "changes_of_a_long_series_are_found",
        ],
    ),
    saboteur(
        "a record's stamp is taken for the clock of its change",
        Hooks {
            read: |inner, query| {
                let chunk = inner.read(query)?;
                Ok(edit_chunk(&chunk, |record| Record {
                    changed: record.stamp,
                    ..record
                }))
            },
            ..HONEST
        },
        &["a_raised_stamp_is_no_change"],
    ),
    saboteur(
        "reading an unknown session is an error",
        Hooks {
            read: |inner, query| match inner.state(query.user, query.session) {
                Some(_) => inner.read(query),
                None => Err(StoreError::new(
                    StoreErrorKind::NotFound,
                    "read_records",
                    "no session",
                )),
            },
            ..HONEST
        },
        &[
            "an_unknown_session_has_no_records",
            "a_user_sees_nothing_of_another",
        ],
    ),
];
