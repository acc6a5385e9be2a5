//! Writing: batches that are logged, then applied, and one sync for all who wait.

use std::fs::File;
use std::path::Path;

use koodtx_core::store::StoreErrorKind;
use parking_lot::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

use crate::error::{Broken, Failure, Result};
use crate::holders::Holders;
use crate::room::{self, Purpose, Room};
use crate::values::WriteSet;
use crate::wal::{Frame, Operation, Wal};

/// The database file is synced, beside the log, whenever batches of so many bytes were logged: half a segment of
/// sled. sled uses the segments of moved pages again (512 KiB each) as soon as the kernel has written the others out,
/// which without a sync the file system may not know of after a loss of power. The log could not mend
/// that: it holds what was written since the last checkpoint, not the pages around it.
const DATABASE_UNSYNCED_MAX_BYTES: u64 = 256 * 1024;

/// The writing half of the database.
///
/// A batch is appended to the log and synced there, then applied to sled in memory. sled is flushed at
/// a checkpoint: when the log is full, or so much was applied that nobody knows what room is left on
/// the disk. sled's own flush hands the pages to the kernel and waits until they were written out, but
/// on Linux it syncs neither the file's metadata nor the disk's cache; so an `fdatasync` of the same
/// file through a second handle follows.
pub(crate) struct Journal {
    db: sled::Db,
    database_file: File,
    room: Room,
    /// A second handle of the log, for syncing it while others append.
    log_file: File,
    /// Shared by a batch from before it is logged until it is applied. Held alone for a checkpoint,
    /// which makes everything void that is logged, so all of it has to be in the database.
    gate: RwLock<()>,
    progress: Mutex<Progress>,
    advanced: Condvar,
    broken: Mutex<Option<Broken>>,
    holders: Holders,
}

struct Progress {
    log: Wal,
    /// Batches appended to the log.
    written: u64,
    /// Batches known to be on disk, there or in the database.
    synced: u64,
    /// What batches since the last checkpoint may still add to the database file.
    unflushed_bytes: u64,
    /// What was logged since the database file was last synced.
    unsynced_log_bytes: u64,
    /// Somebody is syncing the log.
    syncing: bool,
    #[cfg(test)]
    syncs: u64,
}

/// The number of a batch in the log.
#[derive(Clone, Copy)]
struct Written(u64);

/// A batch that is logged. No checkpoint comes before this is dropped.
struct Logged<'a> {
    written: Written,
    _gate: RwLockReadGuard<'a, ()>,
}

impl Journal {
    /// Opens the log at `log`, and applies what it holds to `db`, which keeps everything in
    /// `database_file`.
    pub(crate) fn open(db: sled::Db, database_file: File, log: &Path, room: Room) -> Result<Self> {
        let mut unflushed_bytes = 0;
        let log = Wal::open(log, |frame| {
            unflushed_bytes += written_bytes(frame);
            room.ensure(unflushed_bytes, Purpose::Reclaiming)?;
            frame.apply(&db)
        })?;
        let journal = Self {
            log_file: log.handle()?,
            db,
            database_file,
            room,
            gate: RwLock::default(),
            progress: Mutex::new(Progress {
                log,
                written: 0,
                synced: 0,
                unflushed_bytes,
                unsynced_log_bytes: 0,
                syncing: false,
                #[cfg(test)]
                syncs: 0,
            }),
            advanced: Condvar::new(),
            broken: Mutex::default(),
            holders: Holders::default(),
        };
        journal.checkpoint(|_| true)?;
        Ok(journal)
    }

    /// The tree of all keys.
    pub(crate) fn tree(&self) -> sled::Tree {
        (*self.db).clone()
    }

    /// Fails when a write has failed before: what the tree shows may then be half a batch.
    pub(crate) fn check(&self) -> Result<()> {
        self.not_broken().map_err(|broken| {
            Failure::Broken(Broken {
                unsure: false,
                ..broken
            })
        })
    }

    fn not_broken(&self) -> Result<(), Broken> {
        self.broken.lock().clone().map_or(Ok(()), Err)
    }

    /// Logs a batch, waits until it is on disk, and applies it. It is whole also after a crash.
    ///
    /// Nobody else may write the same keys at the same time: batches are applied in any order, and
    /// after a crash in that of the log.
    pub(crate) fn commit(&self, set: WriteSet<'_>) -> Result<()> {
        self.commit_telling(set, || {})
    }

    /// As [`Self::commit`], and calls `on_disk` as soon as the batch is on disk: what is logged gets into the
    /// database, if not now, then at the next opening.
    pub(crate) fn commit_telling(&self, set: WriteSet<'_>, on_disk: impl FnOnce()) -> Result<()> {
        let (mut frame, purpose) = set.into_frame();
        let Some(logged) = self.append(&mut frame, purpose)? else {
            self.write_through(&frame, purpose)?;
            on_disk();
            return Ok(());
        };
        self.sync(logged.written)?;
        self.guarded(|| {
            on_disk();
            self.apply(&frame)
        })
    }

