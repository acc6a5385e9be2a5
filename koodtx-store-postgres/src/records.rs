//! Reading the records of a session.

use std::collections::VecDeque;

use futures_util::TryStreamExt as _;
use koodtx_core::block::{
    BLOCK_RAW_MAX_BYTES, BLOCK_RECORDS_MAX_COUNT, Block, ChunkAssembler, Found,
};
use koodtx_core::id::SensorType;
use koodtx_core::pull::{Damage, RecordChunk, RecordQuery};
use koodtx_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};

use crate::block::{block_of, count_of};
use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::rounds::NO_SINCE;
use crate::session::{SeriesMap, SessionRow};
use crate::statements;

/// Changed blocks that are looked up by their change. Where more have changed, passing over the
/// unchanged ones between them costs less than collecting them all for each chunk.
const CHANGED_BLOCKS_MAX_COUNT: i64 = 1024;
/// Most blocks of one series that are read in one statement.
const READ_AHEAD_MAX_BLOCKS: usize = 64;
/// Most bytes of all blocks that are read in one statement, decoded, but for one of each series: what a chunk has at
/// most.
const READ_AHEAD_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Where more is taken of a series than its share, so much of the share is read each time.
const SHARE_AGAIN_DIVISOR: usize = 4;
/// What a block has at least, as long as none was read: two thirds of the most, from where on nobody fills it up.
const BLOCK_LIKELY_RECORDS: usize = BLOCK_RECORDS_MAX_COUNT * 2 / 3;

/// Reads one chunk. Each statement has a snapshot of its own, at the clock of the pull's head or later.
///
/// A push may rearrange blocks between two statements. That loses nothing: each statement goes on from
/// the time up to which everything has been read.
pub(crate) async fn read(
    connection: &mut PgConnection,
    query: &RecordQuery,
) -> Result<RecordChunk> {
    let session = SessionRow::find(connection, query.user.0, query.session).await?;
    let Some(session) = session.filter(|session| session.state.live) else {
        return Ok(RecordChunk::default());
    };
    let series: Vec<SensorType> = session.series.keys().cloned().collect();
    let mut source = Source::new(connection, query, &session.series, &series).await?;
    let mut chunk = ChunkAssembler::new(query, &series);
    while let Some((index, _)) = chunk.wanted() {
        if source.is_dry(index) {
            let dry = chunk.open().filter(|(index, _)| source.is_dry(*index));
            let dry: Vec<(usize, Timestamp)> = dry.collect();
            source.fill(connection, &dry).await?;
        }
        chunk.give(source.take(index));
    }
    Ok(chunk.finish())
}

/// Blocks that were read ahead, by series.
struct Source<'a> {
    query: &'a RecordQuery,
    series: &'a [SensorType],
    way: Way,
    queues: Vec<Queue>,
}

/// How the next blocks are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All of them, one after another.
    All,
    /// One after another, passing over those in which nothing changed.
    Behind,
    /// By their change.
    Changed,
}

struct Queue {
    found: VecDeque<Found>,
    /// Nothing lies behind what is in the queue.
    is_last: bool,
    /// Records that a chunk is likely to take of it.
    share: usize,
    /// What was read so far.
    read_blocks: usize,
    read_records: usize,
}

/// How much of a series is read at once: as many blocks as hold so many records, up to so many blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ahead {
    blocks: usize,
    records: usize,
}

impl Queue {
    fn new(share: usize) -> Self {
        Self {
            found: VecDeque::new(),
            is_last: false,
            share,
            read_blocks: 0,
            read_records: 0,
        }
    }

    /// What is left of its share, and a block more, since a chunk mostly begins within one; of a series with few
    /// records just one block. Where the share is used up, a part of it again: sensors may record in turns.
    fn ahead(&self) -> Ahead {
        let one_more = if self.share > BLOCK_RECORDS_MAX_COUNT / 2 {
            BLOCK_RECORDS_MAX_COUNT
        } else {
            0
        };
        let left = self.share.saturating_add(one_more);
        let records = left
            .saturating_sub(self.read_records)
            .max(self.share / SHARE_AGAIN_DIVISOR)
            .clamp(1, READ_AHEAD_MAX_BLOCKS * BLOCK_RECORDS_MAX_COUNT);
        let each = self
            .read_records
            .checked_div(self.read_blocks)
            .unwrap_or(BLOCK_LIKELY_RECORDS)
            .max(1);
        Ahead {
            blocks: records.div_ceil(each).min(READ_AHEAD_MAX_BLOCKS),
            records,
        }
    }
}

