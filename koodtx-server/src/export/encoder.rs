//! What the formats have in common.

use koodtx_core::pull::RecordChunk;

use super::ExportError;

/// Makes a file out of the chunks of a session. Works without waiting, for up to some hundred
/// milliseconds at a time.
pub(super) trait Encoder: Send {
    /// Takes in a chunk; returns what of the file is complete, which may be nothing yet.
    fn records(&mut self, chunk: &RecordChunk) -> Result<Vec<u8>, ExportError>;

    /// Returns the rest of the file. Called once, after all chunks.
    fn end(&mut self) -> Result<Vec<u8>, ExportError>;
}
