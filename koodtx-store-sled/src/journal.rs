//! Writing: atomic batches, and one sync for all who wait.

use std::fs::File;

use koodtx_core::store::StoreErrorKind;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::error::{Broken, Failure, Result};
use crate::room::Room;
use crate::values::WriteSet;

/// The writing half of the database.
///
/// sled's own flush hands the pages to the kernel and waits until they were written out, but on
/// Linux it syncs neither the file's metadata nor the disk's cache. So each flush is followed by an
/// `fdatasync` of the same file through a second handle.
pub(crate) struct Journal {
    db: sled::Db,
    file: File,
    room: Room,
    /// Held while room is looked for and used, or two batches would count on the same.
    applying: Mutex<()>,
    progress: Mutex<Progress>,
    advanced: Condvar,
}

#[derive(Default)]
struct Progress {
    /// Batches applied.
    written: u64,
    /// Batches known to be on disk.
    synced: u64,
    /// What the others may still add to the file.
    unsynced_bytes: u64,
    /// Somebody is syncing.
    syncing: bool,
    broken: Option<Broken>,
    #[cfg(test)]
    syncs: u64,
}

/// A batch that is visible, and not yet known to be on disk.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Written(u64);

impl Journal {
    /// `file` is the file in which `db` keeps everything.
    pub(crate) fn new(db: sled::Db, file: File, room: Room) -> Self {
        Self {
            db,
            file,
            room,
            applying: Mutex::default(),
            progress: Mutex::default(),
            advanced: Condvar::new(),
        }
    }

    /// The tree of all keys.
    pub(crate) fn tree(&self) -> sled::Tree {
        (*self.db).clone()
    }

    /// Fails when a write has failed before: what the tree shows may then be half a batch.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.progress.lock().broken {
            None => Ok(()),
            Some(broken) => Err(Failure::Broken(Broken {
                unsure: false,
                ..broken.clone()
            })),
        }
    }

    /// Applies a batch, whole also after a crash. Does not wait for the disk, except where much was
    /// written without waiting before.
    pub(crate) fn write(&self, set: WriteSet<'_>) -> Result<Written> {
        self.check()?;
        let bytes = set.written_bytes();
        // sled lets only one batch in at a time, too.
        let _alone = self.applying.lock();
        let unsynced_bytes = self.unsynced_bytes()?;
        self.room.ensure(unsynced_bytes + bytes, set.purpose())?;
        let batch = set.into_batch();
        self.guarded(|| Ok(self.db.apply_batch(batch)?))?;
        let mut progress = self.progress.lock();
        progress.written += 1;
        progress.unsynced_bytes += bytes;
        Ok(Written(progress.written))
    }

    /// What earlier batches may still add to the file.
    fn unsynced_bytes(&self) -> Result<u64> {
        let (written, bytes) = {
            let progress = self.progress.lock();
            (progress.written, progress.unsynced_bytes)
        };
        if Room::is_unclear(bytes) {
            self.sync(Written(written))?;
            return Ok(self.progress.lock().unsynced_bytes);
        }
        Ok(bytes)
    }

    /// Waits until a batch is on disk. Whoever comes first syncs for all that were written by then.
    pub(crate) fn sync(&self, Written(written): Written) -> Result<()> {
        let mut progress = self.progress.lock();
        while progress.synced < written {
            if let Some(broken) = &progress.broken {
                return Err(Failure::Broken(broken.clone()));
            }
            if progress.syncing {
                self.advanced.wait(&mut progress);
                continue;
            }
            progress.syncing = true;
            let (covered, covered_bytes) = (progress.written, progress.unsynced_bytes);
            let outcome = MutexGuard::unlocked(&mut progress, || self.guarded(|| self.flush()));
            progress.syncing = false;
            self.advanced.notify_all();
            outcome?;
            progress.synced = covered;
            progress.unsynced_bytes -= covered_bytes;
            #[cfg(test)]
            {
                progress.syncs += 1;
            }
        }
        Ok(())
    }

    /// Applies a batch and waits until it is on disk.
    pub(crate) fn commit(&self, set: WriteSet<'_>) -> Result<()> {
        let written = self.write(set)?;
        self.sync(written)
    }

    fn flush(&self) -> Result<()> {
        self.db.flush()?;
        self.file.sync_data()?;
        Ok(())
    }

    pub(crate) fn disk_bytes(&self) -> Result<u64> {
        Ok(self.db.size_on_disk()?)
    }

    /// Runs `work`, after whose failure (a panic included) the store writes and answers no more:
    /// after a failed sync nobody knows what is on disk, and trying again would not tell.
    fn guarded(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        struct Guard<'a>(&'a Journal, Option<Broken>);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                if let Some(broken) = self.1.take() {
                    self.0.progress.lock().broken.get_or_insert(broken);
                    self.0.advanced.notify_all();
                }
            }
        }
        let broken = |kind, reason| Broken {
            kind,
            reason,
            unsure: true,
        };
        let panicked = broken(
            StoreErrorKind::Unavailable,
            "the database panicked".to_owned(),
        );
        let mut guard = Guard(self, Some(panicked));
        guard.1 = work()
            .err()
            .map(|failure| broken(failure.kind(), failure.to_string()));
        guard
            .1
            .clone()
            .map_or(Ok(()), |broken| Err(Failure::Broken(broken)))
    }
}

