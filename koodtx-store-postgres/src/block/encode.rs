//! From blocks to rows.

use koodtx_core::block::{Block, BlockMeta, Column, Columns, Rows};
use koodtx_core::id::SensorType;
use koodtx_core::time::MICROS_PER_MILLI;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

use super::narrow::{Narrowed, narrowed};
use super::{Checksum, digest_head};
use crate::instant::{Instant, TIMESTAMPTZ};
use crate::wire::{self, BYTEA, Element, TEXT, TEXT_ARRAY};

/// Columns of the type `sensor_block_v2`.
const FIELDS_COUNT: i32 = 24;

/// What this database calls the type `sensor_block_v2` and its arrays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockType {
    pub(crate) element: Oid,
    pub(crate) array: Oid,
}

/// Blocks of a session on their way to the database, as one parameter of the type
/// `sensor_block_v2[]`.
#[derive(Debug)]
pub(crate) struct BlockBatch {
    of: BlockType,
    count: usize,
    /// The elements of the array, each with its length.
    elements: Vec<u8>,
}

impl BlockBatch {
    pub(crate) fn new(of: BlockType) -> Self {
        Self {
            of,
            count: 0,
            elements: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that it has so far.
    pub(crate) fn size_bytes(&self) -> usize {
        self.elements.len()
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.elements.clear();
    }

    /// Adds a block. One without records is nothing to keep.
    pub(crate) fn push(&mut self, sensor_type: &SensorType, block: &Block) {
        let Some(meta) = block.meta() else {
            return;
        };
        let start = self.elements.len();
        self.elements.extend_from_slice(&[0; 4]);
        self.elements.extend_from_slice(&FIELDS_COUNT.to_be_bytes());
        let mut row = RowWriter {
            buffer: &mut self.elements,
            checksum: Checksum::default(),
        };
        put_block(&mut row, sensor_type, block, &meta);
        let checksum = std::mem::take(&mut row.checksum).finish();
        row.number(checksum);
        put_digest(&mut row, block, checksum);
        let len = (self.elements.len() - start - 4) as i32;
        self.elements[start..start + 4].copy_from_slice(&len.to_be_bytes());
        self.count += 1;
    }
}

impl Type<Postgres> for BlockBatch {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("_sensor_block_v2")
    }
}

impl Encode<'_, Postgres> for &BlockBatch {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        wire::put_header(buffer, self.of.element.0, self.count, false);
        buffer.extend_from_slice(&self.elements);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        // By its number, since looking a name up costs each new connection a round trip.
        Some(PgTypeInfo::with_oid(self.of.array))
    }
}

/// Writes the columns of one row, each with its type and its length, and adds up the checksum.
struct RowWriter<'a> {
    buffer: &'a mut Vec<u8>,
    checksum: Checksum,
}

impl RowWriter<'_> {
    fn field(&mut self, oid: u32, write: impl FnOnce(&mut Vec<u8>)) {
        self.buffer.extend_from_slice(&oid.to_be_bytes());
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        write(self.buffer);
        let value = start + 4;
        let len = (self.buffer.len() - value) as i32;
        self.buffer[start..value].copy_from_slice(&len.to_be_bytes());
        self.checksum.column(Some(&self.buffer[value..]));
    }

    fn null(&mut self, oid: u32) {
        self.buffer.extend_from_slice(&oid.to_be_bytes());
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        self.checksum.column(None);
    }

    fn number<T: Element>(&mut self, value: T) {
        self.field(T::OID, |buffer| {
            let start = buffer.len();
            buffer.resize(start + T::BYTES, 0);
            value.put(&mut buffer[start..]);
        });
    }

    fn array<T: Element>(&mut self, values: impl ExactSizeIterator<Item = T>) {
        self.field(T::ARRAY_OID, |buffer| wire::put_array(buffer, values));
    }

    /// An array, or null where it is empty.
    fn array_if_any<T: Element>(&mut self, values: impl ExactSizeIterator<Item = T>) {
        if values.len() == 0 {
            self.null(T::ARRAY_OID);
        } else {
            self.array(values);
        }
    }

    fn texts_if_any<'t>(&mut self, values: impl ExactSizeIterator<Item = Option<&'t str>> + Clone) {
        if values.len() == 0 {
            self.null(TEXT_ARRAY);
        } else {
            self.field(TEXT_ARRAY, |buffer| wire::put_texts(buffer, values));
        }
    }
}

fn put_block(row: &mut RowWriter<'_>, sensor_type: &SensorType, block: &Block, meta: &BlockMeta) {
    let columns = block.columns();
    row.field(TEXT, |buffer| {
        buffer.extend_from_slice(sensor_type.as_str().as_bytes());
    });
    row.number(meta.first.as_micros());
    row.number(meta.last.as_micros());
    row.number(meta.count as i32);
    row.field(TIMESTAMPTZ.0, |buffer| {
        buffer.extend_from_slice(&Instant(meta.changed).to_bytes());
    });
    put_times(row, columns.times_micros());
    put_changes(row, block.changed_micros());
    row.array_if_any(block.stamps_micros().iter().copied());
    put_numbers(row, columns);
    put_others(row, columns);
}

