//! A store as a third party would write it: one append-only file, replayed into memory at the start.
//!
//! It needs little code because of two properties of the [store traits](koodtx_core::store). A store
//! never reads the clock (`now` is an argument), so each write is a function of what is stored and
//! of its arguments: replaying the writes in their order gives the same state, clock and ids again.
//! And each method is one atomic step, so one line of the file is one step.
//!
//! What it is good for: small servers and demonstrations, since everything has to fit into memory,
//! the file only grows, and every write waits for a sync of its own. What it is not short of: the
//! laws of the traits. `tests/third_party_store.rs` runs the whole conformance suite on it.

mod accounts;
mod command;
mod item;
mod journal;
mod maintenance;
mod results;
mod sync;
mod transfer;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{StoreError, StoreErrorKind};
use koodtx_core::time::Timestamp;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::{JoinError, spawn_blocking};

use command::{Command, Line, Replay};
use journal::Journal;

/// A store that keeps a journal of all writes in a folder, and everything else in memory. Clones are
/// the same store.
#[derive(Clone, Debug)]
pub struct JournalStore {
    memory: Arc<MemoryStore>,
    journal: Arc<Mutex<Journal>>,
}

impl JournalStore {
    /// Opens the store in `folder`, which is created if need be, and replays its journal.
    ///
    /// # Errors
    /// `Contention` where another process has the folder open, `Corrupt` where the journal cannot be
    /// read, otherwise what the file system says.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref().to_owned();
        let opened = spawn_blocking(move || Journal::open(&folder)).await;
        let (journal, lines) = opened.map_err(|error| interrupted("open", error))??;
        let memory = MemoryStore::new();
        let mut replay = Replay::new(&memory);
        for line in lines {
            replay.line(line).await?;
        }
        Ok(Self {
            memory: Arc::new(memory),
            journal: Arc::new(Mutex::new(journal)),
        })
    }

    /// Writes a line, and only then lets `effect` show it to readers: what anybody has seen is on
    /// disk.
    async fn write<T, F>(
        &self,
        operation: &'static str,
        now: Timestamp,
        command: impl FnOnce() -> Command + Send + 'static,
        effect: impl FnOnce(Arc<MemoryStore>) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let (memory, journal) = (self.memory.clone(), self.journal.clone());
        // A task of its own: a caller who stops waiting must not part a line from its effect.
        let task = tokio::spawn(async move {
            // Held until the effect is there, so that effects follow in the order of the lines.
            let journal = journal.lock_owned().await;
            let written = spawn_blocking(move || append(journal, operation, now, command()));
            let _journal = written
                .await
                .map_err(|error| interrupted(operation, error))??;
            effect(memory).await
        });
        task.await
            .unwrap_or_else(|error| Err(interrupted(operation, error)))
    }
}

/// Writes one line and gives the journal back.
fn append(
    mut journal: OwnedMutexGuard<Journal>,
    operation: &'static str,
    now: Timestamp,
    command: Command,
) -> Result<OwnedMutexGuard<Journal>, StoreError> {
    journal.append(operation, &Line { now, command })?;
    Ok(journal)
}

/// The error of a task that panicked, or was cut short as the runtime stops.
fn interrupted(operation: &'static str, error: JoinError) -> StoreError {
    StoreError::new(StoreErrorKind::Internal, operation, "the work broke off")
        .may_have_applied()
        .with_source(error)
}
