//! Rows on their way into a row group of a Parquet file.

use std::io::Write;

use bytes::Bytes;
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use super::row::Row;

/// Most rows of a row group.
pub const ROW_GROUP_ROWS_MAX_COUNT: usize = 65_536;
/// A row group ends with the row that takes it past this many bytes, before encoding.
pub const ROW_GROUP_MAX_BYTES: usize = 8 * 1024 * 1024;

/// What is held of a row beside its values: its time, and the place of its sensor.
const ROW_BYTES: usize = size_of::<i64>() + size_of::<u32>();
/// What is held of a number.
const NUMBER_BYTES: usize = size_of::<f64>() + size_of::<u32>();
/// What is held of a text beside its bytes.
const TEXT_BYTES: usize = size_of::<usize>() + size_of::<u32>();

/// A column of optional values.
#[derive(Clone, Debug, Default)]
struct Sparse<V> {
    /// The rows that have a value, ascending.
    rows: Vec<u32>,
    values: V,
}

/// Rows in columns.
#[derive(Debug)]
pub(super) struct RowGroup {
    times: Vec<i64>,
    /// For each row the place of its sensor among all.
    sensors: Vec<u32>,
    numbers: Vec<Sparse<Vec<f64>>>,
    data: Sparse<String>,
    /// Where each text of `data` ends.
    data_ends: Vec<usize>,
    bytes: usize,
}

impl RowGroup {
    /// An empty row group of a table with that many columns of numbers.
    pub(super) fn new(number_columns: usize) -> Self {
        Self {
            times: Vec::new(),
            sensors: Vec::new(),
            numbers: vec![Sparse::default(); number_columns],
            data: Sparse::default(),
            data_ends: Vec::new(),
            bytes: 0,
        }
    }

    /// Whether it has no row.
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Whether it is as large as it may be.
    pub(super) fn is_full(&self) -> bool {
        self.times.len() >= ROW_GROUP_ROWS_MAX_COUNT || self.bytes >= ROW_GROUP_MAX_BYTES
    }

    /// Appends a row of the sensor at that place.
    pub(super) fn push(&mut self, sensor: u32, row: &Row) {
        let at = self.times.len() as u32;
        self.times.push(row.time.as_micros());
        self.sensors.push(sensor);
        self.bytes += ROW_BYTES;
        for (column, number) in self.numbers.iter_mut().zip(&row.numbers) {
            if let Some(number) = *number {
                column.rows.push(at);
                column.values.push(number);
                self.bytes += NUMBER_BYTES;
            }
        }
        if !row.rest.is_empty() {
            self.data.rows.push(at);
            self.data.values.push_str(&row.rest);
            self.data_ends.push(self.data.values.len());
            self.bytes += row.rest.len() + TEXT_BYTES;
        }
    }

    /// Writes the rows, column by column. `sensors` are the names of all sensors.
    pub(super) fn write<W: Write + Send>(
        self,
        file: &mut SerializedFileWriter<W>,
        sensors: &[ByteArray],
    ) -> Result<(), ParquetError> {
        let rows = self.times.len();
        let mut levels = Vec::with_capacity(rows);
        let mut group = file.next_row_group()?;
        write_column::<Int64Type, _>(&mut group, &self.times, None)?;

        let names: Vec<ByteArray> = self
            .sensors
            .iter()
            .map(|&sensor| sensors[sensor as usize].clone())
            .collect();
        write_column::<ByteArrayType, _>(&mut group, &names, None)?;
        drop(names);

        for column in self.numbers {
            set_levels(&mut levels, rows, &column.rows);
            write_column::<DoubleType, _>(&mut group, &column.values, Some(&levels))?;
        }

        let bytes = Bytes::from(self.data.values);
        let mut start = 0;
        let texts: Vec<ByteArray> = self
            .data_ends
            .iter()
            .map(|&end| bytes.slice(std::mem::replace(&mut start, end)..end).into())
            .collect();
        set_levels(&mut levels, rows, &self.data.rows);
        write_column::<ByteArrayType, _>(&mut group, &texts, Some(&levels))?;
        group.close()?;
        Ok(())
    }
}

/// Says for each row whether it has a value: 1 for one that has, else 0.
fn set_levels(levels: &mut Vec<i16>, rows: usize, present: &[u32]) {
    levels.clear();
    levels.resize(rows, 0);
    for &row in present {
        levels[row as usize] = 1;
    }
}

/// Writes the next column of a row group.
fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("the schema has too few columns".to_owned()))?;
    let writer: &mut ColumnWriterImpl<'_, T> = column.typed::<T>();
    writer.write_batch(values, levels, None)?;
    column.close()
}
