//! The blocks of one series.

use std::borrow::Cow;
use std::fmt;

use koodtx_core::block::{Block, BlockMeta, Leaf, LeafEdit, read_meta};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::pull::Damage;
use koodtx_core::time::Timestamp;

use crate::error::{Failure, Result};
use crate::key::{Key, KeyReader};
use crate::values::{Entry, Values, WriteSet};

/// Which series, by its keys and by the names that errors use.
#[derive(Clone, Copy)]
pub(crate) struct SeriesKey<'a> {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) sensor_type: &'a SensorType,
    pub(crate) life: Timestamp,
    pub(crate) number: u32,
}

impl SeriesKey<'_> {
    fn all(&self) -> Key {
        Key::blocks(self.user, self.life, self.number)
    }

    fn block(&self, first: Timestamp) -> Key {
        Key::block(self.user, self.life, self.number, first)
    }

    fn change(&self, changed: Timestamp, first: Timestamp) -> Key {
        Key::block_change(self.user, self.life, changed, self.number, first)
    }

    /// The last block that begins at `time` or before.
    pub(crate) fn last_until(&self, values: &Values, time: Timestamp) -> Result<Option<Entry>> {
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

    /// The block that begins at `first`.
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
        values.scan(&self.block(time), &self.all().end())
    }

    /// All blocks, in the order of time.
    pub(crate) fn scan(&self, values: &Values) -> impl Iterator<Item = Result<Entry>> + use<> {
        values.scan_prefix(&self.all())
    }

    /// The block that records at `time` belong into, with where the one behind it begins.
    pub(crate) fn leaf(&self, values: &Values, time: Timestamp) -> Result<Option<Leaf>> {
        let entry = match self.last_until(values, time)? {
            Some(entry) => Some(entry),
            None => self.next_from(values, time)?,
        };
        let Some(entry) = entry else { return Ok(None) };
        Ok(Some(Leaf {
            block: self.decode(values, &entry)?,
            next_first: self.first_behind(values, first_time(&entry)?)?,
        }))
    }

    /// Count, range and latest change of a block, without decoding it.
    pub(crate) fn meta(&self, values: &Values, entry: &Entry) -> Result<BlockMeta> {
        let bytes = self.load(values, entry)?;
        read_meta(&bytes).map_err(|error| self.corrupt(values, entry, &error))
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
        values.load(entry).map_err(|failure| match failure {
            Failure::Corrupt(reason) => self.corrupt(values, entry, &reason),
            other => other,
        })
    }

    /// Stores what became of one block.
    pub(crate) fn edit(&self, set: &mut WriteSet<'_>, edit: &LeafEdit) -> Result<()> {
        if let Some(removed) = edit.removed {
            set.remove(&self.change(removed.changed, removed.first))?;
            set.remove(&self.block(removed.first))?;
        }
        for block in &edit.written {
            let Some(meta) = block.meta() else { continue };
            set.put(&self.block(meta.first), &block.encode())?;
            set.mark(&self.change(meta.changed, meta.first));
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

/// Time of a block's first record, from its key.
pub(crate) fn first_time(entry: &Entry) -> Result<Timestamp> {
    let mut reader = KeyReader::new(entry.key());
    reader.user()?;
    reader.time()?;
    reader.series()?;
    reader.time()
}
