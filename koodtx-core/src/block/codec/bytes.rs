//! Reading and writing of bytes, with every length checked before it is trusted.

use super::BlockError;

/// Most bytes of an encoded 64-bit varint.
const VARINT_MAX_BYTES: usize = 10;

/// Appends an unsigned LEB128 varint.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a zigzag varint: short where the magnitude is small.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// Appends a length and the bytes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Interleaves the signed numbers with the unsigned: 0, -1, 1, -2, …
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Undoes [`zigzag`].
pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// The rest of an encoded block, and the memory that decoding it may still take.
///
/// A few bytes can stand for many equal values, so the length of the input bounds nothing: whoever
/// is about to allocate asks [`reserve`](Self::reserve) first.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    allowance_bytes: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], allowance_bytes: usize) -> Self {
        Self {
            rest: bytes,
            allowance_bytes,
        }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes `count` values of `value_bytes` each out of the allowance.
    pub fn reserve(&mut self, count: usize, value_bytes: usize) -> Result<(), BlockError> {
        self.allowance_bytes = count
            .checked_mul(value_bytes)
            .and_then(|bytes| self.allowance_bytes.checked_sub(bytes))
            .ok_or(BlockError::Invalid(
                "it would decode to more memory than a block may take",
            ))?;
        Ok(())
    }

    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], BlockError> {
        let (head, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(BlockError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    pub fn byte(&mut self) -> Result<u8, BlockError> {
        let (&head, rest) = self.rest.split_first().ok_or(BlockError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    pub fn varint(&mut self) -> Result<u64, BlockError> {
        let mut value = 0;
        for place in 0..VARINT_MAX_BYTES {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shift = 7 * place as u32;
            if bits.leading_zeros() < shift {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BlockError::Invalid("a varint does not fit 64 bits"))
    }

    pub fn signed(&mut self) -> Result<i64, BlockError> {
        self.varint().map(unzigzag)
    }

    /// A count or length of at most `max`.
    pub fn length(&mut self, max: usize) -> Result<usize, BlockError> {
        usize::try_from(self.varint()?)
            .ok()
            .filter(|&length| length <= max)
            .ok_or(BlockError::Invalid(
                "a length is larger than what it measures",
            ))
    }

    pub fn text(&mut self) -> Result<&'a str, BlockError> {
        let len = self.length(self.rest.len())?;
        text(self.bytes(len)?)
    }
}

/// Bytes that must be UTF-8.
pub(super) fn text(bytes: &[u8]) -> Result<&str, BlockError> {
    std::str::from_utf8(bytes).map_err(|_| BlockError::Invalid("a text is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_come_back() {
        for shift in 0..64 {
            for value in [1_u64 << shift, (1_u64 << shift) - 1, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                put_signed(&mut out, value as i64);
                let mut reader = Reader::new(&out, 0);
                assert_eq!(reader.varint(), Ok(value));
                assert_eq!(reader.signed(), Ok(value as i64));
                assert_eq!(reader.rest(), b"");
            }
        }
    }

    #[test]
    fn a_varint_beyond_64_bits_is_refused() {
        let too_large = [[0xff; 9].as_slice(), &[0x02]].concat();
        let too_long = [0x80; 11];
        for bytes in [too_large.as_slice(), &too_long] {
            assert!(matches!(
                Reader::new(bytes, 0).varint(),
                Err(BlockError::Invalid(_))
            ));
        }
        assert_eq!(Reader::new(&[0x80], 0).varint(), Err(BlockError::Truncated));
    }

    #[test]
    fn the_allowance_is_spent_once() {
        let mut reader = Reader::new(&[], 100);
        assert_eq!(reader.reserve(10, 8), Ok(()));
        assert!(reader.reserve(3, 8).is_err());
        assert!(reader.reserve(usize::MAX, 8).is_err());
        assert_eq!(reader.reserve(20, 1), Ok(()));
    }
}
