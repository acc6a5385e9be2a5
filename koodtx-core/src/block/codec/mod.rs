//! The byte form of a [`Block`]: versioned, checksummed, and safe to read whatever the bytes are.
//!
//! ```text
//! version      1 byte
//! header       count, first time, last time, latest change: all of BlockMeta, as varints
//! digest       0, or 1 and 16 bytes: that of BlockSummary; absent in version 1
//! times        unit (0: microseconds, 1: milliseconds), list of integers, from the first time
//! changed      runs of equal values: distance from the latest change, length
//! stamps       0, or 1 and as the times
//! numbers      how many columns; each: name, rows, list of numbers
//! texts        how many columns; each: name, rows, list of texts
//! whole rows   0, or 1, rows, list of texts
//! checksum     CRC-32 of all that stands before it, 4 bytes, little-endian
//! ```
//!
//! Version and checksum stand at the same places in every version, so that a damaged version byte
//! is told from a newer version. [`integers`], [`numbers`] and [`texts`] say what
//! their lists look like. The checksum guards against accidents only: lengths are checked against what they measure,
//! memory is taken out of a fixed allowance, and everything that a [`Block`] promises is checked
//! before one is handed out.

mod bits;
mod bytes;
mod columns;
mod header;
mod integers;
mod numbers;
mod pco_chunk;
#[cfg(test)]
mod tests;
mod texts;

use super::{Block, BlockDigest, BlockMeta, BlockSummary};
use crate::time::MICROS_PER_MILLI;
use bytes::{Reader, put_varint};
use columns::{columns_bytes, read_columns, write_columns};
use header::{read_digest, read_header, write_digest, write_header};
use integers::{Plan, read_integers};

/// The version that is written. Every version up to it is read.
const VERSION: u8 = 2;
/// The version whose blocks have no digest.
const VERSION_WITHOUT_DIGEST: u8 = 1;
/// The version and the checksum.
const FRAME_BYTES: usize = 1 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 4;

/// Most memory that a decoded block may take, a thousand times that of the blocks that
/// [`merge_series`](super::merge_series) makes.
const DECODED_MAX_BYTES: usize = 16 * 1024 * 1024;
/// About what an encoded block of motion readings takes, beside what each record adds: memory for so much is taken at
/// once.
const ENCODED_BLOCK_BYTES: usize = 256;
const ENCODED_RECORD_BYTES: usize = 8;
/// Memory of a time, of a `changed`, or of a stamp.
const TIME_BYTES: usize = size_of::<i64>();

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The bytes end too early.
    #[error("the block is cut short: restore it from a backup or from a device that has the data")]
    Truncated,
    /// The bytes are not the ones that were written.
    #[error(
        "the block does not match its checksum: restore it from a backup or from a device that \
         has the data"
    )]
    Checksum,
    /// The block is whole, but of a version that this release does not know.
    #[error("the block has format version {0}, this release reads up to {VERSION}: upgrade KooDTX")]
    NewerVersion(u8),
    /// The checksum matches, yet the contents make no sense: not written by this crate.
    #[error("the block is malformed, though its checksum matches: {0}")]
    Invalid(&'static str),
}

/// Reads what can be said of an encoded block without decoding it.
///
/// The checksum is verified, so what comes back is what was written.
///
/// # Errors
/// [`BlockError`] where the bytes are damaged, of a newer version, or no block.
pub fn read_meta(bytes: &[u8]) -> Result<BlockMeta, BlockError> {
    let (version, content) = unframe(bytes)?;
    Ok(read_head(&mut Reader::new(content, 0), version)?.0)
}

/// Reads what a store needs to know of an encoded block that may hold what is pushed again; `None` where it has
/// no digest: it is small, or written by an earlier version.
///
/// # Errors
/// As [`read_meta`].
pub fn read_summary(bytes: &[u8]) -> Result<Option<BlockSummary>, BlockError> {
    let (version, content) = unframe(bytes)?;
    let (meta, digest) = read_head(&mut Reader::new(content, 0), version)?;
    Ok(digest.map(|digest| BlockSummary { meta, digest }))
}

