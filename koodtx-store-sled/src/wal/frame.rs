//! Frames of the log: one batch each.
//!
//! A frame is a header of [`HEADER_BYTES`] and the operations of the batch, one behind the other: the
//! length of the key, the length of the value (or [`REMOVED`]), the key, the value. Numbers are
//! little-endian.

use super::Generation;
use crate::error::{Failure, Result};

/// The checksum of the rest of the header, that of the operations, their length, and number and salt of
/// the generation.
pub(super) const HEADER_BYTES: usize = 4 + 4 + 4 + 8 + 8;
/// Stands for the length of the value where a key is removed.
const REMOVED: u32 = u32::MAX;

/// A batch, in the form in which it is logged.
pub(crate) struct Frame {
    /// The header, filled in when the frame is appended, and the operations.
    bytes: Vec<u8>,
    operations_count: u64,
}

/// One operation of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// Stores a value, in place of the one that may be there.
    Put {
        /// Where.
        key: &'a [u8],
        /// What.
        value: &'a [u8],
    },
    /// Removes what may be there.
    Remove {
        /// Where.
        key: &'a [u8],
    },
}

impl Frame {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
            operations_count: 0,
        }
    }

    /// A frame as it was read, whose checksums were right.
    pub(super) fn read(bytes: Vec<u8>) -> Self {
        let mut frame = Self {
            bytes,
            operations_count: 0,
        };
        frame.operations_count = frame.operations().count() as u64;
        frame
    }

    /// Adds a value, given in two parts.
    pub(crate) fn put(&mut self, key: &[u8], [head, value]: [&[u8]; 2]) {
        let (head_len, value_len) = (length(head.len()), length(value.len()));
        self.bytes
            .extend_from_slice(&length(key.len()).to_le_bytes());
        self.bytes
            .extend_from_slice(&(head_len + value_len).to_le_bytes());
        for part in [key, head, value] {
            self.bytes.extend_from_slice(part);
        }
        self.operations_count += 1;
    }

    /// Adds a removal.
    pub(crate) fn remove(&mut self, key: &[u8]) {
        self.bytes
            .extend_from_slice(&length(key.len()).to_le_bytes());
        self.bytes.extend_from_slice(&REMOVED.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.operations_count += 1;
    }

    /// How many operations were added.
    pub(crate) fn operations_count(&self) -> u64 {
        self.operations_count
    }

    /// How many bytes it takes in the log.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The operations, in the order in which they were added.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Result<Operation<'_>>> {
        let mut bytes = &self.bytes[HEADER_BYTES..];
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let next = next(&mut bytes);
            if next.is_none() {
                bytes = &[];
            }
            Some(next.ok_or_else(|| Failure::corrupt("a frame of the log ends amid an operation")))
        })
    }

    /// Does to a tree what the batch says, one operation after another.
    pub(crate) fn apply(&self, tree: &sled::Tree) -> Result<()> {
        for operation in self.operations() {
            match operation? {
                Operation::Put { key, value } => tree.insert(key, value)?,
                Operation::Remove { key } => tree.remove(key)?,
            };
        }
        Ok(())
    }

    /// Computes the checksum of the operations, which [`Self::sealed`] needs.
    pub(crate) fn checksum(&self) -> u32 {
        crc32fast::hash(&self.bytes[HEADER_BYTES..])
    }

    /// The frame as it is written in a generation of the log, given its [`Self::checksum`].
    pub(super) fn sealed(&mut self, generation: Generation, checksum: u32) -> &[u8] {
        let length = length(self.bytes.len() - HEADER_BYTES);
        let header = FrameHeader {
            checksum,
            length,
            generation,
        };
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
        &self.bytes
    }
}

/// What a frame begins with.
#[derive(Clone, Copy)]
pub(super) struct FrameHeader {
    /// Checksum of the operations.
    pub(super) checksum: u32,
    /// Length of the operations, in bytes.
    pub(super) length: u32,
    pub(super) generation: Generation,
}

impl FrameHeader {
    fn encode(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[4..8].copy_from_slice(&self.checksum.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.generation.number.to_le_bytes());
        bytes[20..].copy_from_slice(&self.generation.salt.to_le_bytes());
        let own = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// `None` where the bytes are no header.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let wide = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let header = Self {
            checksum: word(4)?,
            length: word(8)?,
            generation: Generation {
                number: wide(12)?,
                salt: wide(20)?,
            },
        };
        (header.encode() == bytes).then_some(header)
    }
}

/// The length of a part of a batch, which memory and the limits of a push keep far below 4 GiB.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes)
        .ok()
        .filter(|&length| length < REMOVED / 2)
        .expect("a batch of less than 2 GiB")
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<Operation<'a>> {
    let mut word = || bytes.split_off(..4).and_then(|word| word.try_into().ok());
    let (key, value) = (word()?, word()?);
    let key = bytes.split_off(..u32::from_le_bytes(key) as usize)?;
    Some(match u32::from_le_bytes(value) {
        REMOVED => Operation::Remove { key },
        length => Operation::Put {
            key,
            value: bytes.split_off(..length as usize)?,
        },
    })
}
