//! NDJSON: a record a line.

use koodtx_core::pull::{MergedRows, RecordChunk, SeriesWriter};

use super::ExportError;
use super::encoder::Encoder;

/// Writes each record as a pull does, and a line feed.
#[derive(Debug)]
pub(super) struct NdjsonEncoder;

impl Encoder for NdjsonEncoder {
    fn records(&mut self, chunk: &RecordChunk) -> Result<Vec<u8>, ExportError> {
        let mut out = String::new();
        let mut writers: Vec<_> = chunk
            .series
            .iter()
            .map(|(sensor_type, block)| SeriesWriter::new(sensor_type, block, 0))
            .collect();
        let blocks = chunk.series.iter().map(|(_, block)| block);
        for (series, row) in MergedRows::new(blocks, &vec![0; chunk.series.len()]) {
            writers[series].write(&mut out, row);
            out.push('\n');
        }
        Ok(out.into_bytes())
    }

    fn end(&mut self) -> Result<Vec<u8>, ExportError> {
        Ok(Vec::new())
    }
}
