//! Merging the records of a push into stored blocks.

use koodtx_core::block::{
    Block, BlockMeta, BlockSummary, EqualRows, Leaf, LeafEdit, MergeCounts, OpenEnd, SeriesEnd,
    SeriesMerger,
};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::push::SeriesBatch;
use koodtx_core::register::Effect;
use koodtx_core::time::{Tick, Timestamp};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row as _};

use crate::block::{BlockBatch, BlockType, block_of, digest_of};
use crate::cpu;
use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::statements;

/// Series whose blocks are read in one statement.
const SERIES_AT_ONCE_MAX_COUNT: usize = 64;
/// Blocks read in one statement.
const BLOCKS_AT_ONCE_MAX_COUNT: usize = 64;
/// Blocks of a series of which it is read at once where they lie.
const DIRECTORY_MAX_COUNT: usize = 512;
/// Blocks are sent to the database when they have so many bytes together.
const WRITE_AT_BYTES: usize = 4 * 1024 * 1024;

/// Where the records go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

/// What merging the records of one series came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merged {
    pub(crate) counts: MergeCounts,
    pub(crate) effect: Effect,
    /// The open end as it is now.
    pub(crate) open: Option<OpenEnd>,
}

/// Merges series into the stored blocks of a session. `end` says what is remembered of a series; `None`
/// where nothing is stored of it. Returns what happened, in the order of `series`.
///
/// What is to be written is left in `writer` where it is not much. Memory is bounded by what is pushed: a push
/// that touches very many blocks reads and writes them in steps.
pub(crate) async fn merge(
    connection: &mut PgConnection,
    writer: &mut BlockWriter,
    series: &[SeriesBatch],
    tick: Tick,
    end: impl Fn(&SensorType) -> Option<SeriesEnd>,
) -> Result<Vec<Merged>> {
    let mut merged = Vec::with_capacity(series.len());
    for group in series.chunks(SERIES_AT_ONCE_MAX_COUNT) {
        let mut mergers: Vec<Merging<'_>> = group
            .iter()
            .map(|batch| Merging {
                sensor_type: &batch.sensor_type,
                merger: SeriesMerger::new(&batch.records, end(&batch.sensor_type), tick),
            })
            .collect();
        for one in &mut mergers {
            match end(one.sensor_type) {
                None => one.apply(None, writer),
                Some(_) => one.append(writer),
            }
            writer.write_if_large(connection).await?;
        }
        while mergers.iter().any(|one| one.merger.next_time().is_some()) {
            merge_step(connection, &mut mergers, writer).await?;
        }
        merged.extend(mergers.into_iter().map(|one| Merged {
            counts: one.merger.counts(),
            effect: one.merger.effect(),
            open: one.merger.open(),
        }));
    }
    Ok(merged)
}

/// One series in the middle of a merge.
struct Merging<'a> {
    sensor_type: &'a SensorType,
    merger: SeriesMerger<'a>,
}

impl<'a> Merging<'a> {
    fn apply(&mut self, leaf: Option<Leaf>, writer: &mut BlockWriter) {
        self.edit(writer, |merger| merger.apply(leaf));
    }

    /// Writes the records behind what is stored, where that needs no reading.
    fn append(&mut self, writer: &mut BlockWriter) {
        self.edit(writer, SeriesMerger::append);
    }

    fn edit(
        &mut self,
        writer: &mut BlockWriter,
        merge: impl FnOnce(&mut SeriesMerger<'a>) -> Option<LeafEdit>,
    ) {
        let records = self.merger.remaining_micros().len();
        cpu::work(records, || {
            if let Some(edit) = merge(&mut self.merger) {
                writer.edit(self.sensor_type, &edit);
            }
        });
    }

    /// Times of the records that are not merged yet and belong before the open end.
    fn times_inside(&self) -> &[i64] {
        let times = self.merger.remaining_micros();
        let inside = self.merger.open().map_or(times.len(), |open| {
            times.partition_point(|&time| time < open.first.as_micros())
        });
        &times[..inside]
    }
}

/// A stored block that records belong into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    first_time: i64,
    /// Where the block behind it begins.
    next_first: Option<i64>,
}

/// What is known of the blocks of a series that records of a push belong into, before they are read.
#[derive(Default)]
struct Directory {
    /// These blocks, in the order of time.
    blocks: Vec<Listed>,
    /// Where the block behind all of these begins.
    behind: Option<i64>,
}

/// A block of a directory.
struct Listed {
    first_time: i64,
    /// Absent where it has no digest.
    summary: Option<BlockSummary>,
}

/// What to do next with the records of a series.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Nothing but counting them: a block has them.
    Skip(EqualRows),
    /// Read the block that they belong into.
    Read(Place),
}

