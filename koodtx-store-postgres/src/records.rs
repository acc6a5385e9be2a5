//! Reading the records of a session.

use futures_util::TryStreamExt as _;
use koodtx_core::block::{Block, ChunkAssembler, Found};
use koodtx_core::id::SensorType;
use koodtx_core::pull::{Damage, RecordChunk, RecordQuery};
use koodtx_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};

use crate::block::{block_of, count_of};
use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::read_ahead::{Ahead, Queue, ahead_of, shares};
use crate::rounds::NO_SINCE;
use crate::session::{SeriesMap, SessionRow};
use crate::statements;

/// Changed blocks that are looked up by their change. Where more have changed, passing over the
/// unchanged ones between them costs less than collecting them all for each chunk.
const CHANGED_BLOCKS_MAX_COUNT: i64 = 1024;

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
        let asked = self.ask(dry);
        let read = self.read(connection, &asked).await?;
        self.take_in(connection, &asked, read).await
    }

    /// What is to be read of these series.
    fn ask(&self, dry: &[(usize, Timestamp)]) -> Vec<Asked> {
        let mut ahead = ahead_of(dry.iter().map(|&(index, _)| &self.queues[index]));
        if self.way != Way::All {
            // Statements that pass over blocks have one limit for all series.
            let most = ahead.iter().map(|ahead| ahead.blocks).max();
            for ahead in &mut ahead {
                ahead.blocks = most.unwrap_or_default();
            }
        }
        dry.iter()
            .zip(ahead)
            .map(|(&(index, from), ahead)| Asked { index, from, ahead })
            .collect()
    }

    /// Reads what is asked for, in the same order.
    async fn read(
        &self,
        connection: &mut PgConnection,
        asked: &[Asked],
    ) -> Result<Vec<Vec<ReadBlock>>> {
        let each = |number: fn(&Asked) -> i64| asked.iter().map(number).collect::<Vec<i64>>();
        let names: Vec<&str> = asked
            .iter()
            .map(|asked| self.series[asked.index].as_str())
            .collect();
        let from = each(|asked| asked.from.as_micros());
        let blocks = each(|asked| asked.ahead.blocks as i64);
        let records = each(|asked| asked.ahead.records as i64);
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
                .bind(blocks.first().copied().unwrap_or_default())
                .bind(Instant(self.query.changed_after.unwrap_or(NO_SINCE))),
        };
        let mut read: Vec<Vec<ReadBlock>> = asked.iter().map(|_| Vec::new()).collect();
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
                records: count_of(&row, 1)? as usize,
                block: block_of(&row, 1),
            });
        }
        Ok(read)
    }

    /// Puts what was read of each series behind what is there.
    async fn take_in(
        &mut self,
        connection: &mut PgConnection,
        asked: &[Asked],
        read: Vec<Vec<ReadBlock>>,
    ) -> Result<()> {
        for (&Asked { index, ahead, .. }, blocks) in asked.iter().zip(read) {
            let found_records: usize = blocks.iter().map(|block| block.records).sum();
            let queue = &mut self.queues[index];
            queue.is_last = blocks.len() < ahead.blocks
                && (self.way != Way::All || found_records < ahead.records);
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

/// What is read of one series.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Which one.
    index: usize,
    from: Timestamp,
    ahead: Ahead,
}

/// A block as it was read.
struct ReadBlock {
    /// Where its row says that it begins, and how many records it has.
    first: i64,
    records: usize,
    block: Result<Block>,
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
