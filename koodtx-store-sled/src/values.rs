//! Values of any size over a tree that wants them small.
//!
//! A leaf of sled's tree holds up to 20 values (16, one more before it splits, three more after a
//! merge), and a leaf above a quarter of a segment (128 KiB) goes to a file of its own that nobody
//! syncs. So a longer value is cut: its first part stays at its key, the others lie in
//! [`Table::Part`](crate::key::Table::Part), written, read and removed together with it.

use std::borrow::Cow;

use sled::IVec;

use crate::error::{Failure, Result};
use crate::key::{Key, Table};
use crate::room::Purpose;
use crate::wal::Frame;

/// Longest part of a value, in bytes: 20 of them with their keys stay below 128 KiB.
pub(crate) const PART_MAX_BYTES: usize = 6 * 1024;
/// First byte of a value that lies whole at its key.
const WHOLE: u8 = 0;
/// First byte of a value that goes on in other parts; their number follows, big-endian.
const CUT: u8 = 1;
/// Bytes before the first part of a cut value.
const CUT_HEADER_BYTES: usize = 5;

/// The one tree, read.
pub(crate) struct Values {
    tree: sled::Tree,
}

/// One entry of a scan: a key and what lies there.
pub(crate) struct Entry {
    key: IVec,
    stored: IVec,
}

impl Entry {
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn is_in(&self, table: Table) -> bool {
        self.key.first() == Some(&(table as u8))
    }

    /// The beginning of the value; all of it, where it is short.
    pub(crate) fn head(&self) -> &[u8] {
        head(&self.stored)
    }
}

/// The part of a value that lies at its key.
fn head(stored: &[u8]) -> &[u8] {
    let header = if stored.first() == Some(&CUT) {
        CUT_HEADER_BYTES
    } else {
        1
    };
    stored.get(header..).unwrap_or_default()
}

/// How many parts follow the first.
fn further_parts(stored: &[u8]) -> u32 {
    match stored {
        [CUT, a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => 0,
    }
}

impl Values {
    pub(crate) fn new(tree: sled::Tree) -> Self {
        Self { tree }
    }

    pub(crate) fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        let Some(stored) = self.tree.get(key.as_bytes())? else {
            return Ok(None);
        };
        self.whole(key.as_bytes(), &stored)
            .map(|value| Some(value.into_owned()))
    }

    pub(crate) fn contains(&self, key: &Key) -> Result<bool> {
        Ok(self.tree.contains_key(key.as_bytes())?)
    }

    /// The whole value of an entry.
    pub(crate) fn load<'a>(&self, entry: &'a Entry) -> Result<Cow<'a, [u8]>> {
        self.whole(&entry.key, &entry.stored)
    }

    fn whole<'a>(&self, key: &[u8], stored: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let further = further_parts(stored);
        if further == 0 {
            return Ok(Cow::Borrowed(head(stored)));
        }
        let mut value = head(stored).to_vec();
        for number in 0..further {
            let part = self.tree.get(Key::part(key, number).as_bytes())?;
            value.extend_from_slice(
                &part.ok_or_else(|| Failure::corrupt("a part of a long value is missing"))?,
            );
        }
        Ok(Cow::Owned(value))
    }

    /// Entries from `from` on, below `end`, in order of their keys. A scan is no snapshot.
    pub(crate) fn scan(
        &self,
        from: &Key,
        end: &Key,
    ) -> impl DoubleEndedIterator<Item = Result<Entry>> + use<> {
        self.tree
            .range(from.as_bytes()..end.as_bytes())
            .map(|entry| {
                entry
                    .map(|(key, stored)| Entry { key, stored })
                    .map_err(Failure::from)
            })
    }

    /// All entries whose keys begin with `prefix`, in order.
    pub(crate) fn scan_prefix(
        &self,
        prefix: &Key,
    ) -> impl DoubleEndedIterator<Item = Result<Entry>> + use<> {
        self.scan(prefix, &prefix.end())
    }
}

/// What one atomic step is going to write. At most one `put` for each key.
pub(crate) struct WriteSet<'a> {
    values: &'a Values,
    frame: Frame,
    purpose: Purpose,
}

impl<'a> WriteSet<'a> {
    pub(crate) fn new(values: &'a Values) -> Self {
        Self::of(values, Purpose::Storing)
    }

    /// One that makes room or lets somebody read, and so is written also when there is little room.
    pub(crate) fn reclaiming(values: &'a Values) -> Self {
        Self::of(values, Purpose::Reclaiming)
    }

    fn of(values: &'a Values, purpose: Purpose) -> Self {
        Self {
            values,
            frame: Frame::new(),
            purpose,
        }
    }

    /// Stores a value, in place of the one that may be there.
    pub(crate) fn put(&mut self, key: &Key, value: &[u8]) -> Result<()> {
        let parts = self.add(key, value);
        self.remove_parts(key, parts)
    }

