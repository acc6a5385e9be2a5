//! Reading a session's series side by side, in bounded chunks.

use super::Block;
use super::columns::push_run;
use crate::id::SensorType;
use crate::pull::{Damage, RecordChunk, RecordPosition, RecordQuery};
use crate::sample_time::SAMPLE_TIME_MAX;
use crate::time::Timestamp;

/// What a store finds where it looks for a block.
#[derive(Clone, Debug)]
pub enum Found {
    /// The block.
    Block(Block),
    /// A block that cannot be read.
    Damaged(Damage),
}

/// Most bytes that a chunk holds decoded, beside the first block of each series. Records may be large,
/// so their number alone bounds nothing.
const CHUNK_DECODED_MAX_BYTES: usize = 4 * 1024 * 1024;

/// What each column of a block counts beside its values. Records with ever new fields cost more for
/// their columns than for what stands in them.
const COLUMN_BYTES: usize = 1024;

/// What has been read of one series.
#[derive(Debug)]
struct Progress<'a> {
    sensor_type: &'a SensorType,
    /// Earliest time wanted.
    from: Timestamp,
    /// Everything up to this time has been read; `None` before the first block.
    covered: Option<Timestamp>,
    /// There is no further block.
    exhausted: bool,
    blocks: Vec<Block>,
    damaged: Vec<Damage>,
}

impl Progress<'_> {
    /// Where the next block to read ends at the earliest.
    fn wanted(&self) -> Timestamp {
        self.covered
            .map_or(self.from, |covered| covered.plus_micros(1))
    }

    /// Takes in what was read; returns how many bytes that added, the series' first block apart.
    fn take_in(&mut self, found: Option<Found>) -> usize {
        let mut added_bytes = 0;
        let from = self.wanted();
        match found {
            // A block that ends before `from` would be read for ever.
            Some(Found::Block(block)) if block.meta().is_some_and(|meta| meta.last >= from) => {
                if self.covered.is_some() {
                    added_bytes = block.raw_bytes() + block.columns.width() * COLUMN_BYTES;
                }
                self.covered = block.meta().map(|meta| meta.last);
                self.blocks.push(block);
            }
            Some(Found::Damaged(damage)) => {
                match damage.until.filter(|&until| until > from) {
                    Some(until) => self.covered = Some(until.plus_micros(-1)),
                    None => self.exhausted = true,
                }
                self.damaged.push(damage);
            }
            _ => self.exhausted = true,
        }
        added_bytes
    }

    /// How many of the read records lie at or before `frontier`.
    fn ready(&self, frontier: Timestamp) -> usize {
        let before = |block: &Block| {
            let times = &block.columns.times;
            times.partition_point(|&time| time <= frontier.as_micros())
                - times.partition_point(|&time| time < self.from.as_micros())
        };
        self.blocks.iter().map(before).sum()
    }

    /// The records from `from` to `frontier` that changed after `changed_after`.
    fn take(&self, frontier: Timestamp, changed_after: Option<Timestamp>) -> Block {
        let mut runs = Vec::new();
        for (source, block) in self.blocks.iter().enumerate() {
            let times = &block.columns.times;
            let from = times.partition_point(|&time| time < self.from.as_micros());
            let to = times.partition_point(|&time| time <= frontier.as_micros());
            match changed_after {
                None => push_run(&mut runs, source, from..to),
                Some(since) => (from..to)
                    .filter(|&row| block.changed(row) > since)
                    .for_each(|row| push_run(&mut runs, source, row..row + 1)),
            }
        }
        Block::select(&self.blocks.iter().collect::<Vec<_>>(), &runs)
    }
}

/// Puts a chunk for [`SyncStore::read_records`](crate::store::SyncStore::read_records) together out
/// of blocks, one after another: for stores that cannot read while they do so.
///
/// Ask [`wanted`](Self::wanted) which block comes next, read it, hand it to [`give`](Self::give), and
/// so on until none is wanted; then [`finish`](Self::finish). [`assemble_chunk`] does that with a
/// function that reads.
///
/// A chunk ends when it has the records that were asked for or 4 MiB of them, whichever comes first:
/// at any moment no more is in memory than that and a block of each series.
#[derive(Debug)]
pub struct ChunkAssembler<'a> {
    query: &'a RecordQuery,
    progress: Vec<Progress<'a>>,
    bytes: usize,
    /// The series that is furthest behind; none when the chunk is whole.
    behind: Option<usize>,
    /// How far all series have been read; `None` where to their ends.
    frontier: Option<Timestamp>,
}

