//! Digests: whether records are those of a stored block, without reading the block.

use std::ops::Range;

use twox_hash::XxHash3_128;

use super::columns::{Column, Columns, Rows, Texts};
use super::{Block, BlockMeta};

/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 16;

/// Records from which on a block has a digest: fewer are read as fast, and it would be a good part of their
/// bytes.
pub const DIGEST_RECORDS_MIN_COUNT: usize = 64;

/// Bytes of a time or of a number.
const WORD_BYTES: usize = size_of::<u64>();
/// About what the heads of the columns of a motion sensor take.
const HEADS_BYTES: usize = 256;

/// What stands before a column.
const OF_ALL_ROWS: u8 = 0;
const OF_SOME_ROWS: u8 = 1;
const NUMBERS: u8 = 2;
const TEXTS: u8 = 3;
const WHOLE: u8 = 4;

/// A digest of the times and values of consecutive records: 128 bits of XXH3.
///
/// The same digest means the same records; other records may have it with a chance of one in 2^128. It is no
/// proof against who makes up records to have it, who deceives no data but their own: digests are compared
/// within one series only. The same records may have different digests where columns had to be given up for
/// whole rows; who compares then reads the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockDigest(pub [u8; DIGEST_BYTES]);

/// What a store can say of a block without decoding it: enough to know a repeat of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSummary {
    /// Count, range and latest change.
    pub meta: BlockMeta,
    /// Of its times and values.
    pub digest: BlockDigest,
}

impl Block {
    /// The digest of its times and values; `None` where it has fewer records than
    /// [`DIGEST_RECORDS_MIN_COUNT`].
    pub fn digest(&self) -> Option<BlockDigest> {
        let is_worth_it = self.len() >= DIGEST_RECORDS_MIN_COUNT;
        is_worth_it.then(|| self.columns.digest(0..self.len()))
    }
}

impl Columns {
    /// The digest of the rows `range`, however few they are.
    ///
    /// Stores keep digests: another way to make them needs another version of the codec, and another column in
    /// PostgreSQL.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn digest(&self, range: Range<usize>) -> BlockDigest {
        let mut writer = Writer {
            bytes: Vec::with_capacity(
                HEADS_BYTES + range.len() * (1 + self.numbers.len()) * WORD_BYTES,
            ),
            range: range.clone(),
        };
        writer.micros(&self.times[range]);
        for column in &self.numbers {
            if let Some(values) = writer.head(NUMBERS, column) {
                writer.doubles(&column.values[values]);
            }
        }
        for (kind, column) in self
            .texts
            .iter()
            .map(|column| (TEXTS, column))
            .chain(self.whole.iter().map(|column| (WHOLE, column)))
        {
            if let Some(values) = writer.head(kind, column) {
                writer.texts(&column.values, values);
            }
        }
        BlockDigest(XxHash3_128::oneshot(&writer.bytes).to_le_bytes())
    }
}

/// Writes rows as bytes that only the same rows have: every list with its length before it.
struct Writer {
    bytes: Vec<u8>,
    range: Range<usize>,
}

impl Writer {
    fn len(&mut self, len: usize) {
        self.bytes.extend_from_slice(&(len as u64).to_le_bytes());
    }

    fn micros(&mut self, times: &[i64]) {
        self.len(times.len());
        self.words(times, i64::to_le_bytes);
    }

    fn doubles(&mut self, values: &[f64]) {
        self.words(values, f64::to_le_bytes);
    }

    /// Word by word into room that is there: byte by byte would take ten times as long.
    fn words<T: Copy>(&mut self, values: &[T], to_bytes: impl Fn(T) -> [u8; WORD_BYTES]) {
        let start = self.bytes.len();
        self.bytes.resize(start + values.len() * WORD_BYTES, 0);
        let (words, _) = self.bytes[start..].as_chunks_mut();
        for (word, &value) in words.iter_mut().zip(values) {
            *word = to_bytes(value);
        }
    }

    fn texts(&mut self, texts: &Texts, range: Range<usize>) {
        for at in range {
            let text = texts.get(at);
            self.len(text.len());
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }

    /// Writes which column it is and which rows have it, and returns where their values stand; `None` where none
    /// of the rows has it.
    fn head<V>(&mut self, kind: u8, column: &Column<V>) -> Option<Range<usize>> {
        let Range { start, end } = self.range;
        let (values, rows) = match &column.rows {
            Rows::All => (start..end, None),
            Rows::Some(rows) => {
                let from = rows.partition_point(|&row| (row as usize) < start);
                let to = rows.partition_point(|&row| (row as usize) < end);
                (from..to, Some(&rows[from..to]))
            }
        };
        if values.is_empty() {
            return None;
        }
        self.bytes.push(kind);
        self.len(column.name.len());
        self.bytes.extend_from_slice(column.name.as_bytes());
        match rows.filter(|rows| rows.len() < self.range.len()) {
            None => self.bytes.push(OF_ALL_ROWS),
            Some(rows) => {
                self.bytes.push(OF_SOME_ROWS);
                self.len(rows.len());
                for &row in rows {
                    self.len(row as usize - start);
                }
            }
        }
        Some(values)
    }
}
