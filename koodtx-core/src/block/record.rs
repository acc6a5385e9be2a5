//! One sample as a row, for whoever wants rows: oracles, examples, slow paths.

use std::collections::BTreeMap;

use super::{Block, Columns, IncomingSeries};
use crate::json::{Json, JsonError, Number};
use crate::limits::RECORD_DATA_MAX_DEPTH;
use crate::push::SeriesBuilder;
use crate::time::Timestamp;

/// One stored sample of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When the sample was taken.
    pub timestamp: Timestamp,
    /// User clock of its last effective change.
    pub changed: Timestamp,
    /// Stamp of the write that won.
    pub stamp: Timestamp,
    /// The `data` object as JSON: keys ordered, no white space, every number exact.
    pub data: String,
}

impl Columns {
    /// The `data` of `row` as an object.
    pub(crate) fn row(&self, row: usize) -> Json {
        if let Some(text) = self
            .whole
            .as_ref()
            .and_then(|whole| Some(whole.values.get(whole.position(row)?)))
        {
            return parse(text);
        }
        let mut members = BTreeMap::new();
        for column in &self.numbers {
            if let Some(at) = column.position(row) {
                members.insert(
                    column.name.to_string(),
                    Json::Number(Number::Double(column.values[at])),
                );
            }
        }
        for column in &self.texts {
            if let Some(at) = column.position(row) {
                members.insert(column.name.to_string(), parse(column.values.get(at)));
            }
        }
        Json::Object(members)
    }
}

/// Reads a text that this crate wrote.
fn parse(text: &str) -> Json {
    // Anything else was refused by the decoder; a string keeps what is there visible.
    Json::parse(text, RECORD_DATA_MAX_DEPTH).unwrap_or_else(|_| Json::String(text.to_owned()))
}

impl IncomingSeries {
    /// Records given one by one as `(time, updated_at, data)`, for pushes that do not come as the
    /// body of a request. Of records with the same time the last one stays.
    ///
    /// # Errors
    /// The first `data` that is no JSON object, or holds what may not be stored. Its size is the
    /// caller's to check.
    pub fn from_rows<'a>(
        rows: impl IntoIterator<Item = (Timestamp, Option<Timestamp>, &'a str)>,
    ) -> Result<Self, JsonError> {
        let mut builder = SeriesBuilder::default();
        for (time, updated_at, data) in rows {
            builder.push_row(time.as_micros(), updated_at, data)?;
        }
        Ok(builder.finish().0)
    }

    /// The `data` of `row` as JSON: keys ordered, no white space, every number exact.
    pub fn data(&self, row: usize) -> String {
        self.columns.row(row).stored_text()
    }
}

impl Block {
    /// Record `row`.
    pub fn record(&self, row: usize) -> Record {
        Record {
            timestamp: self.time(row),
            changed: self.changed(row),
            stamp: self.stamp(row),
            data: self.columns.row(row).stored_text(),
        }
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        (0..self.len()).map(|row| self.record(row))
    }

    /// A block of records that are sorted by time, no two at the same time.
    ///
    /// # Errors
    /// The first `data` that is no JSON object within the protocol's limits.
    pub fn from_records<'a>(
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Self, JsonError> {
        let mut builder = SeriesBuilder::default();
        let mut block = Self::default();
        for record in records {
            builder.push_row(record.timestamp.as_micros(), None, &record.data)?;
            block.changed.push(record.changed.as_micros());
            block.stamps.push(record.stamp.as_micros());
        }
        block.drop_implied_stamps();
        block.columns = builder.into_columns();
        Ok(block)
    }
}
