//! Writing: atomic batches, and one sync for all who wait.

use std::fs::File;

use koodtx_core::store::StoreErrorKind;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::error::{Broken, Failure, Result};
use crate::values::WriteSet;

/// The writing half of the database.
///
/// sled's own flush hands the pages to the kernel and waits until they were written out, but on
/// Linux it syncs neither the file's metadata nor the disk's cache. So each flush is followed by an
/// `fdatasync` of the same file through a second handle.
pub(crate) struct Journal {
    db: sled::Db,
    file: File,
    progress: Mutex<Progress>,
    advanced: Condvar,
}

#[derive(Default)]
struct Progress {
    /// Batches applied.
    written: u64,
    /// Batches known to be on disk.
    synced: u64,
    /// Somebody is syncing.
    syncing: bool,
    broken: Option<Broken>,
}

/// A batch that is visible, and not yet known to be on disk.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Written(u64);

impl Journal {
    /// `file` is the file in which `db` keeps everything.
    pub(crate) fn new(db: sled::Db, file: File) -> Self {
        Self { db, file, progress: Mutex::default(), advanced: Condvar::new() }
    }

    /// Fails when a write has failed before: what the tree shows may then be half a batch.
    pub(crate) fn check(&self) -> Result<()> {
        let broken = self.progress.lock().broken.clone();
        broken.map_or(Ok(()), |broken| Err(Failure::Broken(broken)))
    }

    /// Applies a batch, whole also after a crash. Does not wait for the disk.
    pub(crate) fn write(&self, set: WriteSet<'_>) -> Result<Written> {
        self.check()?;
        let batch = set.into_batch();
        self.guarded(|| Ok(self.db.apply_batch(batch)?))?;
        let mut progress = self.progress.lock();
        progress.written += 1;
        Ok(Written(progress.written))
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
            let covered = progress.written;
            let outcome = MutexGuard::unlocked(&mut progress, || self.guarded(|| self.flush()));
            progress.syncing = false;
            self.advanced.notify_all();
            outcome?;
            progress.synced = covered;
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
        let panicked =
            Broken { kind: StoreErrorKind::Unavailable, reason: "the database panicked".to_owned() };
        let mut guard = Guard(self, Some(panicked));
        let outcome = work();
        guard.1 = outcome
            .as_ref()
            .err()
            .map(|failure| Broken { kind: failure.kind(), reason: failure.to_string() });
        outcome
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