impl Block {
    /// The block as bytes, in the current version.
    ///
    /// # Panics
    /// If the block is empty, or so large that [`decode`](Self::decode) would refuse it (16 MiB in
    /// memory): either is a mistake in the code that made it, and writing it would lose the data.
    pub fn encode(&self) -> Vec<u8> {
        let meta = self.meta().expect("an empty block is never stored");
        assert!(
            decoded_bytes(self) <= DECODED_MAX_BYTES,
            "a stored block fits into memory"
        );
        let mut out = Vec::with_capacity(ENCODED_BLOCK_BYTES + self.len() * ENCODED_RECORD_BYTES);
        out.push(VERSION);
        write_header(&meta, &mut out);
        write_digest(self.digest(), &mut out);
        let first = meta.first.as_micros();
        write_times(&self.columns.times, first, &mut out);
        write_changed(&self.changed, meta.changed.as_micros(), &mut out);
        out.push(u8::from(!self.stamps.is_empty()));
        if !self.stamps.is_empty() {
            write_times(&self.stamps, first, &mut out);
        }
        write_columns(&self.columns, &mut out);
        let checksum = crc32fast::hash(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The block that [`encode`](Self::encode) made bytes of.
    ///
    /// # Errors
    /// [`BlockError`] where the bytes are damaged, of a newer version, or no block.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        decode_within(bytes, DECODED_MAX_BYTES)
    }
}

fn decode_within(bytes: &[u8], allowance_bytes: usize) -> Result<Block, BlockError> {
    let (version, content) = unframe(bytes)?;
    let mut reader = Reader::new(content, allowance_bytes);
    let (meta, _) = read_head(&mut reader, version)?;
    let count = meta.count as usize;
    let (first, last) = (meta.first.as_micros(), meta.last.as_micros());

    let times = read_times(&mut reader, count, first)?;
    if !times.is_sorted_by(|before, after| before < after) {
        return Err(BlockError::Invalid("the times are not ascending"));
    }
    if (times.first(), times.last()) != (Some(&first), Some(&last)) {
        return Err(BlockError::Invalid("the times are not those of the header"));
    }
    let changed = read_changed(&mut reader, count, meta.changed.as_micros())?;
    let stamps = match reader.byte()? {
        0 => Vec::new(),
        1 => read_times(&mut reader, count, first)?,
        _ => {
            return Err(BlockError::Invalid(
                "the stamps are neither absent nor present",
            ));
        }
    };
    let columns = read_columns(&mut reader, times)?;
    if !reader.rest().is_empty() {
        return Err(BlockError::Invalid("bytes follow behind its end"));
    }
    let mut block = Block {
        columns,
        changed,
        stamps,
    };
    block.drop_implied_stamps();
    Ok(block)
}

/// What stands before the times.
fn read_head(
    reader: &mut Reader<'_>,
    version: u8,
) -> Result<(BlockMeta, Option<BlockDigest>), BlockError> {
    let meta = read_header(reader)?;
    let digest = match version {
        VERSION_WITHOUT_DIGEST => None,
        _ => read_digest(reader)?,
    };
    Ok((meta, digest))
}

/// The version, and what stands between it and the checksum, once both are known to be good.
fn unframe(bytes: &[u8]) -> Result<(u8, &[u8]), BlockError> {
    if bytes.len() < FRAME_BYTES {
        return Err(BlockError::Truncated);
    }
    let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
    if crc32fast::hash(content).to_le_bytes() != checksum {
        return Err(BlockError::Checksum);
    }
    match content.split_first() {
        Some((&version @ VERSION_WITHOUT_DIGEST..=VERSION, body)) => Ok((version, body)),
        Some((&version, _)) if version > VERSION => Err(BlockError::NewerVersion(version)),
        _ => Err(BlockError::Invalid("there is no such version")),
    }
}

/// Appends a unit, and the distances from `first` in it.
///
/// Clients mostly send whole milliseconds; packing would not find the common factor by itself.
fn write_times(times: &[i64], first: i64, out: &mut Vec<u8>) {
    let distances = times.iter().map(|time| time.wrapping_sub(first));
    let whole_millis = distances
        .clone()
        .all(|distance| distance % MICROS_PER_MILLI == 0);
    let unit = if whole_millis { MICROS_PER_MILLI } else { 1 };
    out.push(u8::from(whole_millis));
    Plan::new(
        &distances
            .map(|distance| distance / unit)
            .collect::<Vec<_>>(),
    )
    .write(out);
}

fn read_times(reader: &mut Reader<'_>, count: usize, first: i64) -> Result<Vec<i64>, BlockError> {
    reader.reserve(count, TIME_BYTES)?;
    let unit = match reader.byte()? {
        0 => 1,
        1 => MICROS_PER_MILLI,
        _ => return Err(BlockError::Invalid("the unit of times is unknown")),
    };
    let mut times = read_integers(reader, count)?;
    for time in &mut times {
        *time = time.wrapping_mul(unit).wrapping_add(first);
    }
    Ok(times)
}

fn write_changed(changed: &[i64], latest: i64, out: &mut Vec<u8>) {
    for run in changed.chunk_by(|before, after| before == after) {
        put_varint(out, latest.wrapping_sub(run[0]) as u64);
        put_varint(out, run.len() as u64);
    }
}

fn read_changed(
    reader: &mut Reader<'_>,
    count: usize,
    latest: i64,
) -> Result<Vec<i64>, BlockError> {
    reader.reserve(count, TIME_BYTES)?;
    let mut changed = Vec::with_capacity(count);
    let mut nearest = u64::MAX;
    while changed.len() < count {
        let distance = reader.varint()?;
        let value = latest
            .checked_sub_unsigned(distance)
            .ok_or(BlockError::Invalid("a change lies too far back"))?;
        let run = reader.length(count - changed.len())?;
        if run == 0 {
            return Err(BlockError::Invalid("a run of changes is empty"));
        }
        changed.resize(changed.len() + run, value);
        nearest = nearest.min(distance);
    }
    if nearest == 0 {
        Ok(changed)
    } else {
        Err(BlockError::Invalid(
            "no change is the latest that the header names",
        ))
    }
}

/// The memory that decoding the block reserves.
fn decoded_bytes(block: &Block) -> usize {
    let lists = block.columns.times.len() + block.changed.len() + block.stamps.len();
    lists * TIME_BYTES + columns_bytes(&block.columns)
}
