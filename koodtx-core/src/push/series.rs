//! Builds the columns of one series while a body is scanned: no allocation per record.

use std::sync::Arc;

use super::template::Template;
use crate::block::{Column, Columns, IncomingSeries, NO_STAMP, Rows, Texts, Values};
use crate::json::plain::Reading;
use crate::json::scanner::{Scanner, StringToken};
use crate::json::{Json, JsonError};
use crate::limits::RECORD_DATA_MAX_DEPTH;
use crate::time::Timestamp;

/// Most fields that get columns of their own in one series of one push; a record that brings more is
/// kept as one JSON object. It bounds what a column may cost in memory beside the value it holds.
const FIELDS_MAX_COUNT: usize = 64;

/// How often a series learns the shape of its records anew before it gives up.
const TEMPLATES_MAX_COUNT: usize = 8;

/// The growing column of one field, for one kind of value.
#[derive(Clone, Debug, Default)]
pub(super) struct GrowingColumn<V> {
    pub(super) values: V,
    /// Rows of the values; `None` while the values are those of rows 0, 1, 2, …
    pub(super) rows: Option<Vec<u32>>,
}

impl<V: Values> GrowingColumn<V> {
    /// Notes that the next value belongs to `row`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "two comparisons a number")]
    pub(super) fn enter(&mut self, row: usize) {
        match &mut self.rows {
            None if self.values.len() == row => {}
            None => {
                let mut rows: Vec<u32> = (0..self.values.len() as u32).collect();
                rows.push(row as u32);
                self.rows = Some(rows);
            }
            Some(rows) => rows.push(row as u32),
        }
    }

    /// Forgets the value of `row`, if it has one.
    fn rollback(&mut self, row: usize) {
        match &mut self.rows {
            None => self.values.truncate(row),
            Some(rows) if rows.last() == Some(&(row as u32)) => {
                rows.pop();
                self.values.truncate(rows.len());
            }
            Some(_) => {}
        }
    }

    /// Forgets the values of all rows from `row` on.
    pub(super) fn truncate_rows(&mut self, row: usize) {
        match &mut self.rows {
            None => self.values.truncate(row),
            Some(rows) => {
                rows.truncate(rows.partition_point(|&present| (present as usize) < row));
                self.values.truncate(rows.len());
            }
        }
    }

