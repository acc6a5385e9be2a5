//! The fields of a group, list by list into the columns of its series.

use super::GroupParser;
use super::list::{List, count_rest};
use super::place::Place;
use crate::block::{NO_STAMP, Values};
use crate::json::JsonError;
use crate::json::plain::Reading;
use crate::json::scanner::Scanner;
use crate::limits::RECORD_DATA_MAX_BYTES;
use crate::push::PushError;
use crate::push::series::{Field, GrowingColumn, SeriesBuilder};

/// Bytes of a field in `data` beside its name and its value: quotes, colon and comma.
const FIELD_EXTRA_BYTES: usize = 4;
/// Fewest bytes that an element of an array takes, with its comma.
const ELEMENT_MIN_BYTES: usize = 2;

/// How many numbers are read one by one, without a look for plain ones, after a look that found none.
const RESTS_COUNT: usize = 8;

/// The rows of a series that the values of a list belong to.
#[derive(Clone, Copy)]
struct Targets<'a> {
    /// Where the group begins.
    base: usize,
    /// Rows of the group.
    rows: usize,
    /// Those that have the field; `None` where all do.
    present: Option<&'a [u32]>,
}

impl Targets<'_> {
    fn len(self) -> usize {
        self.present.map_or(self.rows, <[u32]>::len)
    }

    /// The row of value `at`.
    #[inline]
    fn row(self, at: usize) -> usize {
        self.base + self.present.map_or(at, |present| present[at] as usize)
    }
}

impl GroupParser {
    /// Reads the `data` at the scanner into the columns of the series, behind its last row.
    ///
    /// False, with nothing left in the columns, where a value is not valid, a row may be too large, or
    /// there are too many fields. The scanner then stands behind the data.
    pub(super) fn read_fields(
        &mut self,
        scanner: &mut Scanner<'_>,
        series: Option<usize>,
    ) -> Result<bool, PushError> {
        let Some(series) = series else {
            return Ok(false);
        };
        let start = scanner.at;
        let known = self.gathered.series[series].1.fields.len();
        let fitted = self.try_fields(scanner, series)?;
        if !fitted {
            let builder = &mut self.gathered.series[series].1;
            builder.rollback_from(builder.len());
            // Row by row, the rows decide which fields are the first.
            builder.fields.truncate(known);
            scanner.at = start;
            scanner.value()?;
        }
        Ok(fitted)
    }

