//! What the fuzz targets share.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The archive module of koodtx-server by itself: the whole server would take minutes to build, and
/// nothing else of it is fuzzed.
#[path = "../../src/archive/mod.rs"]
pub mod archive;
pub mod backup;
pub mod json;
pub mod memory;
pub mod push;

/// Runs a future that never waits, as those of the memory store.
///
/// # Panics
/// If it waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waits for nothing"),
    }
}

/// The content with the checksum behind it that a block ends with: random bytes would never guess it.
pub fn with_checksum(content: &[u8]) -> Vec<u8> {
    [content, &crc32fast::hash(content).to_le_bytes()].concat()
}
