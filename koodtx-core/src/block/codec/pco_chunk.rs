//! Lists of integers modelled by the crate `pco`, which finds ranges that are frequent.

use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec};

use super::BlockError;
use super::bytes::Reader;

/// `pco` searches harder at higher levels: twice this takes twice the time and gains less than 1 %
/// on motion, 5 % on GPS tracks.
const LEVEL: usize = 4;
/// What `pco` would write as the header of a file. It is the same for all blocks of a codec
/// version, so blocks do not repeat it.
const FORMAT: [u8; 2] = [4, 1];
/// First byte of a chunk in classic mode without delta. Nothing else is read: other modes have
/// tables and windows whose sizes the input dictates.
const PLAIN: u8 = 0;
/// About what a chunk needs for its own description.
const DESCRIPTION_BYTES: usize = 12;
/// Values of which each byte tells how wide they are.
const WIDTHS_PER_BYTE: usize = 4;

/// About how many bytes a chunk of `len` values of `bits` bits together takes, measured over sensor
/// data of many kinds.
pub(super) fn pco_bytes(len: usize, bits: usize) -> usize {
    DESCRIPTION_BYTES + len / WIDTHS_PER_BYTE + bits / 8
}

/// Appends a chunk and returns its length in bytes; `None` where `pco` would not make one that
/// [`read_pco`] takes.
pub(super) fn write_pco<T: Number>(values: &[T], out: &mut Vec<u8>) -> Option<usize> {
    // The automatic modes try out every model on every list: 17 to 90 times slower.
    let config = ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_mode_spec(ModeSpec::Classic)
        .with_delta_spec(DeltaSpec::NoOp);
    let mut chunk = FileCompressor::default()
        .chunk_compressor(values, &config)
        .ok()?;
    let start = out.len();
    chunk.write_meta(&mut *out).ok()?;
    chunk.write_page(0, &mut *out).ok()?;
    let written = out.get(start..)?;
    (written.first() == Some(&PLAIN)).then_some(written.len())
}

/// Reads a chunk of `len` values. The caller has reserved the memory for them.
pub(super) fn read_pco<T: Number + Default>(
    reader: &mut Reader<'_>,
    len: usize,
) -> Result<Vec<T>, BlockError> {
    const BROKEN: BlockError = BlockError::Invalid("a packed list cannot be read");
    let source = reader.rest();
    if source.first() != Some(&PLAIN) {
        return Err(BROKEN);
    }
    // `pco` fills what it is given, and so never decides how much that is.
    let mut values = vec![T::default(); len];
    let (file, _) = FileDecompressor::new(FORMAT.as_slice()).map_err(|_| BROKEN)?;
    let (mut chunk, rest) = file
        .chunk_decompressor::<T, _>(source)
        .map_err(|_| BROKEN)?;
    let mut page = chunk.page_decompressor(rest, len).map_err(|_| BROKEN)?;
    let progress = page.read(&mut values).map_err(|_| BROKEN)?;
    if !progress.finished || progress.n_processed != len {
        return Err(BROKEN);
    }
    let consumed = source
        .len()
        .checked_sub(page.into_src().len())
        .ok_or(BROKEN)?;
    reader.bytes(consumed)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pco_format_is_the_one_that_version_1_of_the_codec_is_made_of() {
        let mut header = Vec::new();
        FileCompressor::default().write_header(&mut header).unwrap();
        assert_eq!(
            header, FORMAT,
            "raise the codec's version, and keep reading this one"
        );
    }

    #[test]
    fn a_chunk_of_another_mode_is_refused() {
        for other in 1..=u8::MAX {
            let bytes = [other, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            assert!(read_pco::<i32>(&mut Reader::new(&bytes, 0), 100).is_err());
        }
    }
}