    /// As [`Self::commit`], without waiting for the disk. After a loss of power the batch may be gone, or there in
    /// part.
    pub(crate) fn write(&self, set: WriteSet<'_>) -> Result<()> {
        let (mut frame, purpose) = set.into_frame();
        let Some(_logged) = self.append(&mut frame, purpose)? else {
            return self.write_through(&frame, purpose);
        };
        self.guarded(|| self.apply(&frame))
    }

    /// Waits until everything that was logged is applied; fails where it could not be. Holds up all writers
    /// for about a sync, so it is for what is rare.
    pub(crate) fn settle(&self) -> Result<()> {
        drop(self.gate.write());
        self.check()
    }

    /// Does to the database what a logged batch says.
    fn apply(&self, frame: &Frame) -> Result<()> {
        frame.apply(&self.db)?;
        self.hear_of(frame)
    }

    /// Forgets what a batch that was written makes out of date.
    fn hear_of(&self, frame: &Frame) -> Result<()> {
        for operation in frame.operations() {
            let (Operation::Put { key, .. } | Operation::Remove { key }) = operation?;
            self.holders.written(key);
        }
        Ok(())
    }

    /// Appends a batch to the log, after a checkpoint where there is no room for it; `None` where the
    /// log could never hold it.
    fn append(&self, frame: &mut Frame, purpose: Purpose) -> Result<Option<Logged<'_>>> {
        if !Wal::could_hold(frame) {
            return Ok(None);
        }
        let checksum = frame.checksum();
        let bytes = written_bytes(frame);
        let fits = |progress: &Progress| {
            progress.log.fits(frame) && !Room::is_unclear(progress.unflushed_bytes)
        };
        loop {
            let gate = self.gate.read();
            let mut progress = self.progress.lock();
            self.check()?;
            if fits(&progress) {
                match self.room.ensure(progress.unflushed_bytes + bytes, purpose) {
                    Ok(()) => {
                        self.guarded(|| Ok(progress.log.append(frame, checksum)?))?;
                        progress.unflushed_bytes += bytes;
                        progress.unsynced_log_bytes += frame.len();
                        progress.written += 1;
                        return Ok(Some(Logged {
                            written: Written(progress.written),
                            _gate: gate,
                        }));
                    }
                    // What is not flushed yet is thought to need more than it does.
                    Err(Failure::Full(_)) if progress.unflushed_bytes > 0 => {}
                    Err(failure) => return Err(failure),
                }
            }
            drop((progress, gate));
            self.checkpoint(|progress| {
                let needed_bytes = progress.unflushed_bytes + bytes;
                !fits(progress) || self.room.ensure(needed_bytes, purpose).is_err()
            })?;
        }
    }

    /// Waits until a batch is on disk. Whoever comes first syncs for all that were written by then.
    fn sync(&self, Written(written): Written) -> Result<()> {
        let mut progress = self.progress.lock();
        while progress.synced < written {
            self.not_broken().map_err(Failure::Broken)?;
            if progress.syncing {
                self.advanced.wait(&mut progress);
                continue;
            }
            progress.syncing = true;
            let covered = progress.written;
            let is_database_due = progress.unsynced_log_bytes >= DATABASE_UNSYNCED_MAX_BYTES;
            if is_database_due {
                progress.unsynced_log_bytes = 0;
            }
            let sync = || {
                self.guarded(|| {
                    if is_database_due {
                        self.database_file.sync_data()?;
                    }
                    Ok(self.log_file.sync_data()?)
                })
            };
            let outcome = MutexGuard::unlocked(&mut progress, sync);
            progress.syncing = false;
            self.advanced.notify_all();
            outcome?;
            // A checkpoint in between may have covered more.
            progress.synced = progress.synced.max(covered);
            #[cfg(test)]
            {
                progress.syncs += 1;
            }
        }
        Ok(())
    }

    /// Flushes the database and empties the log, if that is still needed when everything logged is
    /// applied.
    fn checkpoint(&self, is_needed: impl FnOnce(&Progress) -> bool) -> Result<()> {
        let _alone = self.gate.write();
        self.check()?;
        if !is_needed(&self.progress.lock()) {
            return Ok(());
        }
        self.guarded(|| self.flush())
    }

    /// Writes a batch that is too long for the log. The caller learns that it is on disk.
    fn write_through(&self, frame: &Frame, purpose: Purpose) -> Result<()> {
        let _alone = self.gate.write();
        self.check()?;
        // Nothing may be left in the log: after a crash it would be applied over this batch.
        self.guarded(|| self.flush())?;
        debug_assert!(self.progress.lock().log.is_empty());
        self.room.ensure(written_bytes(frame), purpose)?;
        self.guarded(|| {
            let mut batch = sled::Batch::default();
            for operation in frame.operations() {
                match operation? {
                    Operation::Put { key, value } => batch.insert(key, value),
                    Operation::Remove { key } => batch.remove(key),
                }
            }
            self.db.apply_batch(batch)?;
            self.hear_of(frame)?;
            self.flush()
        })
    }

    /// Brings everything applied to disk and empties the log. The caller holds the gate alone.
    fn flush(&self) -> Result<()> {
        self.db.flush()?;
        self.database_file.sync_data()?;
        let mut progress = self.progress.lock();
        if !progress.log.is_empty() {
            progress.log.clear()?;
        }
        progress.synced = progress.written;
        progress.unflushed_bytes = 0;
        progress.unsynced_log_bytes = 0;
        Ok(())
    }

    /// The holders of access tokens that are remembered.
    pub(crate) fn holders(&self) -> &Holders {
        &self.holders
    }

    pub(crate) fn disk_bytes(&self) -> Result<u64> {
        Ok(self.db.size_on_disk()?)
    }

    /// Runs `work`, after whose failure (a panic included) the store writes and answers no more:
    /// after a failed sync nobody knows what is on disk, and trying again would not tell.
    fn guarded(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        struct Guard<'a>(&'a Mutex<Option<Broken>>, Option<Broken>);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                if let Some(broken) = self.1.take() {
                    self.0.lock().get_or_insert(broken);
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
        let mut guard = Guard(&self.broken, Some(panicked));
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
    /// The next opening finds an empty log, and what was written without waiting is not lost.
    fn drop(&mut self) {
        if self.check().is_ok()
            && let Err(failure) = self.checkpoint(|_| true)
        {
            tracing::error!(%failure, "the last writes could not be synced");
        }
    }
}

