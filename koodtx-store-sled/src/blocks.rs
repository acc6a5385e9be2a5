//! The blocks of one series.

use std::borrow::Cow;
use std::fmt;

use koodtx_core::block::{
    Block, BlockMeta, Leaf, LeafEdit, OpenEnd, SeriesMerger, Stored, read_meta, read_summary,
};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::pull::Damage;
use koodtx_core::time::Timestamp;

use crate::error::{Failure, Result};
use crate::key::{Key, KeyReader, Table};
use crate::series::SeriesRecord;
use crate::session::SessionRecord;
use crate::values::{Entry, Values, WriteSet};

/// Which series, by its keys and by the names that errors use.
#[derive(Clone, Copy)]
pub(crate) struct SeriesKey<'a> {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) sensor_type: &'a SensorType,
    pub(crate) life: Timestamp,
    pub(crate) number: u32,
    /// Its open end, as it is stored.
    pub(crate) open: Option<OpenEnd>,
}

/// Bytes of the time before a block of an open end.
const TIME_BYTES: usize = size_of::<i64>();

impl<'a> SeriesKey<'a> {
    /// A series as it is stored.
    pub(crate) fn of(
        user: UserId,
        session: &SessionRecord,
        sensor_type: &'a SensorType,
        series: &SeriesRecord,
    ) -> Self {
        Self {
            user,
            session: session.state.id,
            sensor_type,
            life: session.life,
            number: series.number,
            open: series.open,
        }
    }

    fn all(&self) -> Key {
        Key::blocks(self.user, self.life, self.number)
    }

    fn block(&self, first: Timestamp) -> Key {
        Key::block(self.user, self.life, self.number, first)
    }

    fn place(&self, place: u32) -> Key {
        Key::open_block(self.user, self.life, self.number, place)
    }

    fn change(&self, changed: Timestamp, first: Timestamp) -> Key {
        Key::block_change(self.user, self.life, changed, self.number, first)
    }

    /// The blocks of the open end, in the order of time. Places behind them may hold what an earlier
    /// open end has left there.
    pub(crate) fn open_blocks(
        &self,
        values: &Values,
    ) -> impl Iterator<Item = Result<Entry>> + use<> {
        let places = self.open.map_or(0, |open| open.blocks);
        values.scan(&self.place(0), &self.place(places))
    }

    /// The last block that begins at `time` or before.
    pub(crate) fn last_until(&self, values: &Values, time: Timestamp) -> Result<Option<Entry>> {
        if self.open.is_some_and(|open| open.first <= time) {
            let mut last = None;
            for entry in self.open_blocks(values) {
                let entry = entry?;
                if first_time(&entry)? <= time {
                    last = Some(entry);
                }
            }
            if last.is_some() {
                return Ok(last);
            }
        }
        values
            .scan(&self.all(), &self.block(time.plus_micros(1)))
            .next_back()
            .transpose()
    }

    /// The first block that begins at `time` or later.
    pub(crate) fn next_from(&self, values: &Values, time: Timestamp) -> Result<Option<Entry>> {
        self.scan_from(values, time).next().transpose()
    }

    /// Where the block behind the one that begins at `first` does.
    fn first_behind(&self, values: &Values, first: Timestamp) -> Result<Option<Timestamp>> {
        let behind = self.next_from(values, first.plus_micros(1))?;
        behind.as_ref().map(first_time).transpose()
    }

    /// The block outside of the open end that begins at `first`.
    pub(crate) fn at(&self, values: &Values, first: Timestamp) -> Result<Option<Entry>> {
        let key = self.block(first);
        values.scan(&key, &key.end()).next().transpose()
    }

    /// The blocks that begin at `time` or later, in the order of time.
    pub(crate) fn scan_from(
        &self,
        values: &Values,
        time: Timestamp,
    ) -> impl Iterator<Item = Result<Entry>> + use<> {
        let is_behind = move |entry: &Result<Entry>| {
            let first = entry.as_ref().ok().and_then(|entry| first_time(entry).ok());
            first.is_none_or(|first| time <= first)
        };
        // The open end is behind all others.
        values
            .scan(&self.block(time), &self.all().end())
            .chain(self.open_blocks(values).filter(is_behind))
    }

