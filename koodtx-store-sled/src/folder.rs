//! The data folder: who may open it, and whether this program can read it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use koodtx_core::store::{StoreError, StoreErrorKind};

use crate::error::Failure;
use crate::wal::Wal;

/// Version of the folder that this program writes. It reads format 1, which has no open ends, format 2, which
/// has no log, and format 3, whose blocks have no digests.
const FORMAT_VERSION: u32 = 4;
/// The first version with a log.
const FORMAT_OF_LOG: u32 = 3;
/// The oldest version that it reads.
const FORMAT_MIN_VERSION: u32 = 1;
/// Holds the format version of a complete store.
const FORMAT_FILE: &str = "koodtx-format";
/// Stands for [`FORMAT_FILE`] until the first opening has succeeded.
const CREATING_FILE: &str = "koodtx-format.creating";
/// Takes the place of [`FORMAT_FILE`] when an older format is raised.
const RAISED_FILE: &str = "koodtx-format.raised";
/// Is locked for as long as the store is open.
const LOCK_FILE: &str = "koodtx-lock";
/// Where sled keeps its pages.
const DATABASE_FILE: &str = "db";
/// The write-ahead log.
const LOG_FILE: &str = "koodtx-wal";
/// Where sled keeps the settings that must not change.
const CONFIGURATION_FILE: &str = "conf";
/// Where sled keeps pages that are too large for its file; the store lets none become so.
const LARGE_PAGES_FOLDER: &str = "blobs";
/// Begins the names of sled's snapshots of its page table.
const SNAPSHOT_PREFIX: &str = "snap.";
/// Ends the name of a snapshot while it is written.
const UNFINISHED_SUFFIX: &str = ".generating";
const OPERATION: &str = "open";

/// An opened data folder, locked against other processes until dropped.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder if need be, locks it, checks its format and removes what an opening or a
    /// creation that was cut short has left behind.
    pub(crate) fn claim(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| {
            let message = format!("the data folder {} cannot be used: {error}", path.display());
            StoreError::new(Failure::Io(error).kind(), OPERATION, message)
        };
        fs::create_dir_all(path).map_err(failed)?;
        let lock = lock(path)?;
        let folder = Self {
            path: path.to_path_buf(),
            _lock: lock,
        };
        match fs::read_to_string(folder.file(FORMAT_FILE)) {
            Ok(text) => {
                folder.check_format(&text)?;
                folder.remove_unfinished_snapshots().map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => folder.begin()?,
            Err(error) => return Err(failed(error)),
        }
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where the write-ahead log is.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.file(LOG_FILE)
    }

    fn check_format(&self, text: &str) -> Result<(), StoreError> {
        let refused = |problem: String| {
            let message = format!("the data folder {} {problem}", self.path.display());
            Err(StoreError::corrupt(OPERATION, message))
        };
        match text.trim().parse::<u32>() {
            Ok(FORMAT_VERSION) => Ok(()),
            // From now on the folder may hold what an older program would not find.
            Ok(version @ FORMAT_MIN_VERSION..FORMAT_VERSION) => self.raise_format(version),
            Ok(version) if version > FORMAT_VERSION => refused(format!(
                "was written by a newer version of this program (format {version}, this one reads \
                 up to {FORMAT_VERSION}): run the newer version"
            )),
            Ok(version) => refused(format!("has the unknown format {version}")),
            Err(_) => refused(format!(
                "has a {FORMAT_FILE} file that holds no version: restore the file or a backup"
            )),
        }
    }

    fn raise_format(&self, from: u32) -> Result<(), StoreError> {
        let raise = || {
            if from < FORMAT_OF_LOG {
                Wal::create(&self.log_path())?;
                sync_folder(&self.path)?;
            }
            let raised = self.file(RAISED_FILE);
            write_synced(&raised, &format!("{FORMAT_VERSION}\n"))?;
            fs::rename(raised, self.file(FORMAT_FILE))?;
            sync_folder(&self.path)
        };
        raise().map_err(|error| {
            let message = format!(
                "the format of the data folder {} cannot be raised to {FORMAT_VERSION}: {error}",
                self.path.display()
            );
            StoreError::new(Failure::Io(error).kind(), OPERATION, message)
        })
    }

    /// Marks that a store is being created here, where there is none.
    fn begin(&self) -> Result<(), StoreError> {
        let failed = |error: io::Error| {
            let message = format!(
                "no store can be created in {}: {error}",
                self.path.display()
            );
            StoreError::new(Failure::Io(error).kind(), OPERATION, message)
        };
        let creating = self.file(CREATING_FILE);
        if creating.exists() {
            // The creation was cut short: nothing can have been acknowledged.
            self.remove_database().map_err(failed)?;
        } else if self.file(DATABASE_FILE).exists() {
            let message = format!(
                "the data folder {} holds a database without a {FORMAT_FILE} file, so it is not \
                 from this program or not complete: choose another folder or restore a backup",
                self.path.display()
            );
            return Err(StoreError::corrupt(OPERATION, message));
        }
        write_synced(&creating, &format!("{FORMAT_VERSION}\n")).map_err(failed)?;
        Wal::create(&self.log_path()).map_err(failed)?;
        sync_folder(&self.path).map_err(failed)?;
        let parent = self
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        match sync_folder(parent.unwrap_or(Path::new("."))) {
            // Nothing that this process made can be in a folder that it may not even read.
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Opens the file of the database a second time, for syncing. Called once sled has opened.
    pub(crate) fn database_file(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.file(DATABASE_FILE))
    }

    /// Makes the opened store permanent: its files are in the folder, and the folder is on disk.
    pub(crate) fn finish(&self, database: &File) -> io::Result<()> {
        database.sync_all()?;
        OpenOptions::new()
            .write(true)
            .open(self.file(CONFIGURATION_FILE))?
            .sync_all()?;
        let creating = self.file(CREATING_FILE);
        if creating.exists() {
            fs::rename(&creating, self.file(FORMAT_FILE))?;
        }
        sync_folder(&self.path)
    }

    /// Removes snapshots of the page table whose writing was cut short.
    ///
    /// sled means to pass over them when it opens but looks for another suffix than it writes, takes
    /// the torn file for the newest snapshot, and calls the whole database corrupt. They hold
    /// nothing that is not in the database file.
    fn remove_unfinished_snapshots(&self) -> io::Result<()> {
        self.remove_where(|name| {
            name.starts_with(SNAPSHOT_PREFIX) && name.ends_with(UNFINISHED_SUFFIX)
        })
    }

    fn remove_database(&self) -> io::Result<()> {
        self.remove_where(|name| {
            matches!(
                name,
                DATABASE_FILE | LOG_FILE | CONFIGURATION_FILE | LARGE_PAGES_FOLDER
            ) || name.starts_with(SNAPSHOT_PREFIX)
        })
    }

    fn remove_where(&self, is_doomed: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(&is_doomed) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join(LOCK_FILE))
        .map_err(|error| {
            let message = format!(
                "the data folder {} is not writable: {error}",
                path.display()
            );
            StoreError::new(Failure::Io(error).kind(), OPERATION, message)
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::new(
            StoreErrorKind::Contention,
            OPERATION,
            format!(
                "the data folder {} is in use, and only one process may open it: stop the other \
                 server or choose another folder",
                path.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            OPERATION,
            format!(
                "the data folder {} cannot be locked: {error}",
                path.display()
            ),
        )),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows opens no folders as files, and needs no such sync.
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
