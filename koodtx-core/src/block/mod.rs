//! Samples of one series in columns.
//!
//! A [`Block`] is the unit that stores keep: a run of consecutive samples of one
//! `(session, sensor_type)`, sorted by time, each field of `data` a column of its own. The merge of
//! blocks ([`merge_series`]) is a pure function; the codec ([`Block::encode`]) serves stores that
//! keep bytes.

mod codec;
mod columns;
mod compare;
mod digest;
mod merge;
mod open_end;
mod parts;
mod read;
mod record;
mod split;
mod weight;

pub use codec::{BlockError, read_meta, read_summary};
pub(crate) use columns::Values;
pub use columns::{Column, Columns, Rows, Texts};
pub use digest::{BlockDigest, BlockSummary, DIGEST_BYTES, DIGEST_RECORDS_MIN_COUNT};
pub(crate) use merge::NO_STAMP;
pub use merge::{
    EqualRows, IncomingSeries, Leaf, LeafEdit, MergeCounts, SeriesMerge, SeriesMerger, Stored,
    join_blocks, merge_series,
};
pub use open_end::{OPEN_BLOCKS_MAX_COUNT, OpenEnd, SeriesEnd};
pub use parts::BlockParts;
pub use read::{ChunkAssembler, Found, assemble_chunk};
pub use record::Record;
pub use split::{BLOCK_RAW_MAX_BYTES, BLOCK_RECORDS_MAX_COUNT};
pub(crate) use weight::of_data as data_bytes_of;
pub use weight::{NUMBER_BYTES, SAMPLE_BYTES};

use columns::Run;

use crate::time::Timestamp;

/// Samples of one series, sorted by time, no two at the same time, with their stamps.
///
/// All vectors of a block have one entry a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    pub(crate) columns: Columns,
    /// User clock of each record's last effective change, in microseconds.
    pub(crate) changed: Vec<i64>,
    /// Stamp of each record, in microseconds; empty where every stamp equals `changed`, as it does
    /// for records whose client sent none.
    pub(crate) stamps: Vec<i64>,
}

/// What can be said of a block without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockMeta {
    /// Records in it, at least 1.
    pub count: u32,
    /// Time of its first record. Names the block within its series.
    pub first: Timestamp,
    /// Time of its last record.
    pub last: Timestamp,
    /// Latest user clock at which one of its records changed.
    pub changed: Timestamp,
}

impl Block {
    /// Records in the block.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether the block has no record. Stores never keep such a block.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Count, range and latest change; `None` for an empty block.
    pub fn meta(&self) -> Option<BlockMeta> {
        let (&first, &last) = (self.columns.times.first()?, self.columns.times.last()?);
        let changed = self.changed.iter().copied().max()?;
        Some(BlockMeta {
            count: u32::try_from(self.len()).unwrap_or(u32::MAX),
            first: Timestamp::from_micros(first),
            last: Timestamp::from_micros(last),
            changed: Timestamp::from_micros(changed),
        })
    }

    /// About how many bytes the samples take decoded.
    pub(crate) fn raw_bytes(&self) -> usize {
        split::raw_bytes(&self.columns)
    }

    /// About how many bytes each record takes decoded.
    pub(crate) fn row_bytes(&self) -> Vec<usize> {
        split::row_bytes(&self.columns)
    }

    /// The samples.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Time of record `row`.
    pub fn time(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.columns.times[row])
    }

    /// User clock of the last effective change of record `row`.
    pub fn changed(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.changed[row])
    }

    /// Stamp of record `row`.
    pub fn stamp(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(*self.stamps.get(row).unwrap_or(&self.changed[row]))
    }

    /// The records `range`, as a block.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self::select(
            &[self],
            &[Run {
                source: 0,
                rows: range,
            }],
        )
    }

    /// Blocks that follow one another, as one.
    pub(crate) fn concat(mut blocks: Vec<Self>) -> Self {
        if blocks.len() < 2 {
            return blocks.pop().unwrap_or_default();
        }
        let runs: Vec<Run> = blocks
            .iter()
            .enumerate()
            .map(|(source, block)| Run {
                source,
                rows: 0..block.len(),
            })
            .collect();
        Self::select(&blocks.iter().collect::<Vec<_>>(), &runs)
    }

    /// The rows that `runs` name, in that order.
    pub(crate) fn select(sources: &[&Self], runs: &[Run]) -> Self {
        let columns: Vec<&Columns> = sources.iter().map(|source| &source.columns).collect();
        let mut selected = Self {
            columns: Columns::select(&columns, runs),
            ..Self::default()
        };
        let stamped = sources.iter().any(|source| !source.stamps.is_empty());
        for Run { source, rows } in runs {
            let source = sources[*source];
            selected
                .changed
                .extend_from_slice(&source.changed[rows.clone()]);
            if stamped {
                let stamps = &source.effective_stamps()[rows.clone()];
                selected.stamps.extend_from_slice(stamps);
            }
        }
        selected.drop_implied_stamps();
        selected
    }

    /// The stamps, one a record.
    pub(crate) fn effective_stamps(&self) -> &[i64] {
        if self.stamps.is_empty() {
            &self.changed
        } else {
            &self.stamps
        }
    }

    /// Restores the short form of `stamps` where no stamp says more than `changed`.
    pub(crate) fn drop_implied_stamps(&mut self) {
        if self.stamps == self.changed {
            self.stamps = Vec::new();
        }
    }
}