impl Directory {
    /// Where the block at `index` ends, as far as anybody knows; `Err` where that is still to be read.
    fn next_first(&self, index: usize) -> std::result::Result<Option<i64>, ()> {
        match self.blocks.get(index + 1) {
            Some(next) => Ok(Some(next.first_time)),
            None if self.blocks.len() == DIRECTORY_MAX_COUNT => Err(()),
            None => Ok(self.behind),
        }
    }

    /// What becomes of the records at `times`, which ascend; `equal_rows` says which of them a block has.
    fn steps(
        &self,
        mut times: &[i64],
        equal_rows: impl Fn(&BlockSummary) -> Option<EqualRows>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            let Ok(next_first) = self.next_first(index) else {
                break;
            };
            let here = next_first.map_or(times.len(), |next| {
                times.partition_point(|&time| time < next)
            });
            let (mut here, rest) = times.split_at(here);
            if here.first() == Some(&block.first_time)
                && let Some(rows) = block.summary.as_ref().and_then(&equal_rows)
                && let Some(others) = here.get(rows.len()..)
            {
                here = others;
                steps.push(Step::Skip(rows));
            }
            if !here.is_empty() {
                steps.push(Step::Read(Place {
                    first_time: block.first_time,
                    next_first,
                }));
            }
            times = rest;
        }
        steps
    }
}

