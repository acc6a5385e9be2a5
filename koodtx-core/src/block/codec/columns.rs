//! The columns of an encoded block.

use std::sync::Arc;

use super::super::{Column, Columns, Rows, Texts, Values};
use super::BlockError;
use super::bytes::{Reader, put_text, put_varint};
use super::integers::{Plan, read_integers};
use super::numbers::{read_numbers, write_numbers};
use super::texts::{read_texts, write_texts};

/// Memory of a column beside its values, name and allocations included.
const COLUMN_BYTES: usize = 128;
const ROW_BYTES: usize = size_of::<u32>();
const NUMBER_BYTES: usize = size_of::<f64>();
const TEXT_END_BYTES: usize = size_of::<u32>();

/// Appends the columns, apart from the times.
pub(super) fn write_columns(columns: &Columns, out: &mut Vec<u8>) {
    put_varint(out, columns.numbers.len() as u64);
    for column in &columns.numbers {
        put_text(out, &column.name);
        write_rows(&column.rows, out);
        write_numbers(&column.values, out);
    }
    put_varint(out, columns.texts.len() as u64);
    for column in &columns.texts {
        put_text(out, &column.name);
        write_rows(&column.rows, out);
        write_texts(&column.values, out);
    }
    out.push(u8::from(columns.whole.is_some()));
    if let Some(whole) = &columns.whole {
        write_rows(&whole.rows, out);
        write_texts(&whole.values, out);
    }
}

/// Reads the columns that stand beside `times`.
pub(super) fn read_columns(
    reader: &mut Reader<'_>,
    times: Vec<i64>,
) -> Result<Columns, BlockError> {
    let count = times.len();
    let numbers = read_named(reader, count, number_values)?;
    let texts = read_named(reader, count, text_values)?;
    let whole = match reader.byte()? {
        0 => None,
        1 => Some(read_column(reader, "", count, text_values)?),
        _ => {
            return Err(BlockError::Invalid(
                "whole rows are neither absent nor present",
            ));
        }
    };
    let columns = Columns {
        times,
        numbers,
        texts,
        whole,
    };
    if columns.each_field_stands_once() {
        Ok(columns)
    } else {
        Err(BlockError::Invalid(
            "a field of a row stands in two columns",
        ))
    }
}

/// The memory that reading the columns reserves.
pub(super) fn columns_bytes(columns: &Columns) -> usize {
    fn column_bytes<V: Values>(column: &Column<V>, value_bytes: usize) -> usize {
        let rows = if column.rows == Rows::All {
            0
        } else {
            column.values.len()
        };
        COLUMN_BYTES + rows * ROW_BYTES + column.values.len() * value_bytes
    }
    let numbers = columns
        .numbers
        .iter()
        .map(|column| column_bytes(column, NUMBER_BYTES));
    let texts = columns
        .texts
        .iter()
        .chain(&columns.whole)
        .map(|column| column_bytes(column, TEXT_END_BYTES) + column.values.bytes.len());
    numbers.chain(texts).sum()
}

fn number_values(reader: &mut Reader<'_>, len: usize) -> Result<Vec<f64>, BlockError> {
    reader.reserve(len, NUMBER_BYTES)?;
    read_numbers(reader, len)
}

fn text_values(reader: &mut Reader<'_>, len: usize) -> Result<Texts, BlockError> {
    reader.reserve(len, TEXT_END_BYTES)?;
    read_texts(reader, len)
}

type ReadValues<V> = fn(&mut Reader<'_>, usize) -> Result<V, BlockError>;

/// Reads columns ordered by name.
fn read_named<V>(
    reader: &mut Reader<'_>,
    count: usize,
    values: ReadValues<V>,
) -> Result<Vec<Column<V>>, BlockError> {
    let columns_count = reader.length(reader.rest().len())?;
    let mut columns: Vec<Column<V>> = Vec::new();
    for _ in 0..columns_count {
        let name = reader.text()?;
        if columns.last().is_some_and(|before| *before.name >= *name) {
            return Err(BlockError::Invalid(
                "the names of columns are not ascending",
            ));
        }
        columns.push(read_column(reader, name, count, values)?);
    }
    Ok(columns)
}

fn read_column<V>(
    reader: &mut Reader<'_>,
    name: &str,
    count: usize,
    values: ReadValues<V>,
) -> Result<Column<V>, BlockError> {
    reader.reserve(1, COLUMN_BYTES)?;
    let rows = read_rows(reader, count)?;
    let len = match &rows {
        Rows::All => count,
        Rows::Some(rows) => rows.len(),
    };
    Ok(Column {
        name: Arc::from(name),
        rows,
        values: values(reader, len)?,
    })
}

/// Appends 0 for all rows; else their number and one, and the list of them.
fn write_rows(rows: &Rows, out: &mut Vec<u8>) {
    match rows {
        Rows::All => put_varint(out, 0),
        Rows::Some(rows) => {
            put_varint(out, rows.len() as u64 + 1);
            let rows: Vec<i64> = rows.iter().map(|&row| row.into()).collect();
            Plan::new(&rows).write(out);
        }
    }
}

fn read_rows(reader: &mut Reader<'_>, count: usize) -> Result<Rows, BlockError> {
    let Some(len) = reader.length(count + 1)?.checked_sub(1) else {
        return Ok(Rows::All);
    };
    if len == 0 {
        return Err(BlockError::Invalid("a column has no row"));
    }
    reader.reserve(len, ROW_BYTES)?;
    let rows = read_integers(reader, len)?
        .into_iter()
        .map(|row| {
            u32::try_from(row)
                .ok()
                .filter(|&row| (row as usize) < count)
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(BlockError::Invalid(
            "a column names a row that does not exist",
        ))?;
    if rows.is_sorted_by(|before, after| before < after) {
        Ok(Rows::Some(rows))
    } else {
        Err(BlockError::Invalid(
            "the rows of a column are not ascending",
        ))
    }
}
