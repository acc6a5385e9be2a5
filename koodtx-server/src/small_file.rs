//! Reading a file that has to be small.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a file of at most `max_bytes`: what an operator names by mistake, such as a device that
/// never ends, does not fill the memory.
pub(crate) fn read(file: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(file)?
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if read as u64 > max_bytes {
        return Err(io::Error::other(format!(
            "the file is larger than {max_bytes} bytes"
        )));
    }
    Ok(bytes)
}
