//! Blocks as rows of `sensor_blocks`.
//!
//! A row has the columns of a block in the narrowest types that hold them exactly (`narrow`), travels
//! in PostgreSQL's binary form (`encode`, `decode`), has a checksum of that form, and behind it a digest
//! that begins with that checksum.

mod decode;
mod encode;
mod narrow;

pub(crate) use decode::{block_of, count_of, digest_of};
pub(crate) use encode::{BlockBatch, BlockType};

use crc32fast::Hasher;

/// The checksum of a row: of the binary form of its columns up to the checksum, each with its length
/// before it.
#[derive(Default)]
struct Checksum(Hasher);

impl Checksum {
    /// Takes in the next column; `None` for a null.
    fn column(&mut self, bytes: Option<&[u8]>) {
        let len = bytes.map_or(-1, |bytes| bytes.len() as i32);
        self.0.update(&len.to_be_bytes());
        self.0.update(bytes.unwrap_or_default());
    }

    fn finish(self) -> i64 {
        i64::from(self.0.finalize())
    }
}

/// Bytes before a digest that say of which contents it is: its checksum.
const DIGEST_HEAD_BYTES: usize = 4;

fn digest_head(checksum: i64) -> [u8; DIGEST_HEAD_BYTES] {
    (checksum as u32).to_be_bytes()
}
