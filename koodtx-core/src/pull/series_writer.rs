//! Records as JSON, straight from their columns.

use crate::block::{Block, Column, Rows, Texts};
use crate::id::SensorType;
use crate::json::write::{write_f64, write_string};
use crate::sample_time::write_sample_time;

/// Writes rows of one series, in ascending order.
#[derive(Debug)]
pub struct SeriesWriter<'a> {
    block: &'a Block,
    /// Everything up to the timestamp.
    prefix: String,
    numbers: Vec<FieldWriter<'a, Vec<f64>>>,
    texts: Vec<FieldWriter<'a, Texts>>,
}

/// Finds the values of one field, row after row.
#[derive(Debug)]
pub struct FieldWriter<'a, V> {
    /// The key with its colon.
    key: String,
    column: &'a Column<V>,
    /// Position of the next value of a sparse column.
    next: usize,
}

impl<'a, V> FieldWriter<'a, V> {
    /// Begins with `row`, or a later one.
    pub fn new(column: &'a Column<V>, row: usize) -> Self {
        let mut key = String::new();
        write_string(&mut key, column.name());
        key.push(':');
        let next = match column.rows() {
            Rows::All => row,
            Rows::Some(rows) => rows.partition_point(|&present| (present as usize) < row),
        };
        Self { key, column, next }
    }

    /// The name of the field as JSON, with its colon.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The field.
    pub fn column(&self) -> &'a Column<V> {
        self.column
    }

    /// Where among the values that of `row` stands, if it has one; rows are asked for in ascending
    /// order.
    #[inline]
    pub fn position(&mut self, row: usize) -> Option<usize> {
        match self.column.rows() {
            Rows::All => Some(row),
            Rows::Some(rows) => {
                let here = *rows.get(self.next)? as usize == row;
                self.next += usize::from(here);
                here.then(|| self.next - 1)
            }
        }
    }
}

impl<'a> SeriesWriter<'a> {
    /// Begins with `row` of a series, or a later one.
    pub fn new(sensor_type: &SensorType, block: &'a Block, row: usize) -> Self {
        let mut prefix = String::from("{\"sensor_type\":");
        write_string(&mut prefix, sensor_type.as_str());
        prefix.push_str(",\"timestamp\":");
        Self {
            block,
            prefix,
            numbers: block
                .columns()
                .numbers()
                .iter()
                .map(|column| FieldWriter::new(column, row))
                .collect(),
            texts: block
                .columns()
                .texts()
                .iter()
                .map(|column| FieldWriter::new(column, row))
                .collect(),
        }
    }

    /// Appends `row` as `{"sensor_type":…,"timestamp":…,"data":{…}}`; rows are written in ascending
    /// order.
    #[inline]
    pub fn write(&mut self, out: &mut String, row: usize) {
        out.push_str(&self.prefix);
        write_sample_time(out, self.block.time(row));
        out.push_str(",\"data\":");
        let whole = self.block.columns().whole();
        if let Some((column, at)) = whole.and_then(|column| Some((column, column.position(row)?))) {
            out.push_str(column.values().get(at));
        } else {
            out.push('{');
            let mut separator = "";
            for field in &mut self.numbers {
                if let Some(at) = field.position(row) {
                    out.push_str(separator);
                    out.push_str(&field.key);
                    write_f64(out, field.column.values()[at]);
                    separator = ",";
                }
            }
            for field in &mut self.texts {
                if let Some(at) = field.position(row) {
                    out.push_str(separator);
                    out.push_str(&field.key);
                    out.push_str(field.column.values().get(at));
                    separator = ",";
                }
            }
            out.push('}');
        }
        out.push('}');
    }
}
