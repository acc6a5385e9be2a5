//! Reading the records of a session.

use std::collections::VecDeque;

use koodtx_core::block::{BLOCK_RECORDS_MAX_COUNT, Block, ChunkAssembler, Found};
use koodtx_core::id::SensorType;
use koodtx_core::pull::{Damage, RecordChunk, RecordQuery};
use koodtx_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};

use crate::block::block_of;
use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::rounds::NO_SINCE;
use crate::session::SessionRow;
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
    let series: Vec<SensorType> = session.series.into_keys().collect();
    let mut source = Source::new(connection, query, &series).await?;
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
    statement: &'static str,
    read_ahead: usize,
    queues: Vec<Queue>,
}

#[derive(Default)]
struct Queue {
    found: VecDeque<Found>,
    /// Nothing lies behind what is in the queue.
    is_last: bool,
}

impl<'a> Source<'a> {
    async fn new(
        connection: &mut PgConnection,
        query: &'a RecordQuery,
        series: &'a [SensorType],
    ) -> Result<Self> {
        let few_changed = match query.changed_after {
            Some(since) => {
                changed_count(connection, query, since).await? <= CHANGED_BLOCKS_MAX_COUNT
            }
            None => false,
        };
        let blocks = query
            .limit
            .div_ceil(BLOCK_RECORDS_MAX_COUNT)
            .saturating_add(1);
        Ok(Self {
            query,
            series,
            statement: if few_changed {
                statements::BLOCKS_CHANGED
            } else {
                statements::BLOCKS_BEHIND
            },
            read_ahead: blocks
                .div_ceil(series.len().max(1))
                .clamp(1, READ_AHEAD_MAX_BLOCKS),
            queues: series.iter().map(|_| Queue::default()).collect(),
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
        let rows = sqlx::query(self.statement)
            .bind(self.query.user.0)
            .bind(self.query.session.0)
            .bind(names.as_slice())
            .bind(from)
            .bind(self.read_ahead as i64)
            .bind(Instant(self.query.changed_after.unwrap_or(NO_SINCE)))
            .fetch_all(&mut *connection)
            .await?;
        let mut read: Vec<Vec<(i64, Result<Block>)>> = dry.iter().map(|_| Vec::new()).collect();
        for row in &rows {
            let nth: i64 = row.try_get(0)?;
            let of_series = usize::try_from(nth - 1)
                .ok()
                .and_then(|nth| read.get_mut(nth));
            let of_series = of_series.ok_or_else(|| Failure::corrupt("a row has no place"))?;
            of_series.push((row.try_get(2)?, block_of(row, 1)));
        }
        for (&(index, _), blocks) in dry.iter().zip(read) {
            self.queues[index].is_last = blocks.len() < self.read_ahead;
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
