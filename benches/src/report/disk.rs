//! What a disk was given to write.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

/// Size of what the kernel counts in.
const SECTOR_BYTES: u64 = 512;
/// Place of the sectors written in /sys/dev/block/DEVICE/stat.
const SECTORS_WRITTEN_FIELD: usize = 6;

/// A disk, whose writes are those of all programs: what a process writes into the page cache is not
/// what reaches the disk. `write_bytes` of /proc/PID/io counts up to 1 MiB for each 8 KiB that PostgreSQL
/// writes into its log, where the file system keeps files in large folios.
#[derive(Debug)]
pub(super) struct Disk {
    counters: PathBuf,
}

impl Disk {
    /// The disk that a folder is on; `None` where it is not on one disk, or the kernel does not count.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let device = fs::metadata(folder).ok()?.dev();
        let (major, minor) = (major(device), minor(device));
        let disk = Self {
            counters: format!("/sys/dev/block/{major}:{minor}/stat").into(),
        };
        disk.written_bytes()?;
        Some(disk)
    }

    /// Bytes written until now, once everything is written that any program has left to the kernel.
    pub(super) fn synced_bytes(&self) -> Option<u64> {
        rustix::fs::sync();
        self.written_bytes()
    }

    fn written_bytes(&self) -> Option<u64> {
        let counters = fs::read_to_string(&self.counters).ok()?;
        let sectors = counters.split_whitespace().nth(SECTORS_WRITTEN_FIELD)?;
        Some(sectors.parse::<u64>().ok()? * SECTOR_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_counts() {
        let folder = tempfile::tempdir().unwrap();
        // In memory, or on several disks, there is nothing to count.
        if let Some(disk) = Disk::of(folder.path()) {
            let before = disk.synced_bytes().unwrap();
            fs::write(folder.path().join("file"), vec![1; 1_000_000]).unwrap();
            assert!(disk.synced_bytes().unwrap() - before >= 1_000_000);
        }
        assert!(Disk::of(Path::new("/proc")).is_none());
    }
}