    fn into_column(self, name: Arc<str>, len: usize) -> Option<Column<V>> {
        let count = self.values.len();
        let rows = match self.rows {
            _ if count == 0 => return None,
            _ if count == len => Rows::All,
            None => Rows::Some((0..count as u32).collect()),
            Some(rows) => Rows::Some(rows),
        };
        Some(Column {
            name,
            rows,
            values: self.values,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    name: Arc<str>,
    /// The row that was last given a value, plus 1.
    pub(super) rows_seen: usize,
    pub(super) numbers: GrowingColumn<Vec<f64>>,
    pub(super) texts: GrowingColumn<Texts>,
}

impl Field {
    /// Reads a value other than a number.
    #[inline]
    pub(super) fn read_text(
        &mut self,
        scanner: &mut Scanner<'_>,
        row: usize,
        bytes_max: usize,
    ) -> Result<(), JsonError> {
        if scanner.peek() != b'"' {
            let depth_max = RECORD_DATA_MAX_DEPTH - 1;
            let value = Json::read_bounded(scanner, bytes_max, depth_max)?;
            self.texts.enter(row);
            self.texts.values.push(&value.stored_text());
            return Ok(());
        }
        let token = scanner.string()?;
        if token.escaped {
            let text = token.decode()?.into_owned();
            if text.contains('\0') {
                return Err(JsonError::NulCharacter);
            }
            self.texts.enter(row);
            self.texts.values.push(&Json::String(text).stored_text());
        } else {
            self.texts.enter(row);
            self.texts.values.push_quoted(token.raw);
        }
        Ok(())
    }
}

/// The growing columns of one series.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeriesBuilder {
    pub(super) times: Vec<i64>,
    /// Client stamps, or [`NO_STAMP`]; empty until a record has one.
    pub(super) stamps: Vec<i64>,
    pub(super) fields: Vec<Field>,
    whole: GrowingColumn<Texts>,
    /// The field expected next: fields of a record mostly come in the order of the record before.
    pub(super) expected: usize,
    /// The shape of the last record, with the fields that its numbers belong to.
    template: Option<(Template, Vec<usize>)>,
    templates_learned: usize,
}

impl SeriesBuilder {
    /// Whether the record at the scanner begins like the last one of the series.
    #[inline]
    pub(crate) fn begins(&self, scanner: &Scanner<'_>) -> bool {
        self.template
            .as_ref()
            .is_some_and(|(template, _)| template.begins(scanner))
    }

    /// Reads the record at the scanner into the columns of the next row, if it has the shape of the
    /// last one; returns its time in microseconds. Else nothing is read.
    #[inline]
    pub(crate) fn read_alike(&mut self, scanner: &mut Scanner<'_>) -> Option<i64> {
        let (template, targets) = self.template.as_ref()?;
        let (row, start, fields) = (self.times.len(), scanner.at, &mut self.fields);
        let time = template.read(scanner, |index, double| {
            let field = &mut fields[targets[index]];
            field.rows_seen = row + 1;
            field.numbers.enter(row);
            field.numbers.values.push(double);
        });
        if time.is_none() {
            self.rollback();
            scanner.at = start;
        }
        time
    }

    /// Learns the shape of a record that was just committed.
    pub(crate) fn learn(&mut self, record: &str) {
        if self.templates_learned < TEMPLATES_MAX_COUNT {
            self.templates_learned += 1;
            self.template = Template::learn(record).and_then(|(template, names)| {
                let position =
                    |name: &&str| self.fields.iter().position(|field| *field.name == **name);
                Some((
                    template,
                    names.iter().map(position).collect::<Option<Vec<_>>>()?,
                ))
            });
        }
    }

    /// Reads a `data` object into the columns of the next row, which [`Self::commit`] completes.
    ///
    /// The scanner stands at the `{`. A value of more than `bytes_max` bytes is refused. On an error nothing of the row is left in the columns; the
    /// scanner then stands anywhere.
    #[inline]
    pub(crate) fn read_data(
        &mut self,
        scanner: &mut Scanner<'_>,
        bytes_max: usize,
    ) -> Result<(), JsonError> {
        let start = scanner.at;
        match self.read_fields(scanner, bytes_max) {
            Ok(true) => Ok(()),
            Ok(false) => {
                // Repeated keys or too many fields: rare, so take the simple way.
                self.rollback();
                scanner.at = start;
                let value = Json::read_bounded(scanner, bytes_max, RECORD_DATA_MAX_DEPTH)?;
                self.push_json(&value);
                Ok(())
            }
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    /// False where the row does not fit the columns.
    #[inline]
    fn read_fields(
        &mut self,
        scanner: &mut Scanner<'_>,
        bytes_max: usize,
    ) -> Result<bool, JsonError> {
        let row = self.times.len();
        self.expected = 0;
        scanner.expect(b'{', "an object")?;
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            let Some(index) = self.field(key)? else {
                return Ok(false);
            };
            let field = &mut self.fields[index];
            if field.rows_seen > row {
                return Ok(false);
            }
            field.rows_seen = row + 1;
            match scanner.peek() {
                b'-' | b'0'..=b'9' => {
                    match scanner.reading()?.ok_or(JsonError::NumberNotFinite)? {
                        Reading::BigInteger(text) => {
                            field.texts.enter(row);
                            field.texts.values.push(text);
                        }
                        Reading::Double(double) => {
                            field.numbers.enter(row);
                            field.numbers.values.push(double);
                        }
                    }
                }
                _ => field.read_text(scanner, row, bytes_max)?,
            }
        }
        Ok(true)
    }

    /// The field of that name, created if there is room for it.
    #[inline]
    pub(super) fn field(&mut self, key: StringToken<'_>) -> Result<Option<usize>, JsonError> {
        let at = self.expected;
        if !key.escaped
            && self
                .fields
                .get(at)
                .is_some_and(|field| *field.name == *key.raw)
        {
            self.expected = at + 1;
            return Ok(Some(at));
        }
        let name = key.decode()?;
        if name.contains('\0') {
            return Err(JsonError::NulCharacter);
        }
        Ok(self.field_named(&name))
    }

    fn field_named(&mut self, name: &str) -> Option<usize> {
        let found = self.fields.iter().position(|field| *field.name == *name);
        let index = match found {
            Some(index) => index,
            None if self.fields.len() == FIELDS_MAX_COUNT => return None,
            None => {
                self.fields.push(Field {
                    name: name.into(),
                    rows_seen: 0,
                    numbers: GrowingColumn::default(),
                    texts: GrowingColumn::default(),
                });
                self.fields.len() - 1
            }
        };
        self.expected = index + 1;
        Some(index)
    }

    /// Puts an object into the columns of the next row, or whole where it does not fit.
    fn push_json(&mut self, value: &Json) {
        let row = self.times.len();
        let Json::Object(members) = value else { return };
        let new = members
            .keys()
            .filter(|key| !self.fields.iter().any(|f| *f.name == ***key))
            .count();
        if self.fields.len() + new > FIELDS_MAX_COUNT {
            self.whole.enter(row);
            self.whole.values.push(&value.stored_text());
            return;
        }
        for (key, member) in members {
            let Some(index) = self.field_named(key) else {
                continue;
            };
            let field = &mut self.fields[index];
            field.rows_seen = row + 1;
            if let Json::Number(crate::json::Number::Double(double)) = member {
                field.numbers.enter(row);
                field.numbers.values.push(*double);
            } else {
                field.texts.enter(row);
                field.texts.values.push(&member.stored_text());
            }
        }
    }

    /// Forgets what the columns hold of the next row.
    pub(crate) fn rollback(&mut self) {
        let row = self.times.len();
        for field in self.fields.iter_mut().filter(|field| field.rows_seen > row) {
            field.numbers.rollback(row);
            field.texts.rollback(row);
            field.rows_seen = 0;
        }
        self.whole.rollback(row);
    }

    /// Completes the next row.
    #[inline]
    pub(crate) fn commit(&mut self, time: i64, stamp: Option<Timestamp>) {
        if let Some(stamp) = stamp {
            self.stamps.resize(self.times.len(), NO_STAMP);
            self.stamps.push(stamp.as_micros());
        } else if !self.stamps.is_empty() {
            self.stamps.push(NO_STAMP);
        }
        self.times.push(time);
    }

    /// Appends a row whose `data` is given as JSON.
    pub(crate) fn push_row(
        &mut self,
        time: i64,
        stamp: Option<Timestamp>,
        data: &str,
    ) -> Result<(), JsonError> {
        let mut scanner = Scanner::new(data);
        scanner.peek();
        // What was stored may be longer than it was sent: `1e15` is kept with all its digits.
        self.read_data(&mut scanner, usize::MAX)?;
        scanner.finish().inspect_err(|_| self.rollback())?;
        self.commit(time, stamp);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The columns, rows in the order in which they came.
    pub(crate) fn into_columns(self) -> Columns {
        let len = self.times.len();
        let mut fields = self.fields;
        fields.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        let mut numbers = Vec::with_capacity(fields.len());
        let mut texts = Vec::new();
        for field in fields {
            numbers.extend(field.numbers.into_column(field.name.clone(), len));
            texts.extend(field.texts.into_column(field.name, len));
        }
        Columns {
            times: self.times,
            numbers,
            texts,
            whole: self.whole.into_column("".into(), len),
        }
    }

    /// The series, sorted by time, and how many of its records a later one with the same time
    /// replaced.
    pub(crate) fn finish(mut self) -> (IncomingSeries, u64) {
        let stamps = std::mem::take(&mut self.stamps);
        let columns = self.into_columns();
        if columns.times.is_sorted_by(|left, right| left < right) {
            return (IncomingSeries { columns, stamps }, 0);
        }
        let times = &columns.times;
        let mut order: Vec<u32> = (0..times.len() as u32).collect();
        // Stable: of equal times the last in the order is the last in the push, which wins.
        order.sort_by_key(|&row| times[row as usize]);
        let mut kept: Vec<u32> = Vec::with_capacity(order.len());
        for &row in &order {
            match kept.last_mut() {
                Some(last) if times[*last as usize] == times[row as usize] => *last = row,
                _ => kept.push(row),
            }
        }
        let stamps = if stamps.is_empty() {
            stamps
        } else {
            kept.iter().map(|&row| stamps[row as usize]).collect()
        };
        let replaced = (order.len() - kept.len()) as u64;
        (
            IncomingSeries {
                columns: columns.reorder(&kept),
                stamps,
            },
            replaced,
        )
    }
}
