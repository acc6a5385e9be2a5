//! From rows to blocks.

use koodtx_core::block::{Block, BlockDigest, BlockMeta, BlockParts, Column, Rows, Texts};
use koodtx_core::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};

use super::narrow::from_decimals;
use super::{Checksum, DIGEST_HEAD_BYTES, digest_head};
use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::wire::{self, Element};

/// Columns of a row that holds a block: those of `sensor_block_v2` in that order, but for the
/// digest.
const BLOCK_COLUMNS_COUNT: usize = 23;

/// The columns of a block in the bytes that came from the database.
struct RawBlock<'r> {
    columns: [Option<&'r [u8]>; BLOCK_COLUMNS_COUNT],
}

/// Places of the columns.
mod place {
    pub(super) const FIRST_TIME: usize = 1;
    pub(super) const LAST_TIME: usize = 2;
    pub(super) const RECORD_COUNT: usize = 3;
    pub(super) const CHANGED_AT: usize = 4;
    pub(super) const TIME_UNIT: usize = 5;
    pub(super) const TIME_OFFSETS: usize = 6;
    pub(super) const TIMES: usize = 7;
    pub(super) const CHANGE_CLOCKS: usize = 8;
    pub(super) const CHANGE_COUNTS: usize = 9;
    pub(super) const STAMPS: usize = 10;
    pub(super) const DECIMAL_FIELDS: usize = 11;
    pub(super) const DECIMAL_PLACES: usize = 12;
    pub(super) const DECIMALS: usize = 13;
    pub(super) const SINGLE_FIELDS: usize = 14;
    pub(super) const SINGLES: usize = 15;
    pub(super) const DOUBLE_FIELDS: usize = 16;
    pub(super) const DOUBLES: usize = 17;
    pub(super) const OTHER_ROWS: usize = 18;
    pub(super) const OTHER_FIELDS: usize = 19;
    pub(super) const OTHER_NUMBERS: usize = 20;
    pub(super) const OTHER_TEXTS: usize = 21;
    pub(super) const CHECKSUM: usize = 22;
}

/// Time of the first record and what else a row says of its block, none of it checked. The block
/// stands in the columns from `at` on.
fn meta_of(row: &PgRow, at: usize) -> Result<BlockMeta> {
    let changed: Instant = row.try_get(at + place::CHANGED_AT)?;
    let time = |place: usize| -> Result<Timestamp> {
        Ok(Timestamp::from_micros(row.try_get(at + place)?))
    };
    Ok(BlockMeta {
        count: count_of(row, at)?,
        first: time(place::FIRST_TIME)?,
        last: time(place::LAST_TIME)?,
        changed: changed.0,
    })
}

/// How many records the block of a row has, whose columns begin at `at`, as the row says.
pub(crate) fn count_of(row: &PgRow, at: usize) -> Result<u32> {
    let count: i32 = row.try_get(at + place::RECORD_COUNT)?;
    Ok(u32::try_from(count).unwrap_or(0))
}

/// The block of a row, whose columns begin at `at`.
///
/// # Errors
/// `Corrupt` where it fails its checksum, or is no block.
pub(crate) fn block_of(row: &PgRow, at: usize) -> Result<Block> {
    let mut columns = [None; BLOCK_COLUMNS_COUNT];
    for (index, column) in columns.iter_mut().enumerate() {
        let value = row.try_get_raw(at + index)?;
        if !value.is_null() {
            let bytes = value.as_bytes();
            *column = Some(bytes.map_err(|error| Failure::corrupt(error.to_string()))?);
        }
    }
    let raw = RawBlock { columns };
    raw.check()?;
    let block =
        Block::from_parts(raw.parts()?).map_err(|error| Failure::corrupt(error.to_string()))?;
    let meta = meta_of(row, at)?;
    if block.meta() != Some(meta) {
        return Err(Failure::corrupt(
            "its count, range or change is not that of its records",
        ));
    }
    Ok(block)
}

/// The digest of a block in what a row has of it, if it is that of the contents with this checksum.
pub(crate) fn digest_of(stored: Option<&[u8]>, checksum: i64) -> Option<BlockDigest> {
    let (head, digest) = stored?.split_at_checked(DIGEST_HEAD_BYTES)?;
    let digest = digest.try_into().ok()?;
    (head == digest_head(checksum)).then_some(BlockDigest(digest))
}

impl<'r> RawBlock<'r> {
    fn check(&self) -> Result<()> {
        let mut actual = Checksum::default();
        for column in &self.columns[..place::CHECKSUM] {
            actual.column(*column);
        }
        let stored = self.columns[place::CHECKSUM].filter(|bytes| bytes.len() == i64::BYTES);
        if stored.map(i64::get) == Some(actual.finish()) {
            Ok(())
        } else {
            Err(Failure::corrupt("its checksum does not match"))
        }
    }

    fn number<T: Element>(&self, place: usize) -> Result<T> {
        self.columns[place]
            .filter(|bytes| bytes.len() == T::BYTES)
            .map(T::get)
            .ok_or_else(|| Failure::corrupt("a number is missing"))
    }

    /// An array; empty where there is none.
    fn array<T: Element>(&self, place: usize) -> Result<Vec<T>> {
        self.columns[place].map_or(Ok(Vec::new()), wire::array)
    }

