//! A pull as JSON text in large pieces.

use super::{Pull, PullEvent};
use crate::pull::{ChunkWriter, GroupWriter, RecordChunk, write_session, write_tail};
use crate::push::{COLUMNS, RECORDS};
use crate::store::StoreError;

/// A piece of the text is handed out once it is this long, in bytes.
const CHUNK_TARGET_BYTES: usize = 64 * 1024;

/// The answer to a pull, as JSON text in pieces: memory does not grow with the answer.
#[derive(Debug)]
pub struct PullStream {
    pull: Pull,
    buffer: String,
    /// Whether records are written in columns.
    in_columns: bool,
    /// Records that are read and not yet written.
    records: Option<Records>,
    /// Whether no session was written yet, and no record of the session.
    first_session: bool,
    first_record: bool,
}

/// Records of either form.
#[derive(Debug)]
enum Records {
    OneByOne(ChunkWriter),
    InColumns(GroupWriter),
}

impl Records {
    fn new(chunk: RecordChunk, in_columns: bool) -> Self {
        if in_columns {
            Self::InColumns(GroupWriter::new(chunk))
        } else {
            Self::OneByOne(ChunkWriter::new(chunk))
        }
    }

    fn write(&mut self, out: &mut String, first: &mut bool) -> bool {
        match self {
            Self::OneByOne(records) => records.write(out, first, CHUNK_TARGET_BYTES),
            Self::InColumns(groups) => groups.write(out, first, CHUNK_TARGET_BYTES),
        }
    }
}

impl PullStream {
    pub(super) fn new(pull: Pull) -> Self {
        let buffer = String::from("{\"sessions\":[");
        Self {
            pull,
            buffer,
            in_columns: false,
            records: None,
            first_session: true,
            first_record: true,
        }
    }

    /// The answer in the columnar form, if nothing of it was handed out yet.
    #[must_use]
    pub fn in_columns(mut self) -> Self {
        self.in_columns = true;
        self
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
                if records.write(&mut self.buffer, &mut self.first_record) {
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
                    let records = if self.in_columns { COLUMNS } else { RECORDS };
                    write_session(&mut self.buffer, &state, continues, records);
                }
                PullEvent::Records(chunk) => {
                    self.records = Some(Records::new(chunk, self.in_columns));
                }
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
