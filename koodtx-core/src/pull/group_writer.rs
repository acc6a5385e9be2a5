//! Records as groups of the columnar form, straight from their columns.

use std::ops::Range;

use super::RecordChunk;
use crate::block::{Block, Column, Rows, Texts};
use crate::id::SensorType;
use crate::json::Json;
use crate::json::write::{write_f64, write_string};
use crate::sample_time::write_sample_time;
use crate::time::{MICROS_PER_MILLI, Timestamp};

/// Most bytes of the records of a group before they are text: 8 for each time and number, the length of
/// each text. One record may be larger; it then is a group of its own. Bounds the memory of an answer.
const GROUP_RAW_MAX_BYTES: usize = 32 * 1024;

/// A chunk that is being written as groups.
#[derive(Debug)]
pub(crate) struct GroupWriter {
    chunk: RecordChunk,
    /// The series that is being written, and the rows of its groups that are not, the next one last.
    series: usize,
    groups: Vec<Range<usize>>,
}

impl GroupWriter {
    pub(crate) fn new(chunk: RecordChunk) -> Self {
        let mut writer = Self {
            chunk,
            series: 0,
            groups: Vec::new(),
        };
        writer.begin_series();
        writer
    }

    fn begin_series(&mut self) {
        if let Some((_, block)) = self.chunk.series.get(self.series) {
            self.groups = groups(block);
            self.groups.reverse();
        }
    }

    /// Appends groups until `out` has `target_bytes` or more; true when all are written. `first` says
    /// whether the array of groups is still empty.
    ///
    /// Series follow each other; the groups of each are in the order of time.
    pub(crate) fn write(
        &mut self,
        out: &mut String,
        first: &mut bool,
        target_bytes: usize,
    ) -> bool {
        while let Some((sensor_type, block)) = self.chunk.series.get(self.series) {
            let Some(rows) = self.groups.pop() else {
                self.series += 1;
                self.begin_series();
                continue;
            };
            if out.len() >= target_bytes {
                self.groups.push(rows);
                return false;
            }
            if !std::mem::take(first) {
                out.push(',');
            }
            write_group(out, sensor_type, block, rows);
        }
        true
    }
}

/// Where a block is cut into groups: at their size, and around the records that are kept as one object,
/// which are groups of one row.
fn groups(block: &Block) -> Vec<Range<usize>> {
    let sizes = block.row_bytes();
    let whole = block.columns().whole().map(Column::rows);
    let is_alone = |row: usize| match whole {
        None => false,
        Some(Rows::All) => true,
        Some(Rows::Some(rows)) => rows.binary_search(&(row as u32)).is_ok(),
    };
    let mut groups = Vec::new();
    let (mut start, mut bytes, mut was_alone) = (0, 0, false);
    for (row, &size) in sizes.iter().enumerate() {
        let alone = is_alone(row);
        if row > start && (alone || was_alone || bytes + size > GROUP_RAW_MAX_BYTES) {
            groups.push(start..row);
            (start, bytes) = (row, 0);
        }
        bytes += size;
        was_alone = alone;
    }
    if start < sizes.len() {
        groups.push(start..sizes.len());
    }
    groups
}

fn write_group(out: &mut String, sensor_type: &SensorType, block: &Block, rows: Range<usize>) {
    out.push_str("{\"sensor_type\":");
    write_string(out, sensor_type.as_str());
    out.push_str(",\"timestamp\":");
    write_times(out, &block.columns().times_micros()[rows.clone()]);
    out.push_str(",\"data\":{");
    let whole = block.columns().whole();
    if whole.is_some_and(|whole| whole.position(rows.start).is_some()) {
        write_whole(out, &block.columns().row(rows.start));
    } else {
        write_fields(out, block, &rows);
    }
    out.push_str("}}");
}

/// Writes the first time and the steps from each to the next; or each time, where one of them has a
/// fraction: then a client never adds up numbers that are not exact.
fn write_times(out: &mut String, times: &[i64]) {
    if let Some(&first) = times.first()
        && times.iter().all(|time| time % MICROS_PER_MILLI == 0)
    {
        out.push_str("{\"first\":");
        write_sample_time(out, Timestamp::from_micros(first));
        out.push_str(",\"steps\":[");
        let mut buffer = itoa::Buffer::new();
        for (index, pair) in times.windows(2).enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(buffer.format((pair[1] - pair[0]) / MICROS_PER_MILLI));
        }
        out.push_str("]}");
        return;
    }
    write_list(out, times.iter(), |out, &time| {
        write_sample_time(out, Timestamp::from_micros(time));
    });
}

