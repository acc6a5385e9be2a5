//! Writing a backup file.

use std::io::{self, Write};

use koodtx_core::id::UserId;
use koodtx_core::store::TransferItem;

use super::frame::{self, FRAME_MAX_BYTES, FrameKind, MAGIC, VERSION};
use super::{ArchiveHeader, Totals, item};

/// A frame is written when its items have so many bytes.
const FRAME_FULL_BYTES: usize = FRAME_MAX_BYTES / 4;
/// What is compressed is compressed already, for the most part: more effort finds little.
const COMPRESSION_LEVEL: i32 = 3;

/// Writes a backup, item by item. Keeps one frame in memory.
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    out: W,
    frames: u32,
    items: Vec<u8>,
    totals: Totals,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins a backup.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W, header: &ArchiveHeader) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        let mut writer = Self {
            out,
            frames: 0,
            items: Vec::new(),
            totals: Totals::default(),
        };
        writer.frame(FrameKind::Header, &serde_json::to_vec(header)?)?;
        Ok(writer)
    }

    /// Begins a user, whose items follow.
    ///
    /// # Errors
    /// What the output says.
    pub fn user(&mut self, user: UserId) -> io::Result<()> {
        self.totals.users += 1;
        item::put_user(&mut self.items, user);
        self.flush_if_full()
    }

    /// Appends an item of the user begun last.
    ///
    /// # Errors
    /// What the output says.
    pub fn item(&mut self, item: &TransferItem) -> io::Result<()> {
        self.totals.count(item);
        item::put_item(&mut self.items, item)?;
        self.flush_if_full()
    }

    /// What was written so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Ends the backup; returns the output, which may still hold bytes in buffers of its own.
    ///
    /// # Errors
    /// What the output says.
    pub fn finish(mut self) -> io::Result<(W, Totals)> {
        self.flush_items()?;
        let end = serde_json::to_vec(&self.totals)?;
        self.frame(FrameKind::End, &end)?;
        Ok((self.out, self.totals))
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.items.len() < FRAME_FULL_BYTES {
            return Ok(());
        }
        self.flush_items()
    }

    fn flush_items(&mut self) -> io::Result<()> {
        if self.items.is_empty() {
            return Ok(());
        }
        let body = zstd::bulk::compress(&self.items, COMPRESSION_LEVEL)?;
        self.items.clear();
        self.frame(FrameKind::Items, &body)
    }

    fn frame(&mut self, kind: FrameKind, body: &[u8]) -> io::Result<()> {
        frame::write(&mut self.out, self.frames, kind, body)?;
        self.frames += 1;
        Ok(())
    }
}
