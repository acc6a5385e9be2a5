//! Blocks of every kind, for property tests.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::super::super::{Block, Column, Columns, Rows, Values};
use super::samples::{column, texts};

/// Rows out of `count`: all of them, or those that a mask selects.
fn any_rows(count: usize) -> impl Strategy<Value = Rows> {
    prop_oneof![
        2 => Just(Rows::All),
        1 => vec(any::<bool>(), count).prop_map(|mask| {
            Rows::Some((0..).zip(mask).filter_map(|(row, present)| present.then_some(row)).collect())
        }),
    ]
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-100_000_i32..100_000).prop_map(|scaled| f64::from(scaled) / 1e4),
        2 => prop::num::f32::NORMAL.prop_map(f64::from),
        2 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL,
        1 => Just(-0.0),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["true|null", ".{0,12}"]
}

/// One value for each row; what a column has too many of is cut off when the block is put together.
type Fields<T> = BTreeMap<String, (Rows, Vec<T>)>;

fn any_fields<T: Debug>(
    value: impl Strategy<Value = T>,
    count: usize,
) -> impl Strategy<Value = Fields<T>> {
    btree_map(
        "[a-c]{0,1}|.{0,5}",
        (any_rows(count), vec(value, count)),
        0..4,
    )
}

/// `rows` without those in `taken`.
fn without(rows: &Rows, taken: &[&Rows], count: usize) -> Rows {
    let has = |rows: &Rows, row: u32| match rows {
        Rows::All => true,
        Rows::Some(rows) => rows.contains(&row),
    };
    let left: Vec<u32> = (0..count as u32)
        .filter(|&row| has(rows, row) && !taken.iter().any(|taken| has(taken, row)))
        .collect();
    if left.len() == count {
        Rows::All
    } else {
        Rows::Some(left)
    }
}

fn len(rows: &Rows, count: usize) -> usize {
    match rows {
        Rows::All => count,
        Rows::Some(rows) => rows.len(),
    }
}

fn any_times(count: usize) -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        // A sensor's clock with jitter, from any start.
        3 => (any::<i32>(), vec(1_i64..20_000, count)).prop_map(|(start, steps)| {
            steps.iter().scan(i64::from(start) * 1_000_000, |at, step| { *at += step; Some(*at) }).collect()
        }),
        1 => btree_set(any::<i64>(), count)
            .prop_map(|times| times.into_iter().collect()),
        1 => Just((0..count as i64).map(|index| if index == 0 { i64::MIN } else { i64::MAX - count as i64 + index }).collect()),
    ]
}

fn has_values<V: Values>(column: &Column<V>) -> bool {
    column.values.len() > 0
}

pub fn any_block() -> impl Strategy<Value = Block> {
    prop_oneof![1 => Just(1_usize), 3 => 2_usize..20, 1 => 100_usize..300].prop_flat_map(|count| {
        (
            any_times(count),
            prop_oneof![
                vec(any::<i64>(), count),
                vec(0_i64..3, count),
                vec(Just(i64::MIN), count)
            ],
            prop_oneof![
                Just(Vec::new()),
                vec(any::<i64>(), count),
                vec(5_i64..9, count)
            ],
            any_fields(any_number(), count),
            any_fields(any_text(), count),
            prop::option::weighted(0.3, (any_rows(count), vec(any_text(), count))),
        )
            .prop_map(move |(times, changed, stamps, numbers, others, whole)| {
                let whole = whole.map(|(rows, values)| {
                    let values = texts(&values[..len(&rows, count)]);
                    column("", rows, values)
                });
                let whole_rows = whole
                    .as_ref()
                    .map_or(Rows::Some(vec![]), |whole| whole.rows.clone());
                let mut numbers: Vec<_> = numbers
                    .into_iter()
                    .map(|(name, (rows, mut values))| {
                        let rows = without(&rows, &[&whole_rows], count);
                        values.truncate(len(&rows, count));
                        column(&name, rows, values)
                    })
                    .collect();
                let none = Rows::Some(vec![]);
                let mut others: Vec<_> = others
                    .into_iter()
                    .map(|(name, (rows, values))| {
                        let twin = numbers.iter().find(|number| *number.name == *name);
                        let rows = without(
                            &rows,
                            &[&whole_rows, twin.map_or(&none, |twin| &twin.rows)],
                            count,
                        );
                        let values = texts(&values[..len(&rows, count)]);
                        column(&name, rows, values)
                    })
                    .collect();
                // No block has a column without values.
                numbers.retain(has_values);
                others.retain(has_values);
                let whole = whole.filter(has_values);
                Block {
                    columns: Columns {
                        times,
                        numbers,
                        texts: others,
                        whole,
                    },
                    changed,
                    stamps,
                }
            })
    })
}