    fn texts(&self, place: usize) -> Result<Vec<Option<&'r str>>> {
        self.columns[place].map_or(Ok(Vec::new()), wire::texts)
    }

    /// Names of fields, none of which may be null.
    fn names(&self, place: usize) -> Result<Vec<&'r str>> {
        let names: Option<Vec<&str>> = self.texts(place)?.into_iter().collect();
        names.ok_or_else(|| Failure::corrupt("a field has no name"))
    }

    fn parts(&self) -> Result<BlockParts> {
        let times = self.times()?;
        let count = times.len();
        if count == 0 {
            return Err(Failure::corrupt("it has no records"));
        }
        let (others, texts, whole) = self.others(count)?;
        let mut numbers = self.numbers(count)?;
        numbers.extend(others);
        numbers.sort_by(|left, right| left.name().cmp(right.name()));
        Ok(BlockParts {
            changed: self.changes(count)?,
            stamps: self.array(place::STAMPS)?,
            times,
            numbers,
            texts,
            whole,
        })
    }

    fn times(&self) -> Result<Vec<i64>> {
        if self.columns[place::TIMES].is_some() {
            return self.array(place::TIMES);
        }
        let first: i64 = self.number(place::FIRST_TIME)?;
        let unit = i64::from(self.number::<i32>(place::TIME_UNIT)?);
        let offsets: Vec<i32> = self.array(place::TIME_OFFSETS)?;
        let time = |offset: i32| first.saturating_add(i64::from(offset).saturating_mul(unit));
        Ok(offsets.into_iter().map(time).collect())
    }

    fn changes(&self, count: usize) -> Result<Vec<i64>> {
        let clocks: Vec<i64> = self.array(place::CHANGE_CLOCKS)?;
        let counts: Vec<i32> = self.array(place::CHANGE_COUNTS)?;
        let mut changed = Vec::with_capacity(count);
        for (clock, run) in clocks.into_iter().zip(counts) {
            let run = usize::try_from(run).unwrap_or(0);
            // A wrong length is noticed when the block is put together; it must not fill the memory.
            changed.resize(changed.len() + run.min(count + 1), clock);
        }
        Ok(changed)
    }

    /// The columns of numbers that every record has.
    fn numbers(&self, count: usize) -> Result<Vec<Column<Vec<f64>>>> {
        let unequal = || Failure::corrupt("a column has not one value for each record");
        let mut columns = Vec::new();
        let mut add = |name: &str, values: Vec<f64>| {
            columns.push(Column::new(name, Rows::All, values));
        };
        let decimals: Vec<i32> = self.array(place::DECIMALS)?;
        let places: Vec<i16> = self.array(place::DECIMAL_PLACES)?;
        let names = self.names(place::DECIMAL_FIELDS)?;
        if names.len() != places.len() || names.len() * count != decimals.len() {
            return Err(unequal());
        }
        for ((name, places), values) in names.into_iter().zip(places).zip(decimals.chunks(count)) {
            let values = from_decimals(values, places)
                .ok_or_else(|| Failure::corrupt("a decimal has too many places"))?;
            add(name, values.collect());
        }
        let singles: Vec<f32> = self.array(place::SINGLES)?;
        let names = self.names(place::SINGLE_FIELDS)?;
        if names.len() * count != singles.len() {
            return Err(unequal());
        }
        for (name, values) in names.into_iter().zip(singles.chunks(count)) {
            add(name, values.iter().copied().map(f64::from).collect());
        }
        let doubles: Vec<f64> = self.array(place::DOUBLES)?;
        let names = self.names(place::DOUBLE_FIELDS)?;
        if names.len() * count != doubles.len() {
            return Err(unequal());
        }
        for (name, values) in names.into_iter().zip(doubles.chunks(count)) {
            add(name, values.to_vec());
        }
        Ok(columns)
    }

    /// Everything that stands value by value: sparse numbers, texts, and whole records.
    fn others(&self, count: usize) -> Result<Others> {
        let rows: Vec<i32> = self.array(place::OTHER_ROWS)?;
        let fields = self.texts(place::OTHER_FIELDS)?;
        let numbers: Vec<Option<f64>> =
            self.columns[place::OTHER_NUMBERS].map_or(Ok(Vec::new()), wire::sparse_array)?;
        let texts = self.texts(place::OTHER_TEXTS)?;
        if [fields.len(), numbers.len(), texts.len()] != [rows.len(); 3] {
            return Err(Failure::corrupt(
                "the values that stand alone are not complete",
            ));
        }
        let is_number = |at: usize| numbers[at].is_some();
        let mut found = (Vec::new(), Vec::new(), None);
        let mut from = 0;
        while from < rows.len() {
            let same =
                |at: &usize| fields[*at] == fields[from] && is_number(*at) == is_number(from);
            let to = (from..rows.len()).take_while(same).last().unwrap_or(from) + 1;
            let of_rows = if to - from == count {
                Rows::All
            } else {
                // A negative row is one that does not exist, which is noticed later.
                Rows::Some(rows[from..to].iter().map(|&row| row as u32).collect())
            };
            let json = || -> Result<Texts> {
                let texts: Option<Texts> = texts[from..to]
                    .iter()
                    .copied()
                    .collect::<Option<Vec<&str>>>()
                    .map(|texts| texts.into_iter().collect());
                texts.ok_or_else(|| Failure::corrupt("a value is neither a number nor JSON"))
            };
            match fields[from] {
                Some(name) if is_number(from) => {
                    let values = numbers[from..to].iter().copied().flatten().collect();
                    found.0.push(Column::new(name, of_rows, values));
                }
                Some(name) => found.1.push(Column::new(name, of_rows, json()?)),
                None => found.2 = Some(Column::new("", of_rows, json()?)),
            }
            from = to;
        }
        Ok(found)
    }
}

/// Sparse columns of numbers, columns of texts, and records kept whole.
type Others = (
    Vec<Column<Vec<f64>>>,
    Vec<Column<Texts>>,
    Option<Column<Texts>>,
);
