//! Reading the records of a session.

use std::collections::VecDeque;

use futures_util::TryStreamExt as _;
use koodtx_core::block::{BLOCK_RECORDS_MAX_COUNT, Block, ChunkAssembler, Found};
use koodtx_core::id::SensorType;
use koodtx_core::pull::{Damage, RecordChunk, RecordQuery};
use koodtx_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};

use crate::block::block_of;
use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::rounds::NO_SINCE;
use crate::session::{SeriesMap, SessionRow};
use crate::statements;

/// Changed blocks that are looked up by their change. Where more have changed, passing over the
/// unchanged ones between them costs less than collecting them all for each chunk.
const CHANGED_BLOCKS_MAX_COUNT: i64 = 1024;
/// Blocks of one series that are read in one statement.
const READ_AHEAD_MAX_BLOCKS: usize = 64;

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

#[derive(Default)]
struct Queue {
    found: VecDeque<Found>,
    /// Nothing lies behind what is in the queue.
    is_last: bool,
    /// Blocks that are read in one statement.
    read_ahead: usize,
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
        let read_ahead = read_ahead(query.limit, summaries.values().map(|one| one.count));
        Ok(Self {
            query,
            series,
            way,
            queues: read_ahead
                .into_iter()
                .map(|read_ahead| Queue {
                    read_ahead,
                    ..Queue::default()
                })
                .collect(),
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
        let read_ahead: Vec<i64> = dry
            .iter()
            .map(|&(index, _)| self.queues[index].read_ahead as i64)
            .collect();
        let most = read_ahead.iter().max().copied().unwrap_or_default();
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
            Way::All => bound.bind(read_ahead.as_slice()),
            Way::Behind | Way::Changed => bound
                .bind(most)
                .bind(Instant(self.query.changed_after.unwrap_or(NO_SINCE))),
        };
        let mut read: Vec<Vec<(i64, Result<Block>)>> = dry.iter().map(|_| Vec::new()).collect();
        // Each block is decoded while the database still prepares the next ones.
        let mut rows = bound.fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let nth: i64 = row.try_get(0)?;
            let of_series = usize::try_from(nth - 1)
                .ok()
                .and_then(|nth| read.get_mut(nth));
            let of_series = of_series.ok_or_else(|| Failure::corrupt("a row has no place"))?;
            of_series.push((row.try_get(2)?, block_of(&row, 1)));
        }
        drop(rows);
        for ((&(index, _), blocks), own) in dry.iter().zip(read).zip(read_ahead) {
            let asked = if self.way == Way::All { own } else { most };
            self.queues[index].is_last = (blocks.len() as i64) < asked;
            for (first, block) in blocks {
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

/// How many blocks of each series, whose records are `counts`, are likely to hold the next `limit` records of
/// all: as many as are its share, and one more, since a chunk mostly begins within a block; of a series with
/// few records just one.
fn read_ahead(limit: usize, counts: impl Iterator<Item = u64> + Clone) -> Vec<usize> {
    // Between two thirds full, from where on nobody fills them up, and full.
    const BLOCK_RECORDS: u128 = BLOCK_RECORDS_MAX_COUNT as u128 * 5 / 6;
    let total = counts.clone().sum::<u64>().max(1);
    let blocks = |count: u64| {
        let share = limit as u128 * u128::from(count) / u128::from(total);
        let one_more = u128::from(share > BLOCK_RECORDS / 2);
        let blocks = share.div_ceil(BLOCK_RECORDS).max(1) + one_more;
        usize::try_from(blocks).map_or(READ_AHEAD_MAX_BLOCKS, |blocks| {
            blocks.min(READ_AHEAD_MAX_BLOCKS)
        })
    };
    counts.map(blocks).collect()
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

    #[test]
    fn as_much_is_read_of_each_series_as_a_chunk_takes_of_it() {
        let counts = [360_000, 360_000, 360_000, 3_600, 0];
        assert_eq!(read_ahead(8_192, counts.into_iter()), [8, 8, 8, 1, 1]);
        assert_eq!(read_ahead(1, [9].into_iter()), [1]);
        assert_eq!(read_ahead(8_192, [0].into_iter()), [1]);
        let most = READ_AHEAD_MAX_BLOCKS;
        assert_eq!(
            read_ahead(usize::MAX, [u64::MAX / 2, 1].into_iter()),
            [most, 1]
        );
        assert!(read_ahead(8_192, std::iter::empty()).is_empty());
    }
}
