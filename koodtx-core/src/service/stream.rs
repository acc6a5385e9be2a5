//! A pull as JSON text in large pieces.

use super::{Pull, PullEvent};
use crate::pull::{ChunkWriter, write_session, write_tail};
use crate::store::StoreError;

/// A piece of the text is handed out once it is this long, in bytes.
const CHUNK_TARGET_BYTES: usize = 64 * 1024;

/// The answer to a pull, as JSON text in pieces: memory does not grow with the answer.
#[derive(Debug)]
pub struct PullStream {
    pull: Pull,
    buffer: String,
    /// Records that are read and not yet written.
    records: Option<ChunkWriter>,
    /// Whether no session was written yet, and no record of the session.
    first_session: bool,
    first_record: bool,
}

impl PullStream {
    pub(super) fn new(pull: Pull) -> Self {
        let buffer = String::from("{\"sessions\":[");
        Self {
            pull,
            buffer,
            records: None,
            first_session: true,
            first_record: true,
        }
    }

    /// The next piece of the text; `None` behind the end. The sync log entry is written before the
    /// last piece is handed out.
    ///
    /// # Errors
    /// When the store fails: what was handed out is no whole answer, and the caller has to cut the
    /// connection rather than end the text.
    pub async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        while self.buffer.len() < CHUNK_TARGET_BYTES {
            if let Some(records) = &mut self.records {
                if records.write(&mut self.buffer, &mut self.first_record, CHUNK_TARGET_BYTES) {
                    self.records = None;
                }
                continue;
            }
            let Some(event) = self.pull.next().await? else {
                break;
            };
            match event {
                PullEvent::Session { state, continues } => {
                    if !std::mem::take(&mut self.first_session) {
                        self.buffer.push(',');
                    }
                    self.first_record = true;
                    write_session(&mut self.buffer, &state, continues);
                }
                PullEvent::Records(chunk) => self.records = Some(ChunkWriter::new(chunk)),
                PullEvent::SessionEnd => self.buffer.push_str("]}"),
                PullEvent::End(summary, log_id) => write_tail(&mut self.buffer, &summary, log_id),
            }
        }
        let chunk = std::mem::take(&mut self.buffer);
        Ok((!chunk.is_empty()).then(|| chunk.into_bytes()))
    }

    /// Logs that the answer did not reach its end, as when the client went away.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn abort(self, error: &str) -> Result<(), StoreError> {
        self.pull.abort(error).await
    }
}
