//! A group row by row, in the way of the documented form: slower, and each row has an outcome of its own.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::GroupParser;
use super::list::{List, count_rest};
use super::place::Place;
use super::stamps::BAD_STAMP;
use super::times::NOT_A_NUMBER;
use crate::block::NO_STAMP;
use crate::json::scanner::{Scanner, SyntaxError};
use crate::limits::{COLUMN_GROUP_FIELDS_MAX_COUNT, RECORD_DATA_MAX_BYTES};
use crate::push::fault::{self, Fault};
use crate::push::{PushError, SeriesBuilder};
use crate::time::Timestamp;

pub(super) const DATA_SHAPE: &str = "has to be an object with a list of values for each field";

impl GroupParser {
    /// Reads the rows of the group one by one, `data` from offset `at` on. Without a series all are refused.
    pub(super) fn read_rows(
        &mut self,
        scanner: &mut Scanner<'_>,
        at: usize,
        series: Option<usize>,
    ) -> Result<(), PushError> {
        scanner.at = at;
        let mut fields = Fields::read(scanner, self.group, self.times.len(), &mut self.present)?;
        let mut data = String::new();
        for (row, &time) in self.times.iter().enumerate() {
            let fits = fields.write_row(row, &mut data)?;
            let stamp = self.stamps.get(row).copied().unwrap_or(NO_STAMP);
            let fault = match series {
                None => Some(fault::invalid_sensor_type()),
                Some(_) if time == NOT_A_NUMBER => Some(fault::invalid_timestamp()),
                Some(_) if time < 0 => Some(fault::timestamp_out_of_range()),
                Some(_) if !fits => Some(fault::data_too_large()),
                Some(series) => {
                    push_row(&mut self.gathered.series[series].1, time, stamp, &data).err()
                }
            };
            match fault {
                None => self.gathered.total += 1,
                Some(fault) => self.gathered.refuse(fault),
            }
        }
        Ok(())
    }
}

/// Appends a row, whose `data` are JSON as a client might have sent them.
fn push_row(builder: &mut SeriesBuilder, time: i64, stamp: i64, data: &str) -> Result<(), Fault> {
    let mut scanner = Scanner::new(data);
    builder
        .read_data(&mut scanner, RECORD_DATA_MAX_BYTES)
        .map_err(fault::of_data)?;
    if stamp == BAD_STAMP {
        builder.rollback();
        return Err(fault::invalid_updated_at());
    }
    let stamp = (stamp != NO_STAMP).then(|| Timestamp::from_micros(stamp));
    builder.commit(time, stamp);
    Ok(())
}

/// The fields of a group, side by side.
struct Fields<'a> {
    cursors: Vec<Cursor<'a>>,
    /// The fields that every row has.
    dense: Vec<usize>,
    /// The next row of each other field that has one left, so that a row costs what stands in it.
    sparse: BinaryHeap<Reverse<(usize, usize)>>,
}

/// A field and where its next value stands.
struct Cursor<'a> {
    /// The name, as it stands between its quotes.
    name: &'a str,
    values: Elements<'a>,
    /// The numbers of its rows; `None` where every row has it.
    present: Option<Elements<'a>>,
}

/// An array whose form was checked, element by element.
struct Elements<'a> {
    scanner: Scanner<'a>,
    first: bool,
}