/// Writes the digest behind the checksum of the row that it is of.
fn put_digest(row: &mut RowWriter<'_>, block: &Block, checksum: i64) {
    match block.digest() {
        None => row.null(BYTEA),
        Some(digest) => row.field(BYTEA, |buffer| {
            buffer.extend_from_slice(&digest_head(checksum));
            buffer.extend_from_slice(&digest.0);
        }),
    }
}

fn put_times(row: &mut RowWriter<'_>, times: &[i64]) {
    let first = times[0];
    let unit = if times
        .iter()
        .all(|time| (time - first) % MICROS_PER_MILLI == 0)
    {
        MICROS_PER_MILLI
    } else {
        1
    };
    row.number(unit as i32);
    let fits = times
        .last()
        .is_some_and(|last| (last - first) / unit <= i64::from(i32::MAX));
    if fits {
        row.array(times.iter().map(|time| ((time - first) / unit) as i32));
        row.null(i64::ARRAY_OID);
    } else {
        row.null(i32::ARRAY_OID);
        row.array(times.iter().copied());
    }
}

fn put_changes(row: &mut RowWriter<'_>, changed: &[i64]) {
    let runs: Vec<(i64, i32)> = changed
        .chunk_by(|left, right| left == right)
        .map(|run| (run[0], run.len() as i32))
        .collect();
    row.array(runs.iter().map(|run| run.0));
    row.array(runs.iter().map(|run| run.1));
}

fn put_numbers(row: &mut RowWriter<'_>, columns: &Columns) {
    let (mut decimals, mut singles, mut doubles) = (Vec::new(), Vec::new(), Vec::new());
    for column in columns.numbers() {
        if *column.rows() == Rows::All {
            let name = column.name();
            match narrowed(column.values()) {
                Narrowed::Decimal(places, values) => decimals.push((name, places, values)),
                Narrowed::Single(values) => singles.push((name, values)),
                Narrowed::Double => doubles.push((name, column.values().as_slice())),
            }
        }
    }
    row.texts_if_any(decimals.iter().map(|(name, ..)| Some(*name)));
    row.array_if_any(decimals.iter().map(|&(_, places, _)| i16::from(places)));
    put_values(row, decimals.iter().map(|(.., values)| values.as_slice()));
    row.texts_if_any(singles.iter().map(|(name, _)| Some(*name)));
    put_values(row, singles.iter().map(|(_, values)| values.as_slice()));
    row.texts_if_any(doubles.iter().map(|(name, _)| Some(*name)));
    put_values(row, doubles.iter().map(|(_, values)| *values));
}

/// Writes the values of some columns, one column after the other; null where there are none.
fn put_values<'v, T: Element + 'v>(
    row: &mut RowWriter<'_>,
    columns: impl Iterator<Item = &'v [T]> + Clone,
) {
    let len = columns.clone().map(<[T]>::len).sum();
    if len == 0 {
        return row.null(T::ARRAY_OID);
    }
    row.field(T::ARRAY_OID, |buffer| {
        wire::put_header(buffer, T::OID, len, false);
        for values in columns {
            wire::put_elements(buffer, values.iter().copied());
        }
    });
}

/// A value that is in no column of numbers which every record has.
struct Other<'a> {
    row: i32,
    /// `None` for the whole data object.
    field: Option<&'a str>,
    value: OtherValue<'a>,
}

enum OtherValue<'a> {
    Number(f64),
    Json(&'a str),
}

fn put_others(row: &mut RowWriter<'_>, columns: &Columns) {
    let others = others_of(columns);
    row.array_if_any(others.iter().map(|other| other.row));
    row.texts_if_any(others.iter().map(|other| other.field));
    let numbers = others.iter().map(|other| match other.value {
        OtherValue::Number(number) => Some(number),
        OtherValue::Json(_) => None,
    });
    if others.is_empty() {
        row.null(f64::ARRAY_OID);
    } else {
        row.field(f64::ARRAY_OID, |buffer| {
            wire::put_sparse_array(buffer, numbers);
        });
    }
    row.texts_if_any(others.iter().map(|other| match other.value {
        OtherValue::Number(_) => None,
        OtherValue::Json(text) => Some(text),
    }));
}

fn others_of(columns: &Columns) -> Vec<Other<'_>> {
    fn add<'a, V>(
        others: &mut Vec<Other<'a>>,
        (column, count): (&'a Column<V>, usize),
        field: Option<&'a str>,
        value: impl Fn(&'a V, usize) -> OtherValue<'a>,
    ) {
        let mut add = |row, index| {
            others.push(Other {
                row,
                field,
                value: value(column.values(), index),
            });
        };
        match column.rows() {
            Rows::All => (0..count).for_each(|row| add(row as i32, row)),
            Rows::Some(rows) => rows
                .iter()
                .enumerate()
                .for_each(|(index, &row)| add(row as i32, index)),
        }
    }
    let count = columns.len();
    let mut others = Vec::new();
    for column in columns.numbers() {
        if *column.rows() != Rows::All {
            let number = |values: &Vec<f64>, index: usize| OtherValue::Number(values[index]);
            add(&mut others, (column, count), Some(column.name()), number);
        }
    }
    for column in columns.texts() {
        add(
            &mut others,
            (column, count),
            Some(column.name()),
            |texts, index| OtherValue::Json(texts.get(index)),
        );
    }
    if let Some(column) = columns.whole() {
        add(&mut others, (column, count), None, |texts, index| {
            OtherValue::Json(texts.get(index))
        });
    }
    others
}