    /// All blocks, in the order of time.
    pub(crate) fn scan(&self, values: &Values) -> impl Iterator<Item = Result<Entry>> + use<> {
        values
            .scan_prefix(&self.all())
            .chain(self.open_blocks(values))
    }

    /// What records at `time` belong into: a block, with where the one behind it begins; of the open end, all
    /// blocks; or that the block there has all that `merger` brings for it.
    pub(crate) fn stored_at(
        &self,
        values: &Values,
        time: Timestamp,
        merger: &SeriesMerger<'_>,
    ) -> Result<Stored> {
        let open_leaf = || Ok(Stored::Leaf(Some(self.open_leaf(values)?)));
        if self.open.is_some_and(|open| open.first <= time) {
            return open_leaf();
        }
        let entry = match self.last_until(values, time)? {
            Some(entry) => Some(entry),
            None => self.next_from(values, time)?,
        };
        let Some(entry) = entry else {
            return Ok(Stored::Leaf(None));
        };
        if entry.is_in(Table::OpenBlock) {
            return open_leaf();
        }
        let first = first_time(&entry)?;
        let bytes = self.load(values, &entry)?;
        let corrupt = |error| self.corrupt(values, &entry, &error);
        if first == time
            && let Some(summary) = read_summary(&bytes).map_err(corrupt)?
            // Of a block at the wrong place nothing follows.
            && summary.meta.first == first
            && let Some(rows) = merger.equal_rows(&summary)
        {
            return Ok(Stored::Equal(rows));
        }
        Ok(Stored::Leaf(Some(Leaf {
            blocks: vec![Block::decode(&bytes).map_err(corrupt)?],
            next_first: self.first_behind(values, first)?,
        })))
    }

    fn open_leaf(&self, values: &Values) -> Result<Leaf> {
        let blocks = self
            .open_blocks(values)
            .map(|entry| self.decode(values, &entry?));
        Ok(Leaf {
            blocks: blocks.collect::<Result<_>>()?,
            next_first: None,
        })
    }

    /// Count, range and latest change of a block, without decoding it.
    pub(crate) fn meta(&self, values: &Values, entry: &Entry) -> Result<BlockMeta> {
        let bytes = self.load(values, entry)?;
        read_meta(&bytes).map_err(|error| self.corrupt(values, entry, &error))
    }

    /// Whether the digest of a block, where it has one, is that of its records.
    pub(crate) fn has_its_digest(
        &self,
        values: &Values,
        entry: &Entry,
        block: &Block,
    ) -> Result<bool> {
        let summary = read_summary(&self.load(values, entry)?)
            .map_err(|error| self.corrupt(values, entry, &error))?;
        Ok(summary.is_none_or(|summary| Some(summary.digest) == block.digest()))
    }

    /// The block, if its header makes it wanted.
    pub(crate) fn decode_if(
        &self,
        values: &Values,
        entry: &Entry,
        wanted: impl Fn(BlockMeta) -> bool,
    ) -> Result<Option<Block>> {
        let bytes = self.load(values, entry)?;
        let block = match read_meta(&bytes) {
            Ok(meta) if !wanted(meta) => return Ok(None),
            Ok(_) => Block::decode(&bytes),
            Err(error) => Err(error),
        };
        block
            .map(Some)
            .map_err(|error| self.corrupt(values, entry, &error))
    }

    pub(crate) fn decode(&self, values: &Values, entry: &Entry) -> Result<Block> {
        let bytes = self.load(values, entry)?;
        Block::decode(&bytes).map_err(|error| self.corrupt(values, entry, &error))
    }

