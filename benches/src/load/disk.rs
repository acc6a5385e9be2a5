//! What a folder takes on disk.

use std::fs;
use std::path::Path;

use super::LoadError;

/// Size of the blocks that file systems count in.
#[cfg(unix)]
const BLOCK_BYTES: u64 = 512;

/// Bytes allocated to the files of a folder and of those inside it.
pub(super) fn disk_bytes(folder: &Path) -> Result<u64, LoadError> {
    let failed = |source| LoadError::Folder {
        path: folder.to_owned(),
        source,
    };
    let mut sum = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => sum += disk_bytes(&entry.path())?,
            Ok(metadata) => sum += allocated_bytes(&metadata),
            // A running store removes files.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(sum)
}

#[cfg(unix)]
fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks() * BLOCK_BYTES
}

#[cfg(not(unix))]
fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_folders_count() {
        let folder = tempfile::tempdir().unwrap();
        let before = disk_bytes(folder.path()).unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        let file = fs::File::create(folder.path().join("inner/file")).unwrap();
        std::io::Write::write_all(&mut &file, &vec![1; 100_000]).unwrap();
        file.sync_all().unwrap();
        let grown = disk_bytes(folder.path()).unwrap() - before;
        assert!((100_000..200_000).contains(&grown), "{grown}");
        assert!(disk_bytes(&folder.path().join("absent")).is_err());
    }
}
