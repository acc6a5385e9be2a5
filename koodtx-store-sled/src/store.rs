//! The store: opening it, and the ways in which its methods run.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use koodtx_core::id::UserId;
use koodtx_core::store::{StoreError, StoreErrorKind};
use parking_lot::{Mutex, RwLock as ThreadRwLock};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, oneshot};

use crate::error::{Failure, Result};
use crate::folder::Folder;
use crate::janitor::{Bell, Janitor};
use crate::journal::Journal;
use crate::locks::UserLocks;
use crate::options::{CACHE_MIN_BYTES, SledOptions};
use crate::room::Room;
use crate::turns::PushTurns;
use crate::values::Values;

/// How often sled tidies its file in the background, in milliseconds. Between two of these, space
/// of overwritten pages is used again only where a whole segment is free; our own syncs do not wait
/// for it.
const TIDY_EVERY_MILLIS: u64 = 1_000;
/// How long sled may take to close a database that this process had open before.
const CLOSING_MAX: Duration = Duration::from_secs(10);
const CLOSING_PAUSE: Duration = Duration::from_millis(10);

/// The embedded store: everything in one folder, opened by one process.
///
/// Its methods must be called from within a tokio runtime; what blocks runs on the runtime's
/// blocking threads. Dropping the store closes the folder once the calls under way have ended.
pub struct SledStore {
    inner: Arc<Inner>,
    // Stops and joins its thread when dropped, which `Drop` of the field does.
    _janitor: Janitor,
    /// Shared by work that goes on after its answer.
    after_answers: Arc<ThreadRwLock<()>>,
    turns: PushTurns,
}

/// What the methods of the store share.
pub(crate) struct Inner {
    pub(crate) values: Values,
    pub(crate) journal: Journal,
    pub(crate) rounds: Mutex<()>,
    /// Held for each step in which the keys of an ended life are removed.
    pub(crate) sweeping: Mutex<()>,
    pub(crate) bell: Bell,
    locks: UserLocks,
    /// Held alone by whoever writes an account. Taken after the lock of a user, which may be waited for as long as
    /// that user's pushes take.
    accounts: Arc<RwLock<()>>,
    // Last: the folder stays locked until the database is closed.
    folder: Folder,
}

/// The way back to who waits for work that goes on after its answer.
pub(crate) struct Answer<T>(Option<oneshot::Sender<Result<T, StoreError>>>);

impl<T> Answer<T> {
    /// Answers; only the first time.
    pub(crate) fn give(&mut self, value: T) {
        if let Some(sender) = self.0.take() {
            // Who asked may have gone.
            let _ = sender.send(Ok(value));
        }
    }

    /// Says that the work failed, to who still waits, or else in the server's log.
    fn fail(&mut self, failure: Failure, operation: &'static str) {
        let error = failure.during(operation);
        let unheard = match self.0.take() {
            Some(sender) => sender.send(Err(error)).err().and_then(Result::err),
            None => Some(error),
        };
        if let Some(error) = unheard {
            tracing::error!(%error, "a write failed after its answer, or without anybody to hear of it");
        }
    }
}