impl<'a> Fields<'a> {
    /// Finds the lists of the `data` at the scanner, and checks their form; the values are JSON then.
    fn read(
        scanner: &mut Scanner<'a>,
        group: usize,
        rows: usize,
        present: &mut Vec<u32>,
    ) -> Result<Self, PushError> {
        let place = Place::of_group(group);
        if scanner.peek() != b'{' {
            return Err(place.member("data").invalid(DATA_SHAPE));
        }
        scanner.take(b'{');
        let mut names = HashSet::new();
        let mut fields = Self {
            cursors: Vec::new(),
            dense: Vec::new(),
            sparse: BinaryHeap::new(),
        };
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            let field_place = place.field(key);
            if fields.cursors.len() == COLUMN_GROUP_FIELDS_MAX_COUNT {
                return Err(PushError::too_large(
                    place.member("data").to_string(),
                    format!(
                        "a group may have at most {COLUMN_GROUP_FIELDS_MAX_COUNT} fields; split it"
                    ),
                ));
            }
            let name = key.decode().unwrap_or(Cow::Borrowed(key.raw));
            if !names.insert(name) {
                return Err(field_place.invalid("is there twice"));
            }
            let list = List::find(scanner, field_place, rows, present)?;
            let mut counted = scanner.clone();
            counted.at = list.values_at;
            counted.take(b'[');
            let count = count_rest(&mut counted, &mut true)?;
            list.check_count(field_place, rows, present, count)?;
            let mut cursor = Cursor {
                name: key.raw,
                values: Elements::of(scanner, list.values_at),
                present: list.rows_at.map(|at| Elements::of(scanner, at)),
            };
            match cursor.present {
                None => {
                    fields.dense.push(fields.cursors.len());
                    *scanner = counted;
                }
                Some(_) => {
                    if let Some(row) = cursor.next_row()? {
                        fields.sparse.push(Reverse((row, fields.cursors.len())));
                    }
                }
            }
            fields.cursors.push(cursor);
        }
        Ok(fields)
    }

    /// Writes the data of `row`, with their values as they were sent; rows are asked for in ascending
    /// order. False where they are larger than the protocol allows.
    fn write_row(&mut self, row: usize, data: &mut String) -> Result<bool, SyntaxError> {
        data.clear();
        data.push('{');
        let mut fits = true;
        let mut dense = self.dense.iter().copied().peekable();
        loop {
            // In the order in which the group has its fields.
            let sparse = match self.sparse.peek() {
                Some(&Reverse((next, field))) if next == row => Some(field),
                _ => None,
            };
            let field = match (dense.peek().copied(), sparse) {
                (Some(every), Some(some)) => every.min(some),
                (Some(field), None) | (None, Some(field)) => field,
                (None, None) => break,
            };
            let cursor = &mut self.cursors[field];
            let value = cursor.values.take()?.unwrap_or_default();
            fits &= data.len() + cursor.name.len() + value.len() <= RECORD_DATA_MAX_BYTES;
            if fits {
                if data.len() > 1 {
                    data.push(',');
                }
                data.push('"');
                data.push_str(cursor.name);
                data.push_str("\":");
                data.push_str(value);
            }
            if sparse == Some(field) {
                self.sparse.pop();
                if let Some(next) = cursor.next_row()? {
                    self.sparse.push(Reverse((next, field)));
                }
            } else {
                dense.next();
            }
        }
        data.push('}');
        Ok(fits && data.len() <= RECORD_DATA_MAX_BYTES)
    }
}

impl Cursor<'_> {
    /// The next row that has the field, of a field that not every row has.
    fn next_row(&mut self) -> Result<Option<usize>, SyntaxError> {
        let Some(present) = &mut self.present else {
            return Ok(None);
        };
        // What was checked to be a row number.
        let row = present.take()?;
        Ok(row.and_then(|row| row.parse().ok()))
    }
}

impl<'a> Elements<'a> {
    /// Those of the array at `at`.
    fn of(scanner: &Scanner<'a>, at: usize) -> Self {
        let mut scanner = scanner.clone();
        scanner.at = at;
        scanner.take(b'[');
        Self {
            scanner,
            first: true,
        }
    }

    /// The next one, as it was sent; `None` at the end.
    fn take(&mut self) -> Result<Option<&'a str>, SyntaxError> {
        Ok(if self.scanner.next_element(&mut self.first)? {
            Some(self.scanner.value()?.0)
        } else {
            None
        })
    }
}
