//! Blocks put together from columns, for stores that keep columns in a form of their own.

use std::sync::Arc;

use super::columns::Values;
use super::{Block, BlockError, Column, Columns, Rows, Texts};

/// The columns of a block, not yet known to be one: see [`Block::from_parts`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockParts {
    /// When each sample was taken, in microseconds since the epoch, strictly ascending.
    pub times: Vec<i64>,
    /// User clock of each record's last effective change, in microseconds.
    pub changed: Vec<i64>,
    /// Stamp of each record, in microseconds; empty where every stamp equals `changed`.
    pub stamps: Vec<i64>,
    /// Numeric fields, ordered by name.
    pub numbers: Vec<Column<Vec<f64>>>,
    /// Other fields as JSON texts, ordered by name.
    pub texts: Vec<Column<Texts>>,
    /// Rows kept as one JSON object each. Its name is empty.
    pub whole: Option<Column<Texts>>,
}

impl<V> Column<V> {
    /// A column of the field `name`, with one value for each of `rows`.
    pub fn new(name: impl Into<Arc<str>>, rows: Rows, values: V) -> Self {
        Self {
            name: name.into(),
            rows,
            values,
        }
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut list = Self::default();
        for text in texts {
            list.push(text.as_ref());
        }
        list
    }
}

impl Block {
    /// A block of these columns, as [`columns`](Self::columns), [`changed_micros`](Self::changed_micros)
    /// and [`stamps_micros`](Self::stamps_micros) gave them out.
    ///
    /// # Errors
    /// [`BlockError::Invalid`] where they break a promise of a block: they were not taken from one, or
    /// somebody changed them.
    pub fn from_parts(parts: BlockParts) -> Result<Self, BlockError> {
        let BlockParts {
            times,
            changed,
            stamps,
            numbers,
            texts,
            whole,
        } = parts;
        let count = times.len();
        check(count > 0, "it holds no record")?;
        check(
            times.is_sorted_by(|before, after| before < after),
            "the times are not ascending",
        )?;
        check(
            changed.len() == count && [0, count].contains(&stamps.len()),
            "the changes or stamps are not one a record",
        )?;
        check_columns(&numbers, count)?;
        check_columns(&texts, count)?;
        whole
            .iter()
            .try_for_each(|column| check_column(column, count))?;
        check(
            numbers
                .iter()
                .flat_map(|column| &column.values)
                .all(|value| value.is_finite()),
            "a number is not finite",
        )?;
        let mut block = Self {
            columns: Columns {
                times,
                numbers,
                texts,
                whole,
            },
            changed,
            stamps,
        };
        check(
            block.columns.each_field_stands_once(),
            "a field of a row stands in two columns",
        )?;
        block.drop_implied_stamps();
        Ok(block)
    }

    /// User clock of each record's last effective change, in microseconds.
    pub fn changed_micros(&self) -> &[i64] {
        &self.changed
    }

    /// Stamp of each record, in microseconds; empty where every stamp equals the record's change.
    pub fn stamps_micros(&self) -> &[i64] {
        &self.stamps
    }
}

fn check(holds: bool, otherwise: &'static str) -> Result<(), BlockError> {
    if holds {
        Ok(())
    } else {
        Err(BlockError::Invalid(otherwise))
    }
}

fn check_columns<V: Values>(columns: &[Column<V>], count: usize) -> Result<(), BlockError> {
    check(
        columns.is_sorted_by(|before, after| before.name < after.name),
        "the names of columns are not ascending",
    )?;
    columns
        .iter()
        .try_for_each(|column| check_column(column, count))
}

fn check_column<V: Values>(column: &Column<V>, count: usize) -> Result<(), BlockError> {
    let len = match &column.rows {
        Rows::All => count,
        Rows::Some(rows) => {
            check(
                rows.is_sorted_by(|before, after| before < after),
                "the rows of a column are not ascending",
            )?;
            check(
                rows.last().is_none_or(|&last| (last as usize) < count),
                "a column names a row that does not exist",
            )?;
            rows.len()
        }
    };
    check(
        column.values.len() == len && len > 0,
        "a column has not one value for each of its rows",
    )
}

impl Columns {
    /// Whether no row has a field twice: as number and as text, or beside the row kept as a whole.
    pub(super) fn each_field_stands_once(&self) -> bool {
        let Self {
            numbers,
            texts,
            whole,
            ..
        } = self;
        let kinds_are_apart = numbers.iter().all(|number| {
            let text = texts.binary_search_by(|text| text.name.cmp(&number.name));
            text.is_ok_and(|at| !overlap(&number.rows, &texts[at].rows)) || text.is_err()
        });
        let whole_rows_are_apart = whole.as_ref().is_none_or(|whole| {
            let mut fields = numbers
                .iter()
                .map(Column::rows)
                .chain(texts.iter().map(Column::rows));
            fields.all(|rows| !overlap(rows, &whole.rows))
        });
        kinds_are_apart && whole_rows_are_apart
    }
}

fn overlap(left: &Rows, right: &Rows) -> bool {
    match (left, right) {
        (Rows::All, Rows::All) => true,
        (Rows::All, Rows::Some(rows)) | (Rows::Some(rows), Rows::All) => !rows.is_empty(),
        (Rows::Some(left), Rows::Some(right)) => {
            let mut right = right.iter().peekable();
            left.iter().any(|row| {
                while right.next_if(|other| *other < row).is_some() {}
                right.peek() == Some(&row)
            })
        }
    }
}