/// The most that applying a batch is thought to add to the database file.
fn written_bytes(frame: &Frame) -> u64 {
    room::written_bytes(frame.operations_count(), frame.len())
}

#[cfg(test)]
mod tests {
    use koodtx_core::id::UserId;
    use tempfile::TempDir;

    use super::*;
    use crate::key::Key;
    use crate::values::Values;

    /// Appends a batch.
    fn write(journal: &Journal, user: i64) -> Result<Written> {
        let values = Values::new(journal.tree());
        let mut set = WriteSet::new(&values);
        set.mark(&Key::user_record(UserId(user)));
        let (mut frame, purpose) = set.into_frame();
        let logged = journal.append(&mut frame, purpose)?;
        Ok(logged.unwrap().written)
    }

    fn open(folder: &TempDir) -> Journal {
        let config = sled::Config::new().path(folder.path());
        let db = crate::store::open_when_free(&config).unwrap();
        let file = || {
            let path = folder.path().join("db");
            File::options().read(true).write(true).open(path).unwrap()
        };
        let log = folder.path().join("wal");
        if !log.exists() {
            Wal::create(&log).unwrap();
        }
        let room = Room::new(folder.path().to_path_buf(), file());
        Journal::open(db, file(), &log, room).unwrap()
    }

    #[test]
    fn one_sync_serves_all_who_wrote_before_it() {
        const BATCHES_COUNT: i64 = 10;
        let folder = TempDir::new().unwrap();
        let journal = open(&folder);
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

    #[test]
    fn a_batch_is_told_of_when_it_is_on_disk_and_found_once_the_journal_is_settled() {
        let folder = TempDir::new().unwrap();
        let journal = open(&folder);
        let values = Values::new(journal.tree());
        let key = Key::user_record(UserId(1));
        let mut set = WriteSet::new(&values);
        set.mark(&key);
        std::thread::scope(|scope| {
            let mut reader = None;
            let on_disk = || {
                let progress = journal.progress.lock();
                assert_eq!((progress.written, progress.synced), (1, 1));
                assert!(!values.contains(&key).unwrap());
                reader = Some(scope.spawn(|| {
                    journal.settle().unwrap();
                    values.contains(&key).unwrap()
                }));
                // Time to come first, for a reader that does not wait.
                std::thread::sleep(std::time::Duration::from_millis(50));
            };
            journal.commit_telling(set, on_disk).unwrap();
            assert!(reader.unwrap().join().unwrap());
        });
    }

    #[test]
    fn a_batch_that_was_told_of_and_not_applied_is_found_at_the_next_opening() {
        let folder = TempDir::new().unwrap();
        let journal = open(&folder);
        let key = Key::user_record(UserId(1));
        let values = Values::new(journal.tree());
        let mut set = WriteSet::new(&values);
        set.mark(&key);
        let commit = || journal.commit_telling(set, || panic!("on purpose"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(commit)).is_err());
        assert!(journal.settle().is_err());
        drop((values, journal));
        let journal = open(&folder);
        assert!(Values::new(journal.tree()).contains(&key).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn after_a_failed_sync_nothing_is_written_or_answered() {
        let folder = TempDir::new().unwrap();
        let mut journal = open(&folder);
        // A pipe cannot be synced.
        let (pipe, _writer) = std::io::pipe().unwrap();
        journal.log_file = std::os::fd::OwnedFd::from(pipe).into();
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
        let journal = open(&folder);
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