/// Writes each member of an object as the list of its one value.
fn write_whole(out: &mut String, data: &Json) {
    let Json::Object(members) = data else { return };
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push_str(":[");
        out.push_str(&value.stored_text());
        out.push(']');
    }
}

/// Writes the fields that one of the rows has.
fn write_fields(out: &mut String, block: &Block, rows: &Range<usize>) {
    let columns = block.columns();
    let (mut numbers, mut texts) = (
        columns.numbers().iter().peekable(),
        columns.texts().iter().peekable(),
    );
    let mut separator = "";
    loop {
        // A field that holds numbers and other values has a column of each.
        let name = match (numbers.peek(), texts.peek()) {
            (None, None) => return,
            (Some(number), None) => number.name(),
            (None, Some(text)) => text.name(),
            (Some(number), Some(text)) => number.name().min(text.name()),
        };
        let field = Field {
            numbers: numbers
                .next_if(|column| column.name() == name)
                .and_then(|column| Present::within(column, rows)),
            texts: texts
                .next_if(|column| column.name() == name)
                .and_then(|column| Present::within(column, rows)),
        };
        let count = field.count();
        if count == 0 {
            continue;
        }
        out.push_str(separator);
        separator = ",";
        write_string(out, name);
        out.push(':');
        if count == rows.len() {
            field.write_values(out);
        } else {
            out.push_str("{\"rows\":");
            write_list(out, field.entries(), |out, (row, _)| {
                out.push_str(itoa::Buffer::new().format(row - rows.start));
            });
            out.push_str(",\"values\":");
            field.write_values(out);
            out.push('}');
        }
    }
}

/// The values of one field in the rows of a group.
struct Field<'a> {
    numbers: Option<Present<'a, Vec<f64>>>,
    texts: Option<Present<'a, Texts>>,
}

/// The values of a column that fall into the rows of a group.
struct Present<'a, V> {
    column: &'a Column<V>,
    /// Where they stand among the values of the column.
    at: Range<usize>,
}

enum Entry<'a> {
    Number(f64),
    Text(&'a str),
}

impl<'a, V> Present<'a, V> {
    fn within(column: &'a Column<V>, rows: &Range<usize>) -> Option<Self> {
        let at = match column.rows() {
            Rows::All => rows.clone(),
            Rows::Some(present) => {
                let position = |row| present.partition_point(|&at| (at as usize) < row);
                position(rows.start)..position(rows.end)
            }
        };
        (!at.is_empty()).then_some(Self { column, at })
    }

    /// The row of the value at `at`.
    fn row(&self, at: usize) -> usize {
        match self.column.rows() {
            Rows::All => at,
            Rows::Some(present) => present[at] as usize,
        }
    }
}

impl Field<'_> {
    fn count(&self) -> usize {
        let numbers = self.numbers.as_ref().map_or(0, |part| part.at.len());
        numbers + self.texts.as_ref().map_or(0, |part| part.at.len())
    }

    /// The values with their rows, in the order of rows.
    fn entries(&self) -> impl Iterator<Item = (usize, Entry<'_>)> {
        let mut number = self.numbers.as_ref().map_or(0, |part| part.at.start);
        let mut text = self.texts.as_ref().map_or(0, |part| part.at.start);
        std::iter::from_fn(move || {
            let numbers = self.numbers.as_ref().filter(|part| number < part.at.end);
            let texts = self.texts.as_ref().filter(|part| text < part.at.end);
            let number_row = numbers.map(|part| part.row(number));
            let text_row = texts.map(|part| part.row(text));
            match (numbers, texts) {
                (Some(part), _) if text_row.is_none_or(|row| number_row < Some(row)) => {
                    number += 1;
                    Some((number_row?, Entry::Number(part.column.values()[number - 1])))
                }
                (_, Some(part)) => {
                    text += 1;
                    Some((text_row?, Entry::Text(part.column.values().get(text - 1))))
                }
                _ => None,
            }
        })
    }

    fn write_values(&self, out: &mut String) {
        match (&self.numbers, &self.texts) {
            // What nearly all fields are.
            (Some(part), None) => {
                let values = &part.column.values()[part.at.clone()];
                write_list(out, values.iter(), |out, &value| write_f64(out, value));
            }
            (None, Some(part)) => write_list(out, part.at.clone(), |out, at| {
                out.push_str(part.column.values().get(at));
            }),
            _ => write_list(out, self.entries(), |out, (_, entry)| match entry {
                Entry::Number(value) => write_f64(out, value),
                Entry::Text(text) => out.push_str(text),
            }),
        }
    }
}

#[inline]
fn write_list<T>(
    out: &mut String,
    elements: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, element) in elements.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, element);
    }
    out.push(']');
}
