//! Reading the records of a session.

use std::collections::BTreeMap;

use koodtx_core::block::{BlockMeta, Found, assemble_chunk};
use koodtx_core::id::{SensorType, UserId};
use koodtx_core::pull::{RecordChunk, RecordQuery};
use koodtx_core::time::Timestamp;

use crate::blocks::{SeriesKey, first_time};
use crate::error::{Failure, Result};
use crate::key::{Key, KeyReader, Table};
use crate::series::{self, SeriesRecord};
use crate::session::SessionRecord;
use crate::store::Inner;
use crate::values::{Entry, Values};

/// Changed blocks that are looked up one by one. Where more have changed, passing over the
/// unchanged ones between them costs less than collecting them all for each chunk.
const CHANGED_BLOCKS_MAX_COUNT: usize = 1024;

/// Most series of which a scan is kept while a chunk is read: each holds a leaf of the tree, up to 128 KiB.
const SCANS_MAX_COUNT: usize = 16;

/// Reads one chunk. The caller shares the user's lock: a scan is no snapshot, and would miss a block
/// that a push moves at that moment.
pub(crate) fn read(inner: &Inner, query: &RecordQuery) -> Result<RecordChunk> {
    let values = &inner.values;
    let Some(session) = SessionRecord::find(values, query.user, query.session)?
        .filter(|session| session.state.live)
    else {
        return Ok(RecordChunk::default());
    };
    let (sensor_types, series): (Vec<SensorType>, Vec<SeriesRecord>) =
        series::all(values, query.user, session.life)?
            .into_iter()
            .unzip();
    let filter = Filter::new(values, query, session.life)?;
    let mut scans: Vec<Option<BlockScan>> = series.iter().map(|_| None).collect();
    assemble_chunk(query, &sensor_types, |sensor_type, from| {
        let Ok(at) = sensor_types.binary_search(sensor_type) else {
            return Ok(None);
        };
        let key = SeriesKey::of(query.user, &session, sensor_type, &series[at]);
        let found = filter.next_block(values, &key, from, &mut scans[at]);
        if series.len() > SCANS_MAX_COUNT {
            scans[at] = None;
        }
        found
    })
}

/// Blocks of a series that no call has looked at yet. It goes on from one call to the next, each of which asks for
/// a later time.
type BlockScan = Box<dyn Iterator<Item = Result<Entry>>>;

/// Which blocks a read has to look at.
enum Filter {
    /// All that changed after this user clock (`None`: all), found by passing over the others.
    Scan(Option<Timestamp>),
    /// Just these, and those of the open ends that changed after this user clock: by number of the series
    /// the times at which they begin, ordered.
    These(BTreeMap<u32, Vec<Timestamp>>, Timestamp),
}

impl Filter {
    fn new(values: &Values, query: &RecordQuery, life: Timestamp) -> Result<Self> {
        let Some(after) = query.changed_after else {
            return Ok(Self::Scan(None));
        };
        let changed = changed_blocks(values, query.user, life, after)?;
        Ok(match changed {
            Some(changed) => Self::These(changed, after),
            None => Self::Scan(Some(after)),
        })
    }

    /// The first block of a series that passes and ends at `from` or later.
    fn next_block(
        &self,
        values: &Values,
        key: &SeriesKey<'_>,
        from: Timestamp,
        scan: &mut Option<BlockScan>,
    ) -> Result<Option<Found>> {
        match self {
            Self::Scan(after) => {
                let blocks = match scan {
                    Some(blocks) => blocks,
                    None => scan.insert(Box::new(blocks_from(values, key, from)?)),
                };
                first_of(values, key, blocks, from, *after)
            }
            Self::These(changed, after) => {
                let firsts = changed.get(&key.number).map_or(&[][..], Vec::as_slice);
                match pick(values, key, from, firsts)? {
                    Some(found) => Ok(Some(found)),
                    None => first_of(values, key, key.open_blocks(values), from, Some(*after)),
                }
            }
        }
    }
}

/// The blocks of a life that changed after `after`, unless they are too many.
fn changed_blocks(
    values: &Values,
    user: UserId,
    life: Timestamp,
    after: Timestamp,
) -> Result<Option<BTreeMap<u32, Vec<Timestamp>>>> {
    let from = Key::block_changes(user, life, after.plus_micros(1));
    let end = Key::life(Table::BlockChange, user, life).end();
    let mut changed: BTreeMap<u32, Vec<Timestamp>> = BTreeMap::new();
    for (count, entry) in values.scan(&from, &end).enumerate() {
        if count == CHANGED_BLOCKS_MAX_COUNT {
            return Ok(None);
        }
        let entry = entry?;
        let mut reader = KeyReader::new(entry.key());
        reader.user()?;
        reader.time()?;
        reader.time()?;
        changed
            .entry(reader.series()?)
            .or_default()
            .push(reader.time()?);
    }
    for firsts in changed.values_mut() {
        firsts.sort_unstable();
    }
    Ok(Some(changed))
}

/// The blocks of a series that may end at `from` or later.
fn blocks_from(
    values: &Values,
    key: &SeriesKey<'_>,
    from: Timestamp,
) -> Result<impl Iterator<Item = Result<Entry>> + use<>> {
    // The block that `from` lies in began before it.
    let start = key
        .last_until(values, from)?
        .as_ref()
        .map(first_time)
        .transpose()?;
    Ok(key.scan_from(values, start.unwrap_or(from)))
}

/// The first of these blocks that changed after `after` and ends at `from` or later.
fn first_of(
    values: &Values,
    key: &SeriesKey<'_>,
    blocks: impl Iterator<Item = Result<Entry>>,
    from: Timestamp,
    after: Option<Timestamp>,
) -> Result<Option<Found>> {
    for entry in blocks {
        let wanted =
            |meta: BlockMeta| meta.last >= from && after.is_none_or(|after| meta.changed > after);
        if let Some(found) = load(values, key, &entry?, from, wanted)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A block, if it is wanted; or that it is damaged, if it may hold something from `from` on.
fn load(
    values: &Values,
    key: &SeriesKey<'_>,
    entry: &Entry,
    from: Timestamp,
    wanted: impl Fn(BlockMeta) -> bool,
) -> Result<Option<Found>> {
    match key.decode_if(values, entry, wanted) {
        Ok(block) => Ok(block.map(Found::Block)),
        Err(Failure::Corrupt(reason)) => {
            tracing::error!("{reason}");
            let damage = key.damage(values, entry)?;
            let concerned = damage.until.is_none_or(|until| until > from);
            Ok(concerned.then_some(Found::Damaged(damage)))
        }
        Err(failure) => Err(failure),
    }
}

fn pick(
    values: &Values,
    key: &SeriesKey<'_>,
    from: Timestamp,
    firsts: &[Timestamp],
) -> Result<Option<Found>> {
    let begun = firsts.partition_point(|&first| first <= from);
    for &first in &firsts[begun.saturating_sub(1)..] {
        let entry = key.at(values, first)?.ok_or_else(|| {
            Failure::corrupt(format!(
                "user {}, session {}, sensor {}: the block that begins at {first} is missing",
                key.user, key.session, key.sensor_type
            ))
        })?;
        if let Some(found) = load(values, key, &entry, from, |meta| meta.last >= from)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