    fn load<'e>(&self, values: &Values, entry: &'e Entry) -> Result<Cow<'e, [u8]>> {
        let value = values.load(entry).map_err(|failure| match failure {
            Failure::Corrupt(reason) => self.corrupt(values, entry, &reason),
            other => other,
        })?;
        if !entry.is_in(Table::OpenBlock) {
            return Ok(value);
        }
        Ok(match value {
            Cow::Borrowed(value) => Cow::Borrowed(value.get(TIME_BYTES..).unwrap_or_default()),
            Cow::Owned(mut value) => Cow::Owned(value.split_off(TIME_BYTES.min(value.len()))),
        })
    }

    /// Stores what became of one leaf; `open` is the open end as it is then.
    pub(crate) fn edit(
        &self,
        set: &mut WriteSet<'_>,
        edit: &LeafEdit,
        open: Option<OpenEnd>,
    ) -> Result<()> {
        let is_in = |block: &BlockMeta, open: Option<OpenEnd>| {
            open.filter(|open| open.first <= block.first)
        };
        for removed in &edit.removed {
            // The places of an open end are used again.
            if is_in(removed, self.open).is_none() {
                set.remove(&self.change(removed.changed, removed.first))?;
                set.remove(&self.block(removed.first))?;
            }
        }
        for block in &edit.written {
            let Some(meta) = block.meta() else { continue };
            if let Some(open) = is_in(&meta, open) {
                // An append adds one block, and a fold leaves one.
                set.put(&self.place(open.blocks - 1), &open_value(&meta, block))?;
            } else {
                // What lay there was one of the removed blocks.
                set.put_over_uncut(&self.block(meta.first), &block.encode());
                set.mark(&self.change(meta.changed, meta.first));
            }
        }
        Ok(())
    }

    /// Whether the index of changes knows a block.
    pub(crate) fn is_indexed(&self, values: &Values, meta: &BlockMeta) -> Result<bool> {
        values.contains(&self.change(meta.changed, meta.first))
    }

    /// Where a block that cannot be read begins, and where the one behind it does.
    pub(crate) fn damage(&self, values: &Values, entry: &Entry) -> Result<Damage> {
        let from = first_time(entry)?;
        Ok(Damage {
            sensor_type: self.sensor_type.clone(),
            from,
            until: self.first_behind(values, from)?,
        })
    }

    /// A damaged block does not say where it ends, so the one behind it has to.
    fn corrupt(&self, values: &Values, entry: &Entry, reason: &impl fmt::Display) -> Failure {
        let begin = first_time(entry).ok();
        let behind = begin.and_then(|begin| self.first_behind(values, begin).ok().flatten());
        let text = |time: Option<Timestamp>, otherwise: &str| {
            time.map_or_else(|| otherwise.to_owned(), |time| time.to_string())
        };
        Failure::corrupt(format!(
            "user {}, session {}, sensor {}: the block of the time from {} to before {} is damaged: \
             {reason}",
            self.user,
            self.session,
            self.sensor_type,
            text(begin, "an unknown time"),
            text(behind, "the end of the series"),
        ))
    }
}

/// What lies at a place of an open end. The time stands outside of the block, so that a damaged one is
/// known to be where it is.
fn open_value(meta: &BlockMeta, block: &Block) -> Vec<u8> {
    let mut value = meta.first.as_micros().to_be_bytes().to_vec();
    value.extend_from_slice(&block.encode());
    value
}

/// Time of a block's first record, from its key or from what stands before it.
pub(crate) fn first_time(entry: &Entry) -> Result<Timestamp> {
    if entry.is_in(Table::OpenBlock) {
        let micros = entry
            .head()
            .first_chunk()
            .map(|time| i64::from_be_bytes(*time));
        return micros
            .map(Timestamp::from_micros)
            .ok_or_else(|| Failure::corrupt("a block of an open end has no time"));
    }
    let mut reader = KeyReader::new(entry.key());
    reader.user()?;
    reader.time()?;
    reader.series()?;
    reader.time()
}