impl<'a> Source<'a> {
    async fn new(
        connection: &mut PgConnection,
        query: &'a RecordQuery,
        summaries: &SeriesMap,
        series: &'a [SensorType],
    ) -> Result<Self> {
        let way = match query.changed_after {
            None => Way::All,
            Some(since) => {
                if changed_count(connection, query, since).await? <= CHANGED_BLOCKS_MAX_COUNT {
                    Way::Changed
                } else {
                    Way::Behind
                }
            }
        };
        let shares = shares(query.limit, summaries.values().map(|one| one.count));
        Ok(Self {
            query,
            series,
            way,
            queues: shares.map(Queue::new).collect(),
        })
    }

    /// Whether more of a series has to be read before it is known what comes next.
    fn is_dry(&self, index: usize) -> bool {
        self.queues[index].found.is_empty() && !self.queues[index].is_last
    }

    fn take(&mut self, index: usize) -> Option<Found> {
        self.queues[index].found.pop_front()
    }

    /// Reads the next blocks of some series, each from a time on.
    async fn fill(
        &mut self,
        connection: &mut PgConnection,
        dry: &[(usize, Timestamp)],
    ) -> Result<()> {
        let names: Vec<&str> = dry
            .iter()
            .map(|&(index, _)| self.series[index].as_str())
            .collect();
        let from: Vec<i64> = dry.iter().map(|(_, from)| from.as_micros()).collect();
        let ahead = ahead_of(dry.iter().map(|&(index, _)| &self.queues[index]));
        let blocks: Vec<i64> = ahead.iter().map(|ahead| ahead.blocks as i64).collect();
        let records: Vec<i64> = ahead.iter().map(|ahead| ahead.records as i64).collect();
        let most_blocks = blocks.iter().max().copied().unwrap_or_default();
        let bound = sqlx::query(match self.way {
            Way::All => statements::BLOCKS_AHEAD,
            Way::Behind => statements::BLOCKS_BEHIND,
            Way::Changed => statements::BLOCKS_CHANGED,
        })
        .bind(self.query.user.0)
        .bind(self.query.session.0)
        .bind(names.as_slice())
        .bind(from);
        let bound = match self.way {
            Way::All => bound.bind(blocks.as_slice()).bind(records.as_slice()),
            Way::Behind | Way::Changed => bound
                .bind(most_blocks)
                .bind(Instant(self.query.changed_after.unwrap_or(NO_SINCE))),
        };
        let mut read: Vec<Vec<ReadBlock>> = dry.iter().map(|_| Vec::new()).collect();
        // Each block is decoded while the database still prepares the next ones.
        let mut rows = bound.fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let nth: i64 = row.try_get(0)?;
            let of_series = usize::try_from(nth - 1)
                .ok()
                .and_then(|nth| read.get_mut(nth));
            let of_series = of_series.ok_or_else(|| Failure::corrupt("a row has no place"))?;
            of_series.push(ReadBlock {
                first: row.try_get(2)?,
                records: count_of(&row, 1)?,
                block: block_of(&row, 1),
            });
        }
        drop(rows);
        for ((&(index, _), blocks), ahead) in dry.iter().zip(read).zip(ahead) {
            let found_records: usize = blocks.iter().map(|block| block.records).sum();
            let queue = &mut self.queues[index];
            queue.is_last = match self.way {
                Way::All => blocks.len() < ahead.blocks && found_records < ahead.records,
                Way::Behind | Way::Changed => (blocks.len() as i64) < most_blocks,
            };
            queue.read_blocks += blocks.len();
            queue.read_records += found_records;
            for ReadBlock { first, block, .. } in blocks {
                let found = match block {
                    Ok(block) => Found::Block(block),
                    Err(Failure::Corrupt(_)) => self.damage(connection, index, first).await?,
                    Err(failure) => return Err(failure),
                };
                self.queues[index].found.push_back(found);
            }
        }
        Ok(())
    }

    /// The stretch of a series that a damaged block takes up.
    async fn damage(
        &self,
        connection: &mut PgConnection,
        index: usize,
        first: i64,
    ) -> Result<Found> {
        let until: Option<i64> = sqlx::query_scalar(statements::BLOCK_NEXT)
            .bind(self.query.user.0)
            .bind(self.query.session.0)
            .bind(self.series[index].as_str())
            .bind(first)
            .fetch_optional(connection)
            .await?;
        Ok(Found::Damaged(Damage {
            sensor_type: self.series[index].clone(),
            from: Timestamp::from_micros(first),
            until: until.map(Timestamp::from_micros),
        }))
    }
}

