//! Integers packed at a fixed width: the quick form for lists too short for a model.
//!
//! Groups of [`GROUP_COUNT`] values; each group is its width in bits (one byte), then the zigzag
//! values, least bit first, up to the next whole byte. A value that sticks out widens its own group
//! only.

use super::BlockError;
use super::bytes::{Reader, unzigzag, zigzag};

const GROUP_COUNT: usize = 32;
const WORD_BYTES: usize = size_of::<u64>();

/// How many bytes [`write_bits`] will append.
pub(super) fn bits_bytes(values: &[i64]) -> usize {
    values
        .chunks(GROUP_COUNT)
        .map(|group| 1 + group_bytes(group.len(), width(group)))
        .sum()
}

pub(super) fn write_bits(values: &[i64], out: &mut Vec<u8>) {
    for group in values.chunks(GROUP_COUNT) {
        let width = width(group);
        out.push(width as u8);
        let mut packed = [0; GROUP_COUNT * WORD_BYTES];
        let (mut pending, mut pending_bits, mut at) = (0, 0, 0);
        for &value in group {
            let value = zigzag(value);
            pending |= value << pending_bits;
            pending_bits += width;
            if pending_bits >= u64::BITS {
                packed[at..at + WORD_BYTES].copy_from_slice(&pending.to_le_bytes());
                at += WORD_BYTES;
                pending_bits -= u64::BITS;
                // What did not fit: nothing, where the value ended with the word.
                pending = value.checked_shr(width - pending_bits).unwrap_or(0);
            }
        }
        if pending_bits > 0 {
            packed[at..at + WORD_BYTES].copy_from_slice(&pending.to_le_bytes());
        }
        out.extend_from_slice(&packed[..group_bytes(group.len(), width)]);
    }
}

/// Appends `len` integers to `values`. The caller has reserved the memory for them.
pub(super) fn read_bits(
    reader: &mut Reader<'_>,
    len: usize,
    values: &mut Vec<i64>,
) -> Result<(), BlockError> {
    let mut left = len;
    while left > 0 {
        let count = left.min(GROUP_COUNT);
        let width = u32::from(reader.byte()?);
        if width > u64::BITS {
            return Err(BlockError::Invalid(
                "a packed integer is wider than 64 bits",
            ));
        }
        let mask = u64::MAX.checked_shr(u64::BITS - width).unwrap_or(0);
        let mut words = reader.bytes(group_bytes(count, width))?.chunks(WORD_BYTES);
        let (mut pending, mut pending_bits) = (0_u128, 0);
        for _ in 0..count {
            if pending_bits < width {
                let mut word = [0; WORD_BYTES];
                let bytes = words.next().unwrap_or_default();
                word[..bytes.len()].copy_from_slice(bytes);
                pending |= u128::from(u64::from_le_bytes(word)) << pending_bits;
                pending_bits += u64::BITS;
            }
            values.push(unzigzag(pending as u64 & mask));
            pending >>= width;
            pending_bits -= width;
        }
        left -= count;
    }
    Ok(())
}

/// Bits of the widest value.
fn width(group: &[i64]) -> u32 {
    u64::BITS
        - group
            .iter()
            .fold(0, |all, &value| all | zigzag(value))
            .leading_zeros()
}

fn group_bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_length_comes_back() {
        for width in 0..=64 {
            for len in [1, 2, 31, 32, 33, 100] {
                let values: Vec<i64> = (1..=len as u64)
                    .map(|index| index.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                    .map(|wide| unzigzag(wide.checked_shr(64 - width).unwrap_or(0)))
                    .collect();
                let mut out = Vec::new();
                write_bits(&values, &mut out);
                assert_eq!(out.len(), bits_bytes(&values));
                let mut reader = Reader::new(&out, 0);
                let mut decoded = Vec::new();
                assert_eq!(read_bits(&mut reader, len, &mut decoded), Ok(()));
                assert_eq!(decoded, values);
                assert_eq!(reader.rest(), b"");
            }
        }
    }

    #[test]
    fn a_width_beyond_64_bits_and_a_missing_byte_are_refused() {
        let mut values = Vec::new();
        let refused = read_bits(&mut Reader::new(&[65; 200], 0), 1, &mut values);
        assert!(matches!(refused, Err(BlockError::Invalid(_))));
        let refused = read_bits(&mut Reader::new(&[4, 0], 0), 3, &mut values);
        assert_eq!(refused, Err(BlockError::Truncated));
    }
}
