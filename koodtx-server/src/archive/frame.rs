//! Frames: stretches of the file with a length and a checksum.

use std::io::{self, ErrorKind, Read, Write};

use super::ArchiveError;

/// Most bytes of a frame, compressed or not. A frame is written at a quarter of it; what is longer is one
/// item that is that large.
pub const FRAME_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What a file begins with.
pub(super) const MAGIC: &[u8; 8] = b"KOODTXBK";
/// The version that is written, and the newest that is read.
pub(super) const VERSION: u16 = 1;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum FrameKind {
    Header = b'H',
    Items = b'I',
    End = b'E',
}

impl FrameKind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Header, Self::Items, Self::End]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

fn checksum(number: u32, head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

/// Writes a frame.
pub(super) fn write(
    out: &mut impl Write,
    number: u32,
    kind: FrameKind,
    body: &[u8],
) -> io::Result<()> {
    let too_long = || io::Error::new(ErrorKind::InvalidInput, "a frame is too long");
    let len = u32::try_from(body.len()).map_err(|_| too_long())?;
    let mut head = [kind as u8; 5];
    head[1..].copy_from_slice(&len.to_le_bytes());
    out.write_all(&head)?;
    out.write_all(body)?;
    out.write_all(&checksum(number, &head, body).to_le_bytes())
}

/// Reads the frame of that number.
pub(super) fn read(
    input: &mut impl Read,
    number: u32,
) -> Result<(FrameKind, Vec<u8>), ArchiveError> {
    let damaged = |reason: &str| ArchiveError::Damaged {
        frame: number,
        reason: reason.to_owned(),
    };
    let mut head = [0; 5];
    read_exact(input, &mut head)?;
    let kind = FrameKind::of(head[0]).ok_or_else(|| damaged("it is of an unknown kind"))?;
    let len = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    // Before anything is allocated.
    if len > FRAME_MAX_BYTES {
        return Err(damaged("it is longer than a frame can be"));
    }
    let mut body = vec![0; len];
    read_exact(input, &mut body)?;
    let mut stored = [0; 4];
    read_exact(input, &mut stored)?;
    if u32::from_le_bytes(stored) != checksum(number, &head, &body) {
        return Err(damaged("its checksum does not match"));
    }
    Ok((kind, body))
}

/// Fills `buffer`, or finds that the file has ended.
pub(super) fn read_exact(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), ArchiveError> {
    input
        .read_exact(buffer)
        .map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => ArchiveError::Truncated,
            _ => ArchiveError::Io(error),
        })
}
