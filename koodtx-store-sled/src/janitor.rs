//! Removing what deleted and purged sessions have left behind.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use koodtx_core::id::UserId;
use koodtx_core::time::Timestamp;
use parking_lot::{Condvar, Mutex};

use crate::error::Result;
use crate::key::{Key, KeyReader, Table};
use crate::store::Inner;
use crate::values::WriteSet;

/// Keys removed in one step: one frame of the log, which a checkpoint waits for.
const STEP_MAX_KEYS: usize = 256;

/// Wakes the janitor.
#[derive(Default)]
pub(crate) struct Bell {
    state: Mutex<BellState>,
    changed: Condvar,
}

#[derive(Default)]
struct BellState {
    rung: bool,
    stopped: bool,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.state.lock().rung = true;
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    /// Waits for a ring; false at the end.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.rung && !state.stopped {
            self.changed.wait(&mut state);
        }
        state.rung = false;
        !state.stopped
    }
}

/// A thread that removes the keys of lives that have ended, in bounded steps, beginning with those
/// that an earlier run of the program has left.
pub(crate) struct Janitor {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

impl Janitor {
    pub(crate) fn start(inner: Arc<Inner>) -> std::io::Result<Self> {
        inner.bell.ring();
        let of_thread = Arc::clone(&inner);
        let thread = thread::Builder::new()
            .name("koodtx-sled-janitor".to_owned())
            .spawn(move || {
                while of_thread.bell.wait() {
                    if let Err(failure) = sweep(&of_thread) {
                        tracing::warn!(%failure, "the records of deleted sessions stay for now");
                    }
                }
            })?;
        Ok(Self {
            inner,
            thread: Some(thread),
        })
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        self.inner.bell.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that removes the records of deleted sessions panicked");
        }
    }
}

/// Removes the keys of all lives that have ended.
pub(crate) fn sweep(inner: &Inner) -> Result<()> {
    while !inner.bell.is_stopped() {
        let _alone = inner.sweeping.lock();
        let Some(entry) = inner.values.scan_prefix(&Key::table(Table::Garbage)).next() else {
            break;
        };
        let entry = entry?;
        let mut reader = KeyReader::new(entry.key());
        if !step(inner, reader.user()?, reader.time()?)? {
            // Last, so that a stop half way is taken up again.
            let mut set = WriteSet::reclaiming(&inner.values);
            set.remove_stored(&entry);
            inner.journal.write(set)?;
        }
    }
    Ok(())
}

/// Removes all keys of a life that nobody reads or writes.
pub(crate) fn clear(inner: &Inner, user: UserId, life: Timestamp) -> Result<()> {
    while step(inner, user, life)? {}
    Ok(())
}

/// Removes all keys of an ended life, and that it ended, before it is used again.
pub(crate) fn reuse(inner: &Inner, user: UserId, life: Timestamp) -> Result<()> {
    let _alone = inner.sweeping.lock();
    let mark = Key::life(Table::Garbage, user, life);
    if !inner.values.contains(&mark)? {
        return Ok(());
    }
    clear(inner, user, life)?;
    let mut set = WriteSet::reclaiming(&inner.values);
    set.remove(&mark)?;
    inner.journal.commit(set)
}

/// Removes some keys of a life; false when none is left.
fn step(inner: &Inner, user: UserId, life: Timestamp) -> Result<bool> {
    let blocks = Key::life(Table::Block, user, life);
    let open_blocks = Key::life(Table::OpenBlock, user, life);
    let prefixes = [
        Key::parts(blocks.as_bytes()),
        blocks,
        Key::parts(open_blocks.as_bytes()),
        open_blocks,
        Key::life(Table::BlockChange, user, life),
        Key::life(Table::Series, user, life),
    ];
    let mut set = WriteSet::reclaiming(&inner.values);
    let mut removed = 0;
    for prefix in &prefixes {
        for entry in inner
            .values
            .scan_prefix(prefix)
            .take(STEP_MAX_KEYS - removed)
        {
            set.remove_stored(&entry?);
            removed += 1;
        }
    }
    if removed > 0 {
        inner.journal.write(set)?;
    }
    Ok(removed > 0)
}