    /// Stores a value at a key where there is none, or one that is not cut or that this set has removed:
    /// nothing is looked up.
    pub(crate) fn put_over_uncut(&mut self, key: &Key, value: &[u8]) {
        self.add(key, value);
    }

    /// Adds the parts of a value; returns how many follow the first.
    fn add(&mut self, key: &Key, value: &[u8]) -> u32 {
        let (first, rest) = value.split_at(value.len().min(PART_MAX_BYTES));
        let further = rest.len().div_ceil(PART_MAX_BYTES) as u32;
        for (number, part) in (0..).zip(rest.chunks(PART_MAX_BYTES)) {
            let key = Key::part(key.as_bytes(), number);
            self.frame.put(key.as_bytes(), [&[], part]);
        }
        if further == 0 {
            self.frame.put(key.as_bytes(), [&[WHOLE], first]);
        } else {
            let mut header = [CUT; CUT_HEADER_BYTES];
            header[1..].copy_from_slice(&further.to_be_bytes());
            self.frame.put(key.as_bytes(), [&header, first]);
        }
        further
    }

    /// Stores a key without a value.
    pub(crate) fn mark(&mut self, key: &Key) {
        self.frame.put(key.as_bytes(), [&[WHOLE], &[]]);
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Result<()> {
        self.frame.remove(key.as_bytes());
        self.remove_parts(key, 0)?;
        Ok(())
    }

    /// Removes what a scan has found, with its further parts.
    pub(crate) fn remove_entry(&mut self, entry: &Entry) {
        for number in 0..further_parts(&entry.stored) {
            self.frame.remove(Key::part(&entry.key, number).as_bytes());
        }
        self.remove_stored(entry);
    }

    /// Removes just what lies at the key of an entry, which may itself be a part.
    pub(crate) fn remove_stored(&mut self, entry: &Entry) {
        self.frame.remove(entry.key());
    }

    /// Removes the further parts of what is stored now, from number `from` on.
    fn remove_parts(&mut self, key: &Key, from: u32) -> Result<()> {
        let stored = self.values.tree.get(key.as_bytes())?;
        for number in from..stored.as_deref().map_or(0, further_parts) {
            self.frame
                .remove(Key::part(key.as_bytes(), number).as_bytes());
        }
        Ok(())
    }

    /// What is to be logged and applied, and what for.
    pub(crate) fn into_frame(self) -> (Frame, Purpose) {
        (self.frame, self.purpose)
    }
}

#[cfg(test)]
mod tests {
    use koodtx_core::id::UserId;

    use super::*;

    #[test]
    fn values_of_any_size_are_replaced_and_removed_without_leftovers() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let values = Values::new((*db).clone());
        let key = Key::user_record(UserId(1));
        let write = |work: &dyn Fn(&mut WriteSet<'_>)| {
            let mut set = WriteSet::new(&values);
            work(&mut set);
            set.into_frame().0.apply(&db).unwrap();
        };
        for bytes in [
            0,
            1,
            PART_MAX_BYTES,
            PART_MAX_BYTES + 1,
            50_000,
            3 * PART_MAX_BYTES,
            7,
            20_000,
        ] {
            let value: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
            write(&|set| set.put(&key, &value).unwrap());
            assert_eq!(values.get(&key).unwrap().as_deref(), Some(&*value));
            assert_eq!(
                db.len(),
                bytes.div_ceil(PART_MAX_BYTES).max(1),
                "{bytes} bytes"
            );
        }
        write(&|set| set.remove(&key).unwrap());
        assert_eq!((values.get(&key).unwrap(), db.len()), (None, 0));
    }

    #[test]
    fn removing_and_storing_a_key_in_one_set_stores_it() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let values = Values::new((*db).clone());
        let key = Key::user_record(UserId(1));
        for bytes in [30_000, 100, 9_000] {
            let mut set = WriteSet::new(&values);
            set.remove(&key).unwrap();
            set.put(&key, &vec![7; bytes]).unwrap();
            set.into_frame().0.apply(&db).unwrap();
            assert_eq!(values.get(&key).unwrap(), Some(vec![7; bytes]));
            assert_eq!(db.len(), bytes.div_ceil(PART_MAX_BYTES));
        }
        for bytes in [30_000, 100, 9_000] {
            let mut set = WriteSet::new(&values);
            set.remove(&key).unwrap();
            set.put_over_uncut(&key, &vec![8; bytes]);
            set.into_frame().0.apply(&db).unwrap();
            assert_eq!(values.get(&key).unwrap(), Some(vec![8; bytes]));
            assert_eq!(db.len(), bytes.div_ceil(PART_MAX_BYTES));
        }
    }
}
