//! Records as JSON, straight from their columns.

use crate::block::{Block, Column, Rows, Texts};
use crate::id::SensorType;
use crate::json::RecordText;
use crate::json::number_writer::{NearWriter, NumberWriter};
use crate::json::record_text::Constant;
use crate::json::write::write_string;
use crate::sample_time::write_sample_time;
use crate::time::{MICROS_PER_MILLI, Timestamp};

const DATA: &str = ",\"data\":";

/// Writes rows of one series, in ascending order.
#[derive(Debug)]
pub struct SeriesWriter<'a> {
    block: &'a Block,
    /// Everything up to the timestamp.
    prefix: Constant,
    /// What stands between timestamp and data.
    data: Constant,
    millis: NearWriter,
    numbers: Vec<WrittenField<'a, Vec<f64>, NumberWriter>>,
    texts: Vec<WrittenField<'a, Texts, ()>>,
}

/// A field with how it is written.
#[derive(Debug)]
struct WrittenField<'a, V, W> {
    /// A comma, and the key with its colon.
    key: Constant,
    field: FieldWriter<'a, V>,
    writer: W,
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
    /// Begins with `row`.
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

    /// Where among the values that of `row` stands, if it has one. Every row is asked for from the first one
    /// on, in order: values of rows that are left out would stop it.
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
    /// Begins with `row` of a series. Each record begins with `opening`: a brace, and behind
    /// it perhaps members with commas.
    pub fn new(opening: &str, sensor_type: &SensorType, block: &'a Block, row: usize) -> Self {
        let mut prefix = format!("{opening}\"sensor_type\":");
        write_string(&mut prefix, sensor_type.as_str());
        prefix.push_str(",\"timestamp\":");
        let columns = block.columns();
        Self {
            block,
            prefix: Constant::new(&prefix),
            data: Constant::new(DATA),
            millis: NearWriter::default(),
            numbers: (columns.numbers().iter())
                .map(|column| WrittenField::new(column, row, NumberWriter::default()))
                .collect(),
            texts: (columns.texts().iter())
                .map(|column| WrittenField::new(column, row, ()))
                .collect(),
        }
    }

    /// Appends `row` as `{"sensor_type":…,"timestamp":…,"data":{…}}`. Every row is written from the first
    /// one on, in order.
    #[inline]
    pub fn write(&mut self, out: &mut RecordText, row: usize) {
        out.push_constant(&self.prefix);
        self.write_time(out, self.block.time(row));
        out.push_constant(&self.data);
        let whole = self.block.columns().whole();
        if let Some((column, at)) = whole.and_then(|column| Some((column, column.position(row)?))) {
            out.push_str(column.values().get(at));
        } else {
            let begin = out.len();
            for WrittenField { key, field, writer } in &mut self.numbers {
                if let Some(at) = field.position(row) {
                    out.push_constant(key);
                    writer.write(out, field.column().values()[at]);
                }
            }
            for WrittenField { key, field, .. } in &mut self.texts {
                if let Some(at) = field.position(row) {
                    out.push_constant(key);
                    out.push_str(field.column().values().get(at));
                }
            }
            if out.len() == begin {
                out.push_str("{");
            } else {
                // In place of the comma before the first field.
                out.replace(begin, b'{');
            }
            out.push_short(*b"}", 1);
        }
        out.push_short(*b"}", 1);
    }

    #[inline]
    fn write_time(&mut self, out: &mut RecordText, time: Timestamp) {
        let micros = time.as_micros();
        let millis = micros / MICROS_PER_MILLI;
        if micros % MICROS_PER_MILLI != 0 || !self.millis.write(out, millis) {
            let mut text = String::new();
            write_sample_time(&mut text, time);
            out.push_str(&text);
        }
    }
}

impl<'a, V, W> WrittenField<'a, V, W> {
    fn new(column: &'a Column<V>, row: usize, writer: W) -> Self {
        let field = FieldWriter::new(column, row);
        let key = Constant::new(&format!(",{}", field.key()));
        Self { key, field, writer }
    }
}