/// A block as it was read.
struct ReadBlock {
    /// Where its row says that it begins, and how many records it has.
    first: i64,
    records: usize,
    block: Result<Block>,
}

/// What is read at once of these series, within [`READ_AHEAD_MAX_BYTES`].
fn ahead_of<'q>(queues: impl ExactSizeIterator<Item = &'q Queue>) -> Vec<Ahead> {
    let most = READ_AHEAD_MAX_BYTES / BLOCK_RAW_MAX_BYTES / queues.len().max(1);
    queues
        .map(|queue| {
            let ahead = queue.ahead();
            Ahead {
                blocks: ahead.blocks.min(most.max(1)),
                ..ahead
            }
        })
        .collect()
}

/// How many of the next `limit` records of all series, which have so many, are likely to be of each.
fn shares(limit: usize, counts: impl Iterator<Item = u64> + Clone) -> impl Iterator<Item = usize> {
    let total = u128::from(counts.clone().sum::<u64>().max(1));
    counts.map(move |count| {
        let share = (limit as u128 * u128::from(count)).div_ceil(total);
        usize::try_from(share).unwrap_or(limit)
    })
}

/// How many blocks changed after `since`, counted up to one more than [`CHANGED_BLOCKS_MAX_COUNT`].
async fn changed_count(
    connection: &mut PgConnection,
    query: &RecordQuery,
    since: Timestamp,
) -> Result<i64> {
    let count = sqlx::query_scalar(statements::BLOCKS_CHANGED_COUNT)
        .bind(query.user.0)
        .bind(query.session.0)
        .bind(Instant(since))
        .bind(CHANGED_BLOCKS_MAX_COUNT + 1)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_ahead(limit: usize, counts: &[u64]) -> Vec<(usize, usize)> {
        shares(limit, counts.iter().copied())
            .map(|share| Queue::new(share).ahead())
            .map(|ahead| (ahead.blocks, ahead.records))
            .collect()
    }

    #[test]
    fn as_much_is_read_of_each_series_as_a_chunk_takes_of_it() {
        let counts = [360_000, 360_000, 360_000, 3_600, 0];
        let motion = (11, 2_722 + BLOCK_RECORDS_MAX_COUNT);
        let position = (1, 28);
        assert_eq!(
            first_ahead(8_192, &counts),
            [motion, motion, motion, position, (1, 1)]
        );
        assert_eq!(first_ahead(1, &[9]), [(1, 1)]);
        assert_eq!(first_ahead(8_192, &[0]), [(1, 1)]);
        let [(most, _), (one, _)] = first_ahead(usize::MAX, &[u64::MAX / 2, 1])[..] else {
            panic!("two series");
        };
        assert_eq!((most, one), (READ_AHEAD_MAX_BLOCKS, 1));
        assert!(first_ahead(8_192, &[]).is_empty());
    }

    #[test]
    fn what_follows_is_what_is_left_of_the_share_and_then_a_part_of_it() {
        let mut queue = Queue::new(2_000);
        (queue.read_blocks, queue.read_records) = (20, 2_000);
        let records = 500;
        assert_eq!(queue.ahead(), Ahead { blocks: 5, records });
        (queue.read_blocks, queue.read_records) = (10, 2_200);
        assert_eq!(queue.ahead(), Ahead { blocks: 3, records });
        queue.read_records = 1_000;
        let records = 1_000 + BLOCK_RECORDS_MAX_COUNT;
        let blocks = records.div_ceil(100);
        assert_eq!(queue.ahead(), Ahead { blocks, records });
    }

    #[test]
    fn many_series_of_large_records_are_read_a_block_at_a_time() {
        let queues: Vec<Queue> = (0..255)
            .map(|_| Queue {
                read_blocks: 1,
                read_records: 1,
                ..Queue::new(65)
            })
            .collect();
        assert!(
            ahead_of(queues.iter())
                .iter()
                .all(|ahead| ahead.blocks == 1)
        );
        let blocks = ahead_of(queues[..2].iter())[0].blocks;
        assert!(blocks > 1 && blocks * 2 * BLOCK_RAW_MAX_BYTES <= READ_AHEAD_MAX_BYTES);
    }
}