    fn try_fields(&mut self, scanner: &mut Scanner<'_>, series: usize) -> Result<bool, PushError> {
        let place = Place::of_group(self.group);
        if !scanner.take(b'{') {
            return Err(place.member("data").invalid(super::rows::DATA_SHAPE));
        }
        let builder = &mut self.gathered.series[series].1;
        let (base, rows) = (builder.len(), self.times.len());
        builder.expected = 0;
        // At least as many as the data of any row would have in the documented form.
        let mut row_bytes = 2;
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            let Ok(Some(index)) = builder.field(key) else {
                return Ok(false);
            };
            let field = &mut builder.fields[index];
            let place = place.field(key);
            if field.rows_seen > base {
                return Err(place.invalid("is there twice"));
            }
            field.rows_seen = base + rows;
            let list = List::find(scanner, place, rows, &mut self.present)?;
            let end = scanner.at;
            let targets = Targets {
                base,
                rows,
                present: list.rows_at.map(|_| &*self.present),
            };
            scanner.at = list.values_at;
            let Some(read) = read_values(scanner, field, targets)? else {
                return Ok(false);
            };
            list.check_count(place, rows, &self.present, read.count)?;
            if list.rows_at.is_some() {
                scanner.at = end;
            }
            row_bytes += key.raw.len() + FIELD_EXTRA_BYTES + read.longest_bytes;
            if row_bytes > RECORD_DATA_MAX_BYTES {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What was read of a list.
struct Read {
    count: usize,
    /// The longest value, as it was sent.
    longest_bytes: usize,
}

/// Reads an array of values into the columns of a field; `None` where one of them cannot be stored.
fn read_values(
    scanner: &mut Scanner<'_>,
    field: &mut Field,
    targets: Targets<'_>,
) -> Result<Option<Read>, PushError> {
    let (mut count, mut longest_bytes) = (0, 0);
    let mut first = true;
    scanner.take(b'[');
    while scanner.next_element(&mut first)? {
        if count == targets.len() {
            // One too many: the rest is counted for the message.
            scanner.value()?;
            count += 1 + count_rest(scanner, &mut first)?;
            break;
        }
        let start = scanner.at;
        match scanner.peek() {
            b'-' | b'0'..=b'9' => {
                let Some(longest) = read_numbers(scanner, field, targets, &mut count)? else {
                    return Ok(None);
                };
                longest_bytes = longest_bytes.max(longest);
            }
            _ => {
                match field.read_text(scanner, targets.row(count), RECORD_DATA_MAX_BYTES) {
                    Ok(()) => {}
                    Err(JsonError::Syntax(error)) => return Err(error.into()),
                    Err(_) => return Ok(None),
                }
                longest_bytes = longest_bytes.max(scanner.at - start);
                count += 1;
            }
        }
    }
    Ok(Some(Read {
        count,
        longest_bytes,
    }))
}

/// Reads the numbers that follow each other with the usual separators, as far as there are rows for them;
/// returns the length of the longest, and `None` where one of them cannot be stored.
///
/// This loop is what the form is for: nothing is done for a number but reading it.
fn read_numbers(
    scanner: &mut Scanner<'_>,
    field: &mut Field,
    targets: Targets<'_>,
    count: &mut usize,
) -> Result<Option<usize>, PushError> {
    let values = &mut field.numbers.values;
    let before = values.len();
    let left = targets.len() - *count;
    let end = before + left;
    // No more than what can follow.
    values.reserve(left.min(scanner.rest().len() / ELEMENT_MIN_BYTES + 1));
    let mut longest_bytes = 0;
    let mut big = None;
    // Numbers that are still read one by one, since the last look for plain ones found none.
    let mut rests = 0;
    loop {
        let start = scanner.at;
        match scanner.reading()? {
            None => {
                // Nobody knows yet whose they are.
                values.truncate(before);
                return Ok(None);
            }
            Some(Reading::BigInteger(text)) => big = Some(text),
            Some(Reading::Double(double)) => values.push(double),
        }
        longest_bytes = longest_bytes.max(scanner.at - start);
        if big.is_some() || values.len() == end {
            break;
        }
        let Some(separator) = scanner.take_separator() else {
            break;
        };
        if rests > 0 {
            rests -= 1;
            continue;
        }
        let found = scanner.plain_numbers(separator, |number, bytes| {
            // The last one is left, since what follows it is not for this loop.
            let Some(double) = number.to_f64().filter(|_| values.len() + 1 < end) else {
                return false;
            };
            values.push(double);
            longest_bytes = longest_bytes.max(bytes);
            true
        });
        rests = if found { 0 } else { RESTS_COUNT };
    }
    let read = values.len() - before;
    field.numbers.entered(before, *count, targets);
    *count += read;
    if let Some(text) = big {
        field.texts.enter(targets.row(*count));
        field.texts.values.push(text);
        *count += 1;
    }
    Ok(Some(longest_bytes))
}

impl<V: Values> GrowingColumn<V> {
    /// Notes that the values from number `before` on are those of the list from number `at` on.
    fn entered(&mut self, before: usize, at: usize, targets: Targets<'_>) {
        let read = self.values.len() - before;
        let continues =
            self.rows.is_none() && targets.present.is_none() && before == targets.row(at);
        if read == 0 || continues {
            return;
        }
        let rows = self
            .rows
            .get_or_insert_with(|| (0..before as u32).collect());
        rows.extend((at..at + read).map(|at| targets.row(at) as u32));
    }
}

impl SeriesBuilder {
    /// Forgets what the columns hold from `row` on, which are behind those that are completed.
    pub(super) fn rollback_from(&mut self, row: usize) {
        for field in self.fields.iter_mut().filter(|field| field.rows_seen > row) {
            field.numbers.truncate_rows(row);
            field.texts.truncate_rows(row);
            field.rows_seen = 0;
        }
    }

    /// Completes the next rows. `stamps` are empty where none has one.
    pub(super) fn commit_rows(&mut self, times: &[i64], stamps: &[i64]) {
        if !stamps.is_empty() {
            self.stamps.resize(self.times.len(), NO_STAMP);
            self.stamps.extend_from_slice(stamps);
        } else if !self.stamps.is_empty() {
            self.stamps.resize(self.times.len() + times.len(), NO_STAMP);
        }
        self.times.extend_from_slice(times);
    }
}
