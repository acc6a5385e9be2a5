//! A pull as JSON text in large pieces.

use super::{Pull, PullEvent};
use crate::json::append;
use crate::pull::{ChunkWriter, GroupWriter, RecordChunk, write_session, write_tail};
use crate::push::{COLUMNS, RECORDS};
use crate::store::StoreError;

/// A piece of the text is handed out once it is this long, in bytes.
const PIECE_TARGET_BYTES: usize = 256 * 1024;

/// The answer to a pull, as JSON text in pieces: memory does not grow with the answer.
#[derive(Debug)]
pub struct PullStream {
    pull: Pull,
    writer: PullWriter,
}

/// Writes the events of a pull as JSON text.
#[derive(Debug)]
pub struct PullWriter {
    /// UTF-8.
    buffer: Vec<u8>,
    layout: Layout,
    /// Records that came and are not yet written.
    records: Option<Records>,
    /// Whether no session was written yet, and no record of the session.
    first_session: bool,
    first_record: bool,
    has_end: bool,
}

/// How records are written.
#[derive(Clone, Copy, Debug)]
enum Layout {
    OneByOne,
    InColumns,
}

/// Records of either layout.
#[derive(Debug)]
enum Records {
    OneByOne(ChunkWriter),
    InColumns(GroupWriter),
}

impl Records {
    fn new(chunk: RecordChunk, layout: Layout) -> Self {
        match layout {
            Layout::OneByOne => Self::OneByOne(ChunkWriter::new(chunk)),
            Layout::InColumns => Self::InColumns(GroupWriter::new(chunk)),
        }
    }

    fn write(&mut self, out: &mut Vec<u8>, first: &mut bool) -> bool {
        match self {
            Self::OneByOne(records) => records.write(out, first, PIECE_TARGET_BYTES),
            Self::InColumns(groups) => {
                let room_bytes = PIECE_TARGET_BYTES.saturating_sub(out.len());
                let mut text = String::new();
                let is_whole = groups.write(&mut text, first, room_bytes);
                append(text.into_bytes(), out);
                is_whole
            }
        }
    }
}

impl PullStream {
    pub(super) fn new(pull: Pull) -> Self {
        Self {
            pull,
            writer: PullWriter {
                buffer: b"{\"sessions\":[".to_vec(),
                layout: Layout::OneByOne,
                records: None,
                first_session: true,
                first_record: true,
                has_end: false,
            },
        }
    }

    /// The answer in the columnar form, if nothing of it was handed out yet.
    #[must_use]
    pub fn in_columns(mut self) -> Self {
        self.writer.layout = Layout::InColumns;
        self
    }

    /// The next piece of the text; `None` behind the end. The sync log entry is written before the
    /// last piece is handed out.
    ///
    /// # Errors
    /// When the store fails: what was handed out is no whole answer, and the caller has to cut the
    /// connection rather than end the text.
    pub async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        loop {
            if let Some(piece) = self.writer.piece() {
                return Ok(Some(piece));
            }
            match self.pull.next().await? {
                Some(event) => self.writer.push(event),
                None => return Ok(None),
            }
        }
    }

    /// Takes it apart into what reads and what writes, to run them at the same time. Before each
    /// [`push`](PullWriter::push), call [`piece`](PullWriter::piece) until it returns `None`.
    pub fn into_parts(self) -> (Pull, PullWriter) {
        (self.pull, self.writer)
    }

    /// Whether the last piece was handed out.
    pub fn is_at_end(&self) -> bool {
        self.writer.is_at_end()
    }

    /// Logs that the answer did not reach its end, as when the client went away.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn abort(self, error: &str) -> Result<(), StoreError> {
        self.pull.abort(error).await
    }
}

impl PullWriter {
    /// Takes the next event, when [`piece`](Self::piece) has no more of the one before.
    ///
    /// # Panics
    /// If it has: what is left of the one before would be lost.
    pub fn push(&mut self, event: PullEvent) {
        assert!(self.records.is_none(), "the event before is written");
        match event {
            PullEvent::Session { state, continues } => {
                let mut text = String::new();
                if !std::mem::take(&mut self.first_session) {
                    text.push(',');
                }
                self.first_record = true;
                let records = match self.layout {
                    Layout::OneByOne => RECORDS,
                    Layout::InColumns => COLUMNS,
                };
                write_session(&mut text, &state, continues, records);
                self.buffer.extend_from_slice(text.as_bytes());
            }
            PullEvent::Records(chunk) => {
                self.records = Some(Records::new(chunk, self.layout));
            }
            PullEvent::SessionEnd => self.buffer.extend_from_slice(b"]}"),
            PullEvent::End(summary, log_id) => {
                let mut text = String::new();
                write_tail(&mut text, &summary, log_id);
                self.buffer.extend_from_slice(text.as_bytes());
                self.has_end = true;
            }
        }
    }

    /// The next piece of the text, as soon as it is long enough or the last one.
    pub fn piece(&mut self) -> Option<Vec<u8>> {
        if let Some(records) = &mut self.records
            && self.buffer.len() < PIECE_TARGET_BYTES
            && records.write(&mut self.buffer, &mut self.first_record)
        {
            self.records = None;
        }
        let is_due = self.buffer.len() >= PIECE_TARGET_BYTES || self.has_end;
        let piece = is_due.then(|| std::mem::take(&mut self.buffer));
        piece.filter(|piece| !piece.is_empty())
    }

    /// Whether the last piece was handed out.
    pub fn is_at_end(&self) -> bool {
        self.has_end && self.buffer.is_empty()
    }
}
