//! NDJSON: a record a line.

use koodtx_core::json::RecordText;
use koodtx_core::pull::{MergedRows, RecordChunk, SeriesWriter};

use super::ExportError;
use super::encoder::Encoder;

/// The records of a chunk, each as in a pull and with a line feed. `opening` stands in place of the brace
/// that its object begins with, and may bring members of its own.
pub(super) fn record_lines(chunk: &RecordChunk, opening: &str) -> String {
    let mut out = RecordText::default();
    let mut writers: Vec<_> = chunk
        .series
        .iter()
        .map(|(sensor_type, block)| SeriesWriter::new(opening, sensor_type, block, 0))
        .collect();
    let blocks = chunk.series.iter().map(|(_, block)| block);
    for (series, row) in MergedRows::new(blocks, &vec![0; chunk.series.len()]) {
        writers[series].write(&mut out, row);
        out.push_str("\n");
    }
    out.into()
}

/// Writes each record as a pull does, and a line feed.
#[derive(Debug)]
pub(super) struct NdjsonEncoder;

impl Encoder for NdjsonEncoder {
    fn records(&mut self, chunk: &RecordChunk) -> Result<Vec<u8>, ExportError> {
        Ok(record_lines(chunk, "{").into_bytes())
    }

    fn end(&mut self) -> Result<Vec<u8>, ExportError> {
        Ok(Vec::new())
    }
}
