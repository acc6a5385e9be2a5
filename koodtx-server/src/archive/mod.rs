//! Backup files: everything that a store holds, compressed, checksummed and versioned.
//!
//! A file begins with a magic number, the version of the format and a header that names the backup. Frames
//! follow, each with its length and a checksum; what they hold is compressed. The last frame has the
//! totals, so that a file that was cut short is noticed, at whatever place.
//!
//! ```text
//! file    = "KOODTXBK"  version:u16  frame(header)  frame(items)*  frame(end)
//! frame   = kind:u8  length:u32  body  crc32:u32      the checksum covers number, kind, length and body
//! header  = JSON, see ArchiveHeader
//! items   = zstd of (tag:u8  length:u32  payload)*
//! end     = JSON, see Totals
//! ```
//!
//! Numbers are little-endian. A frame's number counts from 0 at the header, so that frames cannot change
//! places. Sessions, accounts and log entries are JSON; blocks are in the codec of `koodtx-core`, which has
//! versions of its own.

mod backup;
mod error;
mod frame;
mod header;
mod item;
mod reader;
mod restore;
mod writer;

pub use backup::back_up;
pub use error::{ArchiveError, BackupError};
pub use frame::FRAME_MAX_BYTES;
pub use header::ArchiveHeader;
pub use koodtx_core::transfer::Totals;
pub use reader::{ArchiveReader, Entry, check};
pub use restore::restore;
pub use writer::ArchiveWriter;