/// Opens the database, which may still be closing: sled's own threads hold its file for a moment after
/// the last handle of this process is gone. The folder is locked, so nobody else has it open.
pub(crate) fn open_when_free(config: &sled::Config) -> sled::Result<sled::Db> {
    let begun = Instant::now();
    loop {
        match config.open() {
            // sled says this in its text only, which is that of the pinned version.
            Err(sled::Error::Io(error))
                if error.to_string().contains("could not acquire lock")
                    && begun.elapsed() < CLOSING_MAX =>
            {
                std::thread::sleep(CLOSING_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

impl SledStore {
    /// Opens the store in a folder, which is created if need be. Blocks for some milliseconds; longer after
    /// a crash, and up to 10 s while this process is still closing it.
    ///
    /// # Errors
    /// `Contention` where another process has the folder open, `Corrupt` where the folder holds a
    /// newer format or something else, otherwise what the file system says.
    pub fn open(path: impl AsRef<Path>, options: SledOptions) -> Result<Self, StoreError> {
        let SledOptions { cache_bytes } = options;
        let folder = Folder::claim(path.as_ref())?;
        let opened = || {
            let config = sled::Config::new()
                .path(folder.path())
                .cache_capacity(cache_bytes.max(CACHE_MIN_BYTES))
                .flush_every_ms(Some(TIDY_EVERY_MILLIS));
            let db = open_when_free(&config)?;
            db.flush()?;
            let file = folder.database_file()?;
            folder.finish(&file)?;
            let room = Room::new(folder.path().to_path_buf(), file.try_clone()?);
            Journal::open(db, file, &folder.log_path(), room)
        };
        let journal = opened().map_err(|failure: Failure| {
            let message = format!(
                "the database in {} cannot be opened: {failure}",
                path.as_ref().display()
            );
            StoreError::new(failure.kind(), "open", message)
        })?;
        let inner = Arc::new(Inner {
            values: Values::new(journal.tree()),
            journal,
            rounds: Mutex::new(()),
            sweeping: Mutex::new(()),
            bell: Bell::default(),
            locks: UserLocks::default(),
            accounts: Arc::default(),
            folder,
        });
        let janitor = Janitor::start(Arc::clone(&inner))
            .map_err(|error| Failure::Io(error).during("open"))?;
        Ok(Self {
            inner,
            _janitor: janitor,
            after_answers: Arc::default(),
            turns: PushTurns::default(),
        })
    }

    /// The data folder.
    pub fn path(&self) -> &Path {
        self.inner.folder.path()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Runs `work`, which changes a user's data, with the user's lock held alone.
    ///
    /// The lock moves into the blocking task, so a caller who stops waiting neither interrupts the
    /// work nor lets anybody see it before it is on disk.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        user: UserId,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let guard = self.inner.locks.of(user).write_owned().await;
        self.blocking(operation, guard, work).await
    }

    /// Runs `work`, which changes a user's data, with the user's lock held alone, and returns as soon
    /// as it answers. It goes on with the lock held: who calls next waits for it.
    ///
    /// Room for `samples` is taken as well, after the lock: who waits for the lock of one user keeps no room from
    /// the others.
    pub(crate) async fn answering<T: Send + 'static>(
        &self,
        user: UserId,
        samples: u64,
        operation: &'static str,
        work: impl FnOnce(&Inner, &mut Answer<T>) -> Result<()> + Send + 'static,
    ) -> Result<T, StoreError> {
        let guard = self.inner.locks.of(user).write_owned().await;
        let turn = self.turns.of(samples).await;
        let (inner, after_answers) = (self.share(), Arc::clone(&self.after_answers));
        let (sender, receiver) = oneshot::channel();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            let _going_on = after_answers.read();
            let mut answer = Answer(Some(sender));
            let checked = inner.journal.check();
            let outcome = checked.and_then(|()| work(&inner, &mut answer));
            drop((turn, guard, inner));
            if let Err(failure) = outcome {
                answer.fail(failure, operation);
            }
        });
        let answer = receiver.await;
        answer.unwrap_or_else(|error| Err(no_answer(operation, error)))
    }

    /// Runs `work`, which reads what any users have written, without their locks, on a thread that may
    /// block. It finds all that was answered before.
    pub(crate) async fn unlocked<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(operation, (), move |inner| {
            inner.journal.settle()?;
            work(inner)
        })
        .await
    }

    /// Runs `work`, which reads a user's data, with the user's lock shared.
    pub(crate) async fn shared<T: Send + 'static>(
        &self,
        user: UserId,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let guard = self.inner.locks.of(user).read_owned().await;
        self.blocking(operation, guard, work).await
    }

    /// The lock of a user, shared, for who holds it over several steps.
    pub(crate) async fn hold(&self, user: UserId) -> OwnedRwLockReadGuard<()> {
        self.inner.locks.of(user).read_owned().await
    }

    /// What the methods share, for what outlives a call.
    pub(crate) fn share(&self) -> Arc<Inner> {
        Arc::clone(&self.inner)
    }

    /// Runs `work`, which makes names taken, with the lock of the accounts held alone.
    pub(crate) async fn accounts_alone<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let guard = Arc::clone(&self.inner.accounts).write_owned().await;
        self.blocking(operation, guard, work).await
    }

    /// Runs `work`, which reads accounts, with their lock shared.
    pub(crate) async fn accounts_shared<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let guard = Arc::clone(&self.inner.accounts).read_owned().await;
        self.blocking(operation, guard, work).await
    }

    /// Runs `work`, which changes one account and its sign-ins, with both locks held alone.
    pub(crate) async fn account_alone<T: Send + 'static>(
        &self,
        user: UserId,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let of_user = self.inner.locks.of(user).write_owned().await;
        let accounts = Arc::clone(&self.inner.accounts).write_owned().await;
        self.blocking(operation, (of_user, accounts), work).await
    }

    /// Runs `work`, which needs no lock or holds `guard`, on a thread that may block.
    pub(crate) async fn blocking<T: Send + 'static, G: Send + 'static>(
        &self,
        operation: &'static str,
        guard: G,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        blocking(self.share(), operation, move |inner| {
            // Dropped when the work is done, also by a panic.
            let _guard = guard;
            work(inner)
        })
        .await
    }
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    inner: Arc<Inner>,
    operation: &'static str,
    work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    // What is logged belongs to the request.
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || {
        let _entered = span.entered();
        inner.journal.check()?;
        work(&inner)
    });
    match task.await {
        Ok(outcome) => outcome.map_err(|failure: Failure| failure.during(operation)),
        Err(error) => Err(no_answer(operation, error)),
    }
}

fn no_answer(
    operation: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    let message = "the work on the database panicked or the runtime is stopping";
    StoreError::new(StoreErrorKind::Internal, operation, message)
        .may_have_applied()
        .with_source(error)
}

impl Drop for SledStore {
    /// Waits for what goes on after its answer, so that the folder is closed, as who got the answer expects.
    fn drop(&mut self) {
        drop(self.after_answers.write());
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
