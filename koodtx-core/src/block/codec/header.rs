//! The head of an encoded block: what [`BlockMeta`] says, and the digest.

use super::super::{BlockDigest, BlockMeta, DIGEST_BYTES};
use super::BlockError;
use super::bytes::{Reader, put_signed, put_varint};
use crate::time::Timestamp;

pub(super) fn write_header(meta: &BlockMeta, out: &mut Vec<u8>) {
    let (first, last, changed) = (
        meta.first.as_micros(),
        meta.last.as_micros(),
        meta.changed.as_micros(),
    );
    put_varint(out, meta.count.into());
    put_signed(out, first);
    put_varint(out, last.wrapping_sub(first) as u64);
    put_signed(out, changed.wrapping_sub(first));
}

/// Reads the head. That the times fit its count and range is left to whoever reads them.
pub(super) fn read_header(reader: &mut Reader<'_>) -> Result<BlockMeta, BlockError> {
    let count = u32::try_from(reader.varint()?)
        .ok()
        .filter(|&count| count > 0)
        .ok_or(BlockError::Invalid("the count of records is out of range"))?;
    let first = reader.signed()?;
    let last = first
        .checked_add_unsigned(reader.varint()?)
        .ok_or(BlockError::Invalid("the last time is out of range"))?;
    let changed = first.wrapping_add(reader.signed()?);
    Ok(BlockMeta {
        count,
        first: Timestamp::from_micros(first),
        last: Timestamp::from_micros(last),
        changed: Timestamp::from_micros(changed),
    })
}

pub(super) fn write_digest(digest: Option<BlockDigest>, out: &mut Vec<u8>) {
    out.push(u8::from(digest.is_some()));
    if let Some(BlockDigest(digest)) = digest {
        out.extend_from_slice(&digest);
    }
}

pub(super) fn read_digest(reader: &mut Reader<'_>) -> Result<Option<BlockDigest>, BlockError> {
    match reader.byte()? {
        0 => Ok(None),
        1 => {
            let digest: Option<&[u8; DIGEST_BYTES]> = reader.bytes(DIGEST_BYTES)?.first_chunk();
            Ok(digest.copied().map(BlockDigest))
        }
        _ => Err(BlockError::Invalid(
            "the digest is neither absent nor present",
        )),
    }
}
