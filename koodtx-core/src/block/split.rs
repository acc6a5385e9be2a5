//! Where a series is cut into blocks.

use std::ops::Range;

use super::columns::{Column, Columns, Rows, Texts};
use super::{Block, Values};

/// Most records of a block that is written. Earlier versions wrote up to 512, which are read as they are.
pub const BLOCK_RECORDS_MAX_COUNT: usize = 480;
/// Most bytes of a block before encoding: 8 for each time and number, the length of each text. One
/// record may be larger; it then is a block of its own. 480 samples of three axes just fit; as numbers
/// of four bytes they and the head of a row fit into a page of PostgreSQL.
pub const BLOCK_RAW_MAX_BYTES: usize = 15 * 1024;

/// Bytes that a time or a number counts.
const NUMBER_BYTES: usize = 8;
/// Bytes that each text counts beside its length, and each column beside its values.
const OVERHEAD_BYTES: usize = 4;

/// From how much of either limit on a block counts as full, as a fraction: nobody comes back to fill it up.
const FULL_NUMERATOR: usize = 2;
const FULL_DENOMINATOR: usize = 3;

/// How records are dealt out to blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// As many as fit into each.
    Full,
    /// Evenly: more records may come in between.
    Even,
    /// For the end of a series that grows: evenly where all blocks count as full then, otherwise as many as
    /// fit into each, so that one that is not full is left.
    End,
}

/// Whether a block with so many records, which count so many bytes, counts as full.
pub(super) fn counts_as_full(records: usize, raw_bytes: usize) -> bool {
    records * FULL_DENOMINATOR >= BLOCK_RECORDS_MAX_COUNT * FULL_NUMERATOR
        || raw_bytes * FULL_DENOMINATOR >= BLOCK_RAW_MAX_BYTES * FULL_NUMERATOR
}

impl Block {
    /// The block cut into blocks within the limits, each as full as can be.
    pub fn cut(self) -> Vec<Self> {
        split(self, Fill::Full)
    }
}

/// Cuts a run of records into blocks within the limits.
pub(crate) fn split(block: Block, fill: Fill) -> Vec<Block> {
    let sizes = row_bytes(&block.columns);
    let cuts = match fill {
        Fill::Full => Budget::FULL.cut(&sizes),
        Fill::Even => Budget::even(&sizes).cut(&sizes),
        Fill::End => {
            let even = Budget::even(&sizes).cut(&sizes);
            let is_full =
                |rows: &Range<usize>| counts_as_full(rows.len(), sizes[rows.clone()].iter().sum());
            if even.iter().all(is_full) {
                even
            } else {
                Budget::FULL.cut(&sizes)
            }
        }
    };
    if cuts.len() == 1 {
        vec![block]
    } else {
        cuts.into_iter().map(|rows| block.slice(rows)).collect()
    }
}

struct Budget {
    records: usize,
    bytes: usize,
}

impl Budget {
    const FULL: Self = Self {
        records: BLOCK_RECORDS_MAX_COUNT,
        bytes: BLOCK_RAW_MAX_BYTES,
    };

    /// What makes as few blocks as can be, all of about the same size.
    fn even(sizes: &[usize]) -> Self {
        let (records, bytes) = (sizes.len(), sizes.iter().sum::<usize>());
        let parts = records
            .div_ceil(BLOCK_RECORDS_MAX_COUNT)
            .max(bytes.div_ceil(BLOCK_RAW_MAX_BYTES))
            .max(1);
        Self {
            records: records.div_ceil(parts),
            // A little slack keeps an uneven run from spilling one more small block.
            bytes: (bytes.div_ceil(parts) + bytes / records.max(1)).min(BLOCK_RAW_MAX_BYTES),
        }
    }

    fn cut(&self, sizes: &[usize]) -> Vec<Range<usize>> {
        let mut cuts = Vec::with_capacity(sizes.len().div_ceil(self.records.max(1)));
        let (mut start, mut bytes) = (0, 0);
        for (row, &size) in sizes.iter().enumerate() {
            if row > start && (row - start >= self.records || bytes + size > self.bytes) {
                cuts.push(start..row);
                (start, bytes) = (row, 0);
            }
            bytes += size;
        }
        if start < sizes.len() {
            cuts.push(start..sizes.len());
        }
        cuts
    }
}

/// What all rows count.
pub(super) fn raw_bytes(columns: &Columns) -> usize {
    row_bytes(columns).into_iter().sum()
}

/// What each row counts.
pub(super) fn row_bytes(columns: &Columns) -> Vec<usize> {
    fn add<V: Values>(sizes: &mut [usize], column: &Column<V>, bytes: impl Fn(usize) -> usize) {
        match &column.rows {
            Rows::All => sizes
                .iter_mut()
                .enumerate()
                .for_each(|(at, size)| *size += bytes(at)),
            Rows::Some(rows) => {
                for (at, &row) in rows.iter().enumerate() {
                    // A sparse column costs its name in each block that has it.
                    sizes[row as usize] += bytes(at) + column.name.len() + OVERHEAD_BYTES;
                }
            }
        }
    }
    let text_bytes = |texts: &Texts, at: usize| texts.get(at).len() + OVERHEAD_BYTES;
    let mut sizes = vec![NUMBER_BYTES; columns.len()];
    for column in &columns.numbers {
        add(&mut sizes, column, |_| NUMBER_BYTES);
    }
    for column in columns.texts.iter().chain(&columns.whole) {
        add(&mut sizes, column, |at| text_bytes(&column.values, at));
    }
    sizes
}
