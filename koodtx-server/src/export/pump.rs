//! The steps of an export: reading without blocking, encoding where blocking is allowed.

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::csv::CsvEncoder;
use super::encoder::Encoder;
use super::layout::{Layout, LayoutBuilder};
use super::ndjson::NdjsonEncoder;
use super::parquet::ParquetEncoder;
use super::records::Records;
use super::{ExportError, ExportFormat};

/// An export in progress. Holds one chunk of records, or one row group, at a time.
pub(super) struct Pump {
    records: Records,
    step: Step,
}

/// What comes next.
enum Step {
    Begin(ExportFormat),
    Records(Box<dyn Encoder>),
    Done,
}

impl Pump {
    /// An export of all records.
    pub(super) fn new(records: Records, format: ExportFormat) -> Self {
        Self {
            records,
            step: Step::Begin(format),
        }
    }

    /// The next piece of the file, never empty; `None` behind the end, and after an error.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        loop {
            let encoder = match std::mem::replace(&mut self.step, Step::Done) {
                Step::Begin(format) => self.encoder(format).await?,
                Step::Records(encoder) => encoder,
                Step::Done => return Ok(None),
            };
            let piece = self.piece(encoder).await?;
            if !piece.is_empty() {
                return Ok(Some(piece.into()));
            }
        }
    }

    /// Puts the next chunk through the encoder, or ends the file.
    async fn piece(&mut self, mut encoder: Box<dyn Encoder>) -> Result<Vec<u8>, ExportError> {
        let Some(chunk) = self.records.next().await? else {
            return blocking(move || encoder.end()).await;
        };
        let encode = move || {
            let piece = encoder.records(&chunk)?;
            Ok((encoder, piece))
        };
        let (encoder, piece) = blocking(encode).await?;
        self.step = Step::Records(encoder);
        Ok(piece)
    }

    /// The encoder of a format. Tables need to know their columns first.
    async fn encoder(&mut self, format: ExportFormat) -> Result<Box<dyn Encoder>, ExportError> {
        Ok(match format {
            ExportFormat::Ndjson => Box::new(NdjsonEncoder),
            ExportFormat::Csv => Box::new(CsvEncoder::new(self.layout().await?)),
            ExportFormat::Parquet => Box::new(ParquetEncoder::new(self.layout().await?)?),
        })
    }

    /// Reads all records once for the names of their fields, and goes back to the first.
    ///
    /// A field that is pushed after this has no column; its values then stand in `data`.
    async fn layout(&mut self) -> Result<Layout, ExportError> {
        let mut builder = LayoutBuilder::default();
        while let Some(chunk) = self.records.next().await? {
            builder.add(&chunk);
        }
        self.records.rewind();
        Ok(builder.finish())
    }
}

/// Does work that takes long where it holds up no other task.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(ExportError::Stopped),
        },
    }
}
