//! The end of a series that grows by small pushes.

use serde::{Deserialize, Serialize};

use super::split::{BLOCK_RAW_MAX_BYTES, BLOCK_RECORDS_MAX_COUNT, counts_as_full, raw_bytes};
use super::{Block, Columns};
use crate::time::Timestamp;

/// Most blocks of an open end. Bounds what a push that touches the end has to read, and how many
/// small blocks a series may have.
pub const OPEN_BLOCKS_MAX_COUNT: u32 = 16;

/// The blocks at the end of a series that do not count as full yet: two thirds of what a block may hold.
///
/// Filling up the last block with every small push would write each record as often as a block has
/// room for pushes. So a push that only appends leaves its records as a block of their own, without
/// reading anything, until the open end would hold more than a block may, or has
/// [`OPEN_BLOCKS_MAX_COUNT`] blocks; the push that finds no room any more merges it into blocks
/// that count as full, or leaves one that does not. What fills such blocks by itself leaves no open end.
/// Each record is written about twice, then. Everywhere else an open end counts as one block.
///
/// A store keeps this with the series, as it gets it from a
/// [`SeriesMerge`](super::SeriesMerge::open). Where it is lost nothing is wrong: the blocks stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEnd {
    /// Time of the first record of its first block. All blocks from there on belong to it.
    #[serde(with = "crate::sample_time::exact")]
    pub first: Timestamp,
    /// Its blocks.
    pub blocks: u32,
    /// Its records.
    pub records: u32,
    /// Its records before encoding, in bytes, as [`BLOCK_RAW_MAX_BYTES`] counts them.
    pub raw_bytes: u32,
}

/// What a store remembers of the end of a series that has blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesEnd {
    /// Time of the last record.
    pub last: Timestamp,
    /// The blocks that are not full yet; `None` where there are none, or where they are not known.
    pub open: Option<OpenEnd>,
}

impl OpenEnd {
    /// The open end that consists of `block`; `None` where that counts as full.
    pub(super) fn of(block: &Block) -> Option<Self> {
        Self::of_blocks(None, block)
            .filter(|end| !counts_as_full(end.records as usize, end.raw_bytes as usize))
    }

    /// The open end `before` with `block` behind it: for counting one anew, to tell whether it is as it is
    /// remembered.
    #[must_use]
    pub fn of_blocks(before: Option<Self>, block: &Block) -> Option<Self> {
        let first = *block.columns.times.first()?;
        let mut end = before.unwrap_or(Self {
            first: Timestamp::from_micros(first),
            blocks: 0,
            records: 0,
            raw_bytes: 0,
        });
        end.blocks += 1;
        end.records += block.len() as u32;
        end.raw_bytes += raw_bytes(&block.columns) as u32;
        Some(end)
    }

    /// Whether these records may be appended as a block of their own.
    pub(super) fn has_room_for(&self, columns: &Columns) -> bool {
        self.blocks < OPEN_BLOCKS_MAX_COUNT
            && self.records as usize + columns.len() <= BLOCK_RECORDS_MAX_COUNT
            && self.raw_bytes as usize + raw_bytes(columns) <= BLOCK_RAW_MAX_BYTES
    }
}
