//! A ZIP file that is written as a stream.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::super::ExportError;

/// Fast: numbers as text halve at any level, and little more at the highest.
const COMPRESSION_LEVEL: i64 = 1;

/// What was written and not taken yet.
#[derive(Clone, Debug, Default)]
struct Pieces(Arc<Mutex<Vec<u8>>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A ZIP file in progress. Keeps the names of its members until the end, and of their content some
/// hundred KiB.
pub(super) struct Archive {
    /// Boxed, since it is large and moves from thread to thread.
    zip: Box<ZipWriter<StreamWriter<Pieces>>>,
    pieces: Pieces,
    /// Bytes of the member that is being written, before compression.
    member_bytes: u64,
}

impl Archive {
    pub(super) fn new() -> Self {
        let pieces = Pieces::default();
        Self {
            zip: Box::new(ZipWriter::new_stream(pieces.clone())),
            pieces,
            member_bytes: 0,
        }
    }

    /// Begins a member, and ends the one before.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), ExportError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(COMPRESSION_LEVEL))
            // How long it gets is not known, and has to be said before.
            .large_file(true);
        self.member_bytes = 0;
        Ok(self.zip.start_file(name, options)?)
    }

    /// Appends to the member begun last.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.zip
            .write_all(bytes)
            .map_err(zip::result::ZipError::from)?;
        self.member_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Bytes of the member begun last, before compression.
    pub(super) fn member_bytes(&self) -> u64 {
        self.member_bytes
    }

    /// What is complete of the file and was not taken yet, if that is `least` bytes or more.
    pub(super) fn take(&self, least: usize) -> Vec<u8> {
        let mut pieces = self.pieces.0.lock();
        if pieces.len() < least {
            return Vec::new();
        }
        std::mem::take(&mut pieces)
    }

    /// Ends the file; returns the rest of it. One that is dropped instead ends too, where nobody sees it.
    pub(super) fn finish(self) -> Result<Vec<u8>, ExportError> {
        let Self { zip, pieces, .. } = self;
        zip.finish()?;
        Ok(std::mem::take(&mut *pieces.0.lock()))
    }
}
