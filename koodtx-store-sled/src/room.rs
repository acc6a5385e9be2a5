//! Room on the disk, taken before it is needed, so that sled never meets a disk that is full.
//!
//! sled cannot go on after a write that failed: what was to be written is gone, and every later
//! call repeats the error. So a part of the disk behind the end of the database file is always the
//! file's own already, and where no more of it can be had, a batch is refused before sled sees it.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::error::{Failure, Result};

const MEBIBYTE_BYTES: u64 = 1024 * 1024;
/// What is taken behind the end of the file, beside what the batches under way may need.
const RESERVE_BYTES: u64 = 16 * MEBIBYTE_BYTES;
/// Below this the reserve is filled up again.
const RESERVE_LOW_BYTES: u64 = 12 * MEBIBYTE_BYTES;
/// Where it cannot be filled up: what has to be left behind a batch that stores something. It is for
/// what sled writes by itself, and for batches whose pages all happen to be rewritten at once.
const STORING_FLOOR_BYTES: u64 = 8 * MEBIBYTE_BYTES;
/// The same behind a batch that makes room, or that a reader depends on.
const RECLAIMING_FLOOR_BYTES: u64 = 4 * MEBIBYTE_BYTES;
/// What sled may write for each byte of a batch: a page is rewritten as a whole every tenth time
/// and whenever it splits.
const WRITTEN_PER_BYTE: u64 = 4;
/// The same for each key, with its share of the page around it.
const WRITTEN_PER_KEY_BYTES: u64 = 4 * 1024;
/// Batches that may need more than this altogether are flushed before another one is written. Until
/// then nobody knows how much of the room they have taken.
const UNFLUSHED_MAX_BYTES: u64 = 32 * MEBIBYTE_BYTES;

/// What a batch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It stores something.
    Storing,
    /// It makes room or lets somebody read, and is let in when others are refused.
    Reclaiming,
}

impl Purpose {
    fn floor_bytes(self) -> u64 {
        match self {
            Self::Storing => STORING_FLOOR_BYTES,
            Self::Reclaiming => RECLAIMING_FLOOR_BYTES,
        }
    }
}

/// The most that sled is thought to write for a batch of so many keys and bytes.
pub(crate) fn written_bytes(keys: u64, bytes: u64) -> u64 {
    keys * WRITTEN_PER_KEY_BYTES + bytes * WRITTEN_PER_BYTE
}

/// The room behind the end of the database file.
pub(crate) struct Room {
    folder: PathBuf,
    file: File,
}

impl Room {
    /// The room of `file`, open for writing; `folder` is named where there is none.
    pub(crate) fn new(folder: PathBuf, file: File) -> Self {
        Self { folder, file }
    }

    /// Whether so much was written without a flush that one has to come first.
    pub(crate) fn is_unclear(unflushed_bytes: u64) -> bool {
        unflushed_bytes > UNFLUSHED_MAX_BYTES
    }

    /// Sees to it that there is room for a batch, and for all that was written before and is perhaps
    /// not in the file yet: `needed_bytes` altogether.
    ///
    /// # Errors
    /// [`Failure::Full`] where there is none. Nothing has to be opened again then: as soon as there
    /// is room on the disk, the next call finds it.
    pub(crate) fn ensure(&self, needed_bytes: u64, purpose: Purpose) -> Result<()> {
        let taken_bytes = taken_behind_end(&self.file)?;
        if taken_bytes >= needed_bytes + RESERVE_LOW_BYTES {
            return Ok(());
        }
        match take_behind_end(&self.file, needed_bytes + RESERVE_BYTES) {
            Ok(()) => Ok(()),
            Err(error) if !is_full(&error) => Err(error.into()),
            Err(_) if taken_bytes >= needed_bytes + purpose.floor_bytes() => Ok(()),
            Err(_) => Err(Failure::Full(format!(
                "the disk of the data folder {} is full and nothing was written; make room there: the \
                 store goes on by itself",
                self.folder.display()
            ))),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge
    )
}

/// How much of the disk the file has beyond its length.
#[cfg(unix)]
fn taken_behind_end(file: &File) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;

    /// The unit of the system call, whatever the file system counts in.
    const BLOCK_BYTES: u64 = 512;
    let metadata = file.metadata()?;
    Ok((metadata.blocks() * BLOCK_BYTES).saturating_sub(metadata.len()))
}

/// Takes so much of the disk behind the end of the file, whose length stays.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn take_behind_end(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::{Errno, retry_on_intr};

    let end = file.metadata()?.len();
    match retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, end, bytes)) {
        // Some file systems cannot, such as NFS before 4.2 and ZFS.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => look_for(file, bytes),
        taken => Ok(taken?),
    }
}

/// Other systems have no way to take it that leaves the length of the file alone.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn take_behind_end(file: &File, bytes: u64) -> io::Result<()> {
    look_for(file, bytes)
}

/// Fails unless so much of the disk is free now. It stays free for whoever comes first.
#[cfg(unix)]
fn look_for(file: &File, bytes: u64) -> io::Result<()> {
    let disk = rustix::fs::fstatvfs(file)?;
    if disk.f_bavail.saturating_mul(disk.f_frsize) < bytes {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
fn taken_behind_end(_: &File) -> io::Result<u64> {
    Ok(0)
}

/// There a full disk stops the store until it is opened again.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
fn take_behind_end(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn room_is_taken_behind_the_end_and_used_up_by_writing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create(folder.path().join("db")).unwrap();
        let room = Room::new(folder.path().to_path_buf(), file.try_clone().unwrap());
        room.ensure(1_000, Purpose::Storing).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        let taken = taken_behind_end(&file).unwrap();
        assert!(taken >= RESERVE_BYTES, "{taken}");

        file.write_all(&vec![7; 5 * MEBIBYTE_BYTES as usize])
            .unwrap();
        file.sync_all().unwrap();
        let left = taken_behind_end(&file).unwrap();
        assert!(left < RESERVE_LOW_BYTES, "{left}");
        room.ensure(0, Purpose::Storing).unwrap();
        assert!(taken_behind_end(&file).unwrap() >= RESERVE_BYTES);
    }

    #[test]
    fn more_than_any_disk_has_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("db")).unwrap();
        let room = Room::new(folder.path().to_path_buf(), file);
        let refused = room.ensure(1 << 60, Purpose::Reclaiming);
        let error = refused.unwrap_err().during("push");
        assert_eq!(error.kind(), koodtx_core::store::StoreErrorKind::Full);
        let names_it = error.message().contains(folder.path().to_str().unwrap());
        assert!(names_it && !error.is_maybe_applied(), "{error}");
    }
}