impl Drop for Journal {
    /// What was written without waiting, such as log entries of pulls, need not be lost at a stop.
    fn drop(&mut self) {
        if self.check().is_ok()
            && let Err(failure) = self.flush()
        {
            tracing::error!(%failure, "the last writes could not be synced");
        }
    }
}

#[cfg(test)]
mod tests {
    use koodtx_core::id::UserId;
    use tempfile::TempDir;

    use super::*;
    use crate::key::Key;
    use crate::values::Values;

    fn write(journal: &Journal, user: i64) -> Result<Written> {
        let values = Values::new(journal.tree());
        let mut set = WriteSet::new(&values);
        set.mark(&Key::user_record(UserId(user)));
        journal.write(set)
    }

    fn database_file(folder: &TempDir) -> File {
        let path = folder.path().join("db");
        File::options().read(true).write(true).open(path).unwrap()
    }

    fn room(folder: &TempDir) -> Room {
        Room::new(folder.path().to_path_buf(), database_file(folder))
    }

    #[test]
    fn one_sync_serves_all_who_wrote_before_it() {
        const BATCHES_COUNT: i64 = 10;
        let folder = TempDir::new().unwrap();
        let db = sled::open(folder.path()).unwrap();
        let journal = Journal::new(db, database_file(&folder), room(&folder));
        let batches: Vec<_> = (0..BATCHES_COUNT)
            .map(|user| write(&journal, user).unwrap())
            .collect();
        std::thread::scope(|scope| {
            for &batch in &batches {
                let journal = &journal;
                scope.spawn(move || journal.sync(batch).unwrap());
            }
        });
        assert_eq!(journal.progress.lock().syncs, 1);
        journal.sync(write(&journal, 0).unwrap()).unwrap();
        assert_eq!(journal.progress.lock().syncs, 2);
    }

    #[cfg(unix)]
    #[test]
    fn after_a_failed_sync_nothing_is_written_or_answered() {
        let folder = TempDir::new().unwrap();
        let db = sled::open(folder.path()).unwrap();
        // A pipe cannot be synced.
        let (pipe, _writer) = std::io::pipe().unwrap();
        let pipe = std::os::fd::OwnedFd::from(pipe).into();
        let journal = Journal::new(db, pipe, room(&folder));
        let first = write(&journal, 1).unwrap();
        let second = write(&journal, 2).unwrap();
        for (batch, is_unsure) in [(first, true), (second, true)] {
            let error = journal.sync(batch).unwrap_err().during("push");
            assert_eq!(error.is_maybe_applied(), is_unsure);
            assert!(
                error.message().contains("check the disk and restart"),
                "{error}"
            );
        }
        assert!(
            !journal
                .check()
                .unwrap_err()
                .during("pull")
                .is_maybe_applied()
        );
        assert!(
            !write(&journal, 3)
                .err()
                .unwrap()
                .during("push")
                .is_maybe_applied()
        );
    }

    #[test]
    fn a_panic_while_writing_breaks_the_store() {
        let folder = TempDir::new().unwrap();
        let db = sled::open(folder.path()).unwrap();
        let journal = Journal::new(db, database_file(&folder), room(&folder));
        let panic = std::panic::AssertUnwindSafe(|| journal.guarded(|| panic!("on purpose")));
        assert!(std::panic::catch_unwind(panic).is_err());
        assert!(
            journal
                .check()
                .unwrap_err()
                .to_string()
                .contains("panicked")
        );
    }
}