/// Reads where the next records of each series belong, then the blocks that have not the very same records, and
/// merges them.
async fn merge_step(
    connection: &mut PgConnection,
    mergers: &mut [Merging<'_>],
    writer: &mut BlockWriter,
) -> Result<()> {
    let is_open = |one: &Merging<'_>| one.merger.next_time().is_some();
    let (inside, mut at_end): (Vec<usize>, Vec<usize>) = (0..mergers.len())
        .filter(|&index| is_open(&mergers[index]))
        .partition(|&index| !mergers[index].times_inside().is_empty());
    let directories = read_directories(connection, mergers, writer.target, &inside).await?;
    let mut steps = Vec::new();
    for (index, directory) in inside.into_iter().zip(directories) {
        let one = &mut mergers[index];
        let open = one.merger.open().map(|open| open.first.as_micros());
        match directory.blocks.first() {
            None => one.apply(None, writer),
            // The series begins with its open end.
            Some(first) if open.is_some_and(|open| open <= first.first_time) => at_end.push(index),
            Some(_) => {
                let times = one.times_inside();
                let of_series = cpu::work(times.len(), || {
                    directory.steps(times, |summary| one.merger.equal_rows(summary))
                });
                steps.extend(of_series.into_iter().map(|step| (index, step)));
            }
        }
    }
    while !steps.is_empty() {
        let now: Vec<_> = steps
            .drain(..steps.len().min(BLOCKS_AT_ONCE_MAX_COUNT))
            .collect();
        take_steps(connection, mergers, now, writer).await?;
        writer.write_if_large(connection).await?;
    }
    merge_ends(connection, mergers, &at_end, writer).await
}

/// Takes steps of series, each given by its index, in their order.
async fn take_steps(
    connection: &mut PgConnection,
    mergers: &mut [Merging<'_>],
    steps: Vec<(usize, Step)>,
    writer: &mut BlockWriter,
) -> Result<()> {
    let wanted: Vec<(usize, Place)> = steps
        .iter()
        .filter_map(|(index, step)| match step {
            Step::Read(place) => Some((*index, *place)),
            Step::Skip(_) => None,
        })
        .collect();
    let blocks = read_named(connection, mergers, writer.target, &wanted).await?;
    let mut blocks = blocks.into_iter();
    for (index, step) in steps {
        let one = &mut mergers[index];
        match step {
            Step::Skip(rows) => one.merger.skip(rows),
            Step::Read(place) => {
                let Some(block) = blocks.next().flatten() else {
                    let first = Timestamp::from_micros(place.first_time);
                    let missing = Failure::corrupt("it has vanished");
                    return Err(at_block(missing, writer.target, one.sensor_type, first));
                };
                one.apply(Some(leaf(block, place.next_first)), writer);
            }
        }
    }
    Ok(())
}

/// Merges the records that belong into the open ends of these series.
async fn merge_ends(
    connection: &mut PgConnection,
    mergers: &mut [Merging<'_>],
    at_end: &[usize],
    writer: &mut BlockWriter,
) -> Result<()> {
    if at_end.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = at_end
        .iter()
        .map(|&index| mergers[index].sensor_type.as_str())
        .collect();
    let firsts: Vec<i64> = at_end
        .iter()
        .filter_map(|&index| Some(mergers[index].merger.open()?.first.as_micros()))
        .collect();
    let rows = sqlx::query(statements::BLOCKS_FROM)
        .bind(writer.target.user.0)
        .bind(writer.target.session.0)
        .bind(names.as_slice())
        .bind(firsts)
        .fetch_all(&mut *connection)
        .await?;
    let mut ends: Vec<Vec<Block>> = at_end.iter().map(|_| Vec::new()).collect();
    for row in &rows {
        let nth = nth_of(row)?;
        if let Some(&index) = at_end.get(nth) {
            ends[nth].push(checked_block(
                row,
                writer.target,
                mergers[index].sensor_type,
            )?);
        }
    }
    for (&index, blocks) in at_end.iter().zip(ends) {
        let leaf = Leaf {
            blocks,
            next_first: None,
        };
        mergers[index].apply(Some(leaf), writer);
    }
    writer.write_if_large(connection).await
}

fn leaf(block: Block, next_first: Option<i64>) -> Leaf {
    Leaf {
        blocks: vec![block],
        next_first: next_first.map(Timestamp::from_micros),
    }
}

/// Reads where the next records of each of the series `inside` belong, all of which have records that belong
/// before their open end. In the order of `inside`.
async fn read_directories(
    connection: &mut PgConnection,
    mergers: &[Merging<'_>],
    target: Target,
    inside: &[usize],
) -> Result<Vec<Directory>> {
    if inside.is_empty() {
        return Ok(Vec::new());
    }
    let times = |pick: fn(&[i64]) -> Option<&i64>| -> Vec<i64> {
        let picked = inside
            .iter()
            .map(|&index| pick(mergers[index].times_inside()));
        picked
            .map(|time| time.copied().unwrap_or_default())
            .collect()
    };
    let names: Vec<&str> = inside
        .iter()
        .map(|&index| mergers[index].sensor_type.as_str())
        .collect();
    let rows = sqlx::query(statements::BLOCKS_DIRECTORY)
        .bind(target.user.0)
        .bind(target.session.0)
        .bind(names.as_slice())
        .bind(times(<[i64]>::first))
        .bind(times(<[i64]>::last))
        .bind(DIRECTORY_MAX_COUNT as i64)
        .fetch_all(connection)
        .await?;
    let mut directories: Vec<Directory> = inside.iter().map(|_| Directory::default()).collect();
    for row in &rows {
        if let Some(directory) = directories.get_mut(nth_of(row)?) {
            directory.blocks.push(Listed::of(row)?);
            directory.behind = row.try_get("behind")?;
        }
    }
    Ok(directories)
}

impl Listed {
    fn of(row: &PgRow) -> Result<Self> {
        let first_time: i64 = row.try_get("first_time")?;
        let digest = digest_of(row.try_get("digest")?, row.try_get("checksum")?);
        let summary = match digest {
            None => None,
            Some(digest) => {
                let changed: Instant = row.try_get("changed_at")?;
                let meta = BlockMeta {
                    count: u32::try_from(row.try_get::<i32, _>("record_count")?).unwrap_or(0),
                    first: Timestamp::from_micros(first_time),
                    last: Timestamp::from_micros(row.try_get("last_time")?),
                    changed: changed.0,
                };
                Some(BlockSummary { meta, digest })
            }
        };
        Ok(Self {
            first_time,
            summary,
        })
    }
}

async fn read_named(
    connection: &mut PgConnection,
    mergers: &[Merging<'_>],
    target: Target,
    wanted: &[(usize, Place)],
) -> Result<Vec<Option<Block>>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = wanted
        .iter()
        .map(|(index, _)| mergers[*index].sensor_type.as_str())
        .collect();
    let firsts: Vec<i64> = wanted.iter().map(|(_, place)| place.first_time).collect();
    let rows = sqlx::query(statements::BLOCKS_NAMED)
        .bind(target.user.0)
        .bind(target.session.0)
        .bind(names.as_slice())
        .bind(firsts)
        .fetch_all(connection)
        .await?;
    let mut blocks: Vec<Option<Block>> = wanted.iter().map(|_| None).collect();
    for row in &rows {
        let nth = nth_of(row)?;
        if let Some(&(index, _)) = wanted.get(nth) {
            blocks[nth] = Some(checked_block(row, target, mergers[index].sensor_type)?);
        }
    }
    Ok(blocks)
}

/// Which element of the parameters a row answers, from 0.
fn nth_of(row: &PgRow) -> Result<usize> {
    let nth: i64 = row.try_get(0)?;
    usize::try_from(nth - 1).map_err(|_| Failure::corrupt("a row has no place"))
}

fn checked_block(row: &PgRow, target: Target, sensor_type: &SensorType) -> Result<Block> {
    const BLOCK_AT: usize = 1;
    let first: i64 = row.try_get(BLOCK_AT + 1)?;
    block_of(row, BLOCK_AT)
        .map_err(|failure| at_block(failure, target, sensor_type, Timestamp::from_micros(first)))
}

/// Says where a block lies that something is wrong with.
pub(crate) fn at_block(
    failure: Failure,
    target: Target,
    sensor_type: &SensorType,
    first: Timestamp,
) -> Failure {
    match failure {
        Failure::Corrupt(reason) => Failure::corrupt(format!(
            "user {}, session {}, sensor {sensor_type}: the block at {first}: {reason}",
            target.user, target.session
        )),
        other => other,
    }
}

/// What is to be written of a session's blocks. Goes to the database in large steps.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    target: Target,
    batch: BlockBatch,
    removed_types: Vec<String>,
    removed_times: Vec<i64>,
    /// Whether it may write before everything is there: only under the lock of the user.
    in_steps: bool,
}

impl BlockWriter {
    /// A writer for who holds the lock of the user.
    pub(crate) fn new(target: Target, of: BlockType) -> Self {
        Self {
            in_steps: true,
            ..Self::unlocked(target, of)
        }
    }

    /// A writer for who does not hold the lock of the user: writes nothing by itself, and fails where that
    /// would take too much memory.
    pub(crate) fn unlocked(target: Target, of: BlockType) -> Self {
        Self {
            in_steps: false,
            target,
            batch: BlockBatch::new(of),
            removed_types: Vec::new(),
            removed_times: Vec::new(),
        }
    }

    /// Adds a block, in place of the one that begins at the same time.
    pub(crate) fn put(&mut self, sensor_type: &SensorType, block: &Block) {
        self.batch.push(sensor_type, block);
    }

    fn edit(&mut self, sensor_type: &SensorType, edit: &LeafEdit) {
        let begins_at = |first: Timestamp| {
            let mut metas = edit.written.iter().filter_map(Block::meta);
            metas.any(|meta| meta.first == first)
        };
        for removed in &edit.removed {
            if !begins_at(removed.first) {
                self.removed_types.push(sensor_type.as_str().to_owned());
                self.removed_times.push(removed.first.as_micros());
            }
        }
        for block in &edit.written {
            self.put(sensor_type, block);
        }
    }

    /// Writes what there is, if it is much.
    pub(crate) async fn write_if_large(&mut self, connection: &mut PgConnection) -> Result<()> {
        if self.batch.size_bytes() < WRITE_AT_BYTES {
            return Ok(());
        }
        if !self.in_steps {
            return Err(Failure::NeedsLock);
        }
        self.write(connection).await
    }

    /// Binds the blocks to write, and the sensor types and times of those to remove.
    pub(crate) fn bind<'q>(
        &'q self,
        query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        query
            .bind(&self.batch)
            .bind(self.removed_types.as_slice())
            .bind(self.removed_times.as_slice())
    }

    /// Writes what there is.
    pub(crate) async fn write(&mut self, connection: &mut PgConnection) -> Result<()> {
        let Target { user, session } = self.target;
        if !self.removed_times.is_empty() {
            sqlx::query(statements::BLOCKS_REMOVE)
                .bind(user.0)
                .bind(session.0)
                .bind(self.removed_types.as_slice())
                .bind(self.removed_times.as_slice())
                .execute(&mut *connection)
                .await?;
            self.removed_types.clear();
            self.removed_times.clear();
        }
        if !self.batch.is_empty() {
            sqlx::query(statements::BLOCKS_WRITE)
                .bind(user.0)
                .bind(session.0)
                .bind(&self.batch)
                .execute(connection)
                .await?;
            self.batch.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(times: &[i64], firsts: &[i64], behind: Option<i64>) -> Vec<(i64, Option<i64>)> {
        let listed = |&first_time: &i64| Listed {
            first_time,
            summary: None,
        };
        let directory = Directory {
            blocks: firsts.iter().map(listed).collect(),
            behind,
        };
        let steps = directory.steps(times, |_| None);
        steps
            .into_iter()
            .map(|step| match step {
                Step::Read(place) => (place.first_time, place.next_first),
                Step::Skip(_) => panic!("nothing is equal"),
            })
            .collect()
    }

    #[test]
    fn only_blocks_that_get_records_are_read() {
        assert_eq!(
            places(&[10, 11, 35, 99], &[10, 20, 30, 40], Some(120)),
            [(10, Some(20)), (30, Some(40)), (40, Some(120))]
        );
        assert_eq!(places(&[50], &[10, 20], None), [(20, None)]);
        assert_eq!(places(&[5], &[10, 20], None), [(10, Some(20))]);
        assert_eq!(places(&[], &[10, 20], None), []);
    }

    #[test]
    fn what_lies_behind_a_cut_directory_is_left_for_the_next_step() {
        let firsts: Vec<i64> = (0..DIRECTORY_MAX_COUNT as i64)
            .map(|nth| nth * 10)
            .collect();
        let last = firsts[DIRECTORY_MAX_COUNT - 1];
        assert_eq!(
            places(&[5, last - 1, last, last + 100], &firsts, Some(last + 50)),
            [(0, Some(10)), (last - 10, Some(last))]
        );
    }
}
