//! Reading a backup file.

use std::io::Read;

use koodtx_core::id::UserId;
use koodtx_core::store::TransferItem;
use koodtx_core::transfer::ItemOrder;

use super::frame::{self, FRAME_MAX_BYTES, FrameKind, MAGIC, VERSION};
use super::{ArchiveError, ArchiveHeader, Totals, item};

/// A piece of a backup.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all entries are of the large kind"
)]
pub enum Entry {
    /// A user begins.
    User(UserId),
    /// An item of the user begun last.
    Item(TransferItem),
}

/// Reads a backup, item by item, and checks every frame before anything of it is used. Keeps one frame in
/// memory.
#[derive(Debug)]
pub struct ArchiveReader<R> {
    input: R,
    header: ArchiveHeader,
    /// Number of the frame that comes next.
    frames: u32,
    /// The items of the current frame, and how far they were read.
    items: Vec<u8>,
    at: usize,
    seen: Totals,
    is_at_end: bool,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads the beginning of a backup.
    ///
    /// # Errors
    /// Where it is none, a newer release's, or damaged.
    pub fn new(mut input: R) -> Result<Self, ArchiveError> {
        let mut magic = [0; MAGIC.len()];
        frame::read_exact(&mut input, &mut magic).map_err(|error| match error {
            ArchiveError::Truncated => ArchiveError::Foreign,
            other => other,
        })?;
        if magic != *MAGIC {
            return Err(ArchiveError::Foreign);
        }
        let mut version = [0; 2];
        frame::read_exact(&mut input, &mut version)?;
        let found = u16::from_le_bytes(version);
        if found > VERSION {
            return Err(ArchiveError::Newer {
                found,
                known: VERSION,
            });
        }
        if found == 0 {
            return Err(ArchiveError::Foreign);
        }
        let (kind, body) = frame::read(&mut input, 0)?;
        let header = match kind {
            FrameKind::Header => serde_json::from_slice(&body).ok(),
            _ => None,
        };
        let header = header.ok_or_else(|| damaged(0, "it is no header"))?;
        Ok(Self {
            input,
            header,
            frames: 1,
            items: Vec::new(),
            at: 0,
            seen: Totals::default(),
            is_at_end: false,
        })
    }

    /// What the backup says of itself.
    pub fn header(&self) -> &ArchiveHeader {
        &self.header
    }

    /// What was read so far; at the end what the whole backup holds.
    pub fn totals(&self) -> &Totals {
        &self.seen
    }

    /// The next piece; `None` at the end, once everything was there that the backup says it has.
    ///
    /// # Errors
    /// Where it is damaged or truncated.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        while self.at == self.items.len() {
            if self.is_at_end {
                return Ok(None);
            }
            self.read_frame()?;
        }
        let mut rest = &self.items[self.at..];
        let entry = item::take(&mut rest).map_err(|reason| self.damaged(reason))?;
        self.at = self.items.len() - rest.len();
        match &entry {
            Entry::User(_) => self.seen.users += 1,
            Entry::Item(item) => self.seen.count(item),
        }
        Ok(Some(entry))
    }

    fn read_frame(&mut self) -> Result<(), ArchiveError> {
        let (kind, body) = frame::read(&mut self.input, self.frames)?;
        self.frames += 1;
        match kind {
            FrameKind::Header => Err(self.damaged("a second header")),
            FrameKind::Items => {
                // The limit holds before anything is allocated.
                self.items = zstd::bulk::decompress(&body, FRAME_MAX_BYTES)
                    .map_err(|_| self.damaged("it cannot be decompressed"))?;
                self.at = 0;
                Ok(())
            }
            FrameKind::End => self.end(&body),
        }
    }

    fn end(&mut self, body: &[u8]) -> Result<(), ArchiveError> {
        let totals: Option<Totals> = serde_json::from_slice(body).ok();
        if totals != Some(self.seen) {
            return Err(self.damaged("the totals are not those of what was there"));
        }
        if self.input.read(&mut [0])? != 0 {
            return Err(self.damaged("something follows the end"));
        }
        self.is_at_end = true;
        Ok(())
    }

    /// The frame read last is damaged.
    fn damaged(&self, reason: impl Into<String>) -> ArchiveError {
        damaged(self.frames - 1, reason)
    }
}

fn damaged(frame: u32, reason: impl Into<String>) -> ArchiveError {
    ArchiveError::Damaged {
        frame,
        reason: reason.into(),
    }
}

/// Reads a whole backup, and checks that it can be restored: every frame, every block, the order of items,
/// and that each session has the records that it says.
///
/// # Errors
/// Where it cannot.
pub fn check<R: Read>(input: R) -> Result<(ArchiveHeader, Totals), ArchiveError> {
    let mut reader = ArchiveReader::new(input)?;
    let mut user: Option<(UserId, ItemOrder)> = None;
    loop {
        let entry = reader.next_entry()?;
        let outcome = match entry {
            Some(Entry::Item(item)) => match &mut user {
                Some((_, order)) => order.check(&item),
                None => return Err(reader.damaged("an item belongs to no user")),
            },
            Some(Entry::User(id)) => {
                if user.as_ref().is_some_and(|(last, _)| *last >= id) {
                    return Err(reader.damaged("the users are not in order"));
                }
                let before = user.replace((id, ItemOrder::new(id)));
                before.map_or(Ok(()), |(_, order)| order.end())
            }
            None => {
                let last = user.take().map_or(Ok(()), |(_, order)| order.end());
                last.map_err(|error| reader.damaged(error.message()))?;
                return Ok((reader.header, reader.seen));
            }
        };
        outcome.map_err(|error| reader.damaged(error.message()))?;
    }
}
