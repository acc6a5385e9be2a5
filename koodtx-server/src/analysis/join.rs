//! The rows of a block that have several numeric fields at once.

use koodtx_core::block::{Column, Columns, Rows};

/// Rows that have each of `N` fields, with their values; ascending.
#[derive(Debug)]
pub(super) struct Joined<'a, const N: usize> {
    cursors: [Cursor<'a>; N],
    /// The next row to look at.
    row: usize,
}

/// A place in one column.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    column: &'a Column<Vec<f64>>,
    at: usize,
}

/// The rows that have a number in each of the fields `names`; `None` where a field has no column.
pub(super) fn rows_with<'a, const N: usize>(
    columns: &'a Columns,
    names: [&str; N],
) -> Option<Joined<'a, N>> {
    let numbers = columns.numbers();
    let mut found = [None; N];
    for (slot, name) in found.iter_mut().zip(names) {
        let at = numbers
            .binary_search_by(|column| column.name().cmp(name))
            .ok()?;
        *slot = numbers.get(at);
    }
    // Every slot is filled by now.
    let first = numbers.first()?;
    let cursors = found.map(|column| Cursor {
        column: column.unwrap_or(first),
        at: 0,
    });
    Some(Joined { cursors, row: 0 })
}

impl Cursor<'_> {
    /// Goes to the first row from `row` on that has the field.
    #[inline]
    fn seek(&mut self, row: usize) -> Option<usize> {
        match self.column.rows() {
            Rows::All => {
                self.at = row;
                (row < self.column.values().len()).then_some(row)
            }
            Rows::Some(rows) => {
                while (*rows.get(self.at)? as usize) < row {
                    self.at += 1;
                }
                rows.get(self.at).map(|&found| found as usize)
            }
        }
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.column.values().get(self.at).copied()
    }
}

impl<const N: usize> Iterator for Joined<'_, N> {
    type Item = (usize, [f64; N]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let mut row = self.row;
        loop {
            let mut furthest = row;
            for cursor in &mut self.cursors {
                furthest = cursor.seek(furthest)?;
            }
            if furthest == row {
                break;
            }
            row = furthest;
        }
        self.row = row + 1;
        let mut values = [0.0; N];
        for (value, cursor) in values.iter_mut().zip(&self.cursors) {
            *value = cursor.value()?;
        }
        Some((row, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use koodtx_core::block::Block;
    use koodtx_core::block::Record;
    use koodtx_core::time::Timestamp;

    fn block(rows: &[&str]) -> Block {
        let records: Vec<Record> = (1..)
            .zip(rows)
            .map(|(time, data)| Record {
                timestamp: Timestamp::from_micros(time),
                changed: Timestamp::ZERO,
                stamp: Timestamp::ZERO,
                data: (*data).to_owned(),
            })
            .collect();
        Block::from_records(&records).unwrap()
    }

    fn joined<const N: usize>(rows: &[&str], names: [&str; N]) -> Vec<(usize, [f64; N])> {
        let block = block(rows);
        rows_with(block.columns(), names)
            .into_iter()
            .flatten()
            .collect()
    }

    #[test]
    fn rows_that_lack_a_field_are_passed_over() {
        let rows = [
            r#"{"x":1,"y":2}"#,
            r#"{"x":3}"#,
            r#"{"y":4}"#,
            r#"{"x":5,"y":"text"}"#,
            r#"{"x":6,"y":7,"z":8}"#,
        ];
        assert_eq!(
            joined(&rows, ["x", "y"]),
            [(0, [1.0, 2.0]), (4, [6.0, 7.0])]
        );
        assert_eq!(joined(&rows, ["x", "y", "z"]), [(4, [6.0, 7.0, 8.0])]);
        assert_eq!(joined(&rows, ["w"]), []);
    }

    #[test]
    fn full_columns_join_row_by_row() {
        let rows = [r#"{"x":1,"y":2}"#, r#"{"x":3,"y":4}"#];
        assert_eq!(
            joined(&rows, ["y", "x"]),
            [(0, [2.0, 1.0]), (1, [4.0, 3.0])]
        );
    }
}
