//! The memory store: the oracle of the tests, and the template for authors of stores.
//!
//! It keeps records one by one in ordered maps and decides each by the last-write-wins register, so
//! that it is plainly right. Stores for real loads keep [`Block`](crate::block::Block)s and merge
//! them with [`merge_series`](crate::block::merge_series), which comes to the same.
//!
//! Read it in this order: `sync.rs` (the methods, a few lines each), `user.rs` (what belongs to one
//! user), `session.rs` (one session and its records), `rounds.rs` (remembered pull rounds),
//! `accounts.rs`, `maintenance.rs`, `results.rs`, `transfer.rs` with `export.rs` and `import.rs`.

mod accounts;
mod export;
mod import;
mod maintenance;
mod results;
mod rounds;
mod session;
mod sync;
mod transfer;
mod user;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::id::UserId;
use crate::store::TaskRun;
use accounts::Accounts;
use user::UserData;

/// A store that keeps everything in memory and forgets it when dropped.
///
/// One lock over everything makes each method atomic, in the plainest way; a store with an engine
/// below it would lock one user at a time. Work is done on the calling thread: nothing waits, but a
/// push of very many records keeps its thread busy for as long as merging takes. The sync log grows
/// without bound. Choose it for tests, demonstrations and comparisons.
#[derive(Debug, Default)]
pub struct MemoryStore {
    // Shared with the exports and imports that are open.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What the sync protocol keeps. A user appears with the first write; the protocol does not ask
    /// whether there is an account of that id.
    users: BTreeMap<UserId, UserData>,
    accounts: Accounts,
    /// The last run of each task.
    task_runs: BTreeMap<String, TaskRun>,
    /// The source of an import that has not finished.
    import: Option<String>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}