impl<'a> ChunkAssembler<'a> {
    /// Begins a chunk. `series` are the sensor types of the session, ordered.
    pub fn new(query: &'a RecordQuery, series: &'a [SensorType]) -> Self {
        let from = |sensor_type: &SensorType| match &query.after {
            None => Timestamp::ZERO,
            Some(after) if *sensor_type > after.sensor_type => after.timestamp,
            Some(after) => after.timestamp.plus_micros(1),
        };
        let progress = series.iter().map(|sensor_type| Progress {
            sensor_type,
            from: from(sensor_type),
            covered: None,
            exhausted: false,
            blocks: Vec::new(),
            damaged: Vec::new(),
        });
        let mut assembler = Self {
            query,
            progress: progress.collect(),
            bytes: 0,
            behind: None,
            frontier: None,
        };
        assembler.choose();
        assembler
    }

    /// Which block to read next, as the place of its series in `series` and a time: the first block of
    /// that series that ends at or after that time. `None` when the chunk is whole.
    ///
    /// Blocks in which nothing changed after [`RecordQuery::changed_after`] may be passed over.
    pub fn wanted(&self) -> Option<(usize, Timestamp)> {
        let index = self.behind?;
        Some((index, self.progress[index].wanted()))
    }

    /// Every series that may have further blocks, with the time that its next block ends at or after:
    /// for stores that read ahead.
    pub fn open(&self) -> impl Iterator<Item = (usize, Timestamp)> + '_ {
        let all = self.progress.iter().enumerate();
        all.filter(|(_, one)| !one.exhausted)
            .map(|(index, one)| (index, one.wanted()))
    }

    /// Takes in the block that was wanted; `None` where the series has no further one. Of a damaged
    /// block it must say where it begins and where the next one does; the chunk goes on behind it.
    pub fn give(&mut self, found: Option<Found>) {
        if let Some(index) = self.behind {
            self.bytes += self.progress[index].take_in(found);
            self.choose();
        }
    }

    /// The series that is furthest behind decides how far all have been read.
    fn choose(&mut self) {
        let covered = |one: &(usize, &Progress<'_>)| one.1.covered;
        let open = self.progress.iter().enumerate();
        let open = open.filter(|(_, one)| !one.exhausted);
        let Some((index, behind)) = open.min_by_key(covered) else {
            (self.behind, self.frontier) = (None, None);
            return;
        };
        self.behind = Some(index);
        if let Some(frontier) = behind.covered {
            let ready: usize = self.progress.iter().map(|one| one.ready(frontier)).sum();
            if ready >= self.query.limit || self.bytes >= CHUNK_DECODED_MAX_BYTES {
                (self.behind, self.frontier) = (None, Some(frontier));
            }
        }
    }

    /// The chunk, once no further block is wanted.
    pub fn finish(self) -> RecordChunk {
        let Self {
            query,
            progress,
            frontier,
            ..
        } = self;
        let last_type = progress.last().map(|one| one.sensor_type.clone());
        let cut = frontier.unwrap_or(SAMPLE_TIME_MAX);
        let series = progress
            .iter()
            .map(|one| (one.sensor_type.clone(), one.take(cut, query.changed_after)))
            .filter(|(_, block)| !block.is_empty())
            .collect();
        let next = frontier
            .zip(last_type)
            .map(|(timestamp, sensor_type)| RecordPosition {
                timestamp,
                sensor_type,
            });
        let damaged = progress
            .into_iter()
            .flat_map(|one| one.damaged)
            .filter(|damage| damage.from <= cut)
            .collect();
        RecordChunk {
            series,
            next,
            damaged,
        }
    }
}

/// Reads a chunk for [`SyncStore::read_records`](crate::store::SyncStore::read_records) out of
/// blocks.
///
/// `series` are the sensor types of the session, ordered. `next_block(sensor_type, from)` reads the
/// first block of a series that ends at or after `from`, as [`ChunkAssembler::wanted`] says.
///
/// # Errors
/// Those of `next_block`.
pub fn assemble_chunk<E>(
    query: &RecordQuery,
    series: &[SensorType],
    mut next_block: impl FnMut(&SensorType, Timestamp) -> Result<Option<Found>, E>,
) -> Result<RecordChunk, E> {
    let mut chunk = ChunkAssembler::new(query, series);
    while let Some((index, from)) = chunk.wanted() {
        chunk.give(next_block(&series[index], from)?);
    }
    Ok(chunk.finish())
}
