//! Moving everything that a store holds into another one: for copies and backups.

use std::fmt::{self, Debug};

use async_trait::async_trait;

use super::{Analysis, Credentials, DeletedUser, SignIn, StoreError, StoreErrorKind, TokenHash};
use crate::block::Block;
use crate::id::{SensorType, UserId};
use crate::session::SessionState;
use crate::sync_log::SyncLogEntry;
use crate::time::Timestamp;

/// A sign-in with the hash of its current refresh token. `Debug` hides the hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Family {
    /// The sign-in.
    pub sign_in: SignIn,
    /// Hash of its current refresh token.
    pub token: TokenHash,
}

impl Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("sign_in", &self.sign_in)
            .finish_non_exhaustive()
    }
}

/// One piece of what a store holds of a user.
#[derive(Clone, Debug, PartialEq)]
pub enum TransferItem {
    /// That the user was deleted. Only the clock follows, at zero, also where something is still to be
    /// erased.
    Deleted(DeletedUser),
    /// The account; absent where the store is used without accounts.
    Account(Credentials),
    /// A sign-in, expired or not.
    Family(Family),
    /// A session or tombstone. Its blocks follow at once.
    Session(SessionState),
    /// The next records of the session before: within the limits of a block, in the order
    /// `(sensor_type, time)`.
    Block(SensorType, Block),
    /// The analysis of a live session.
    Analysis(Analysis),
    /// An entry of the sync log.
    Log(SyncLogEntry),
    /// The user clock. The last item, and always there.
    Clock(Timestamp),
}

/// Everything of one user, item by item.
///
/// The order is that of the variants of [`TransferItem`]: the deletion or the account, sign-ins by id, sessions by
/// `created_at` each with its blocks, analyses by session, log entries by id, the clock. It is exact at that clock: nothing
/// that was pushed after the export began is in it, nor half of it.
#[async_trait]
pub trait UserExport: Send {
    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt`, with the place, where something stored cannot be read: an export leaves nothing out.
    async fn next(&mut self) -> Result<Option<TransferItem>, StoreError>;

    /// Passes over what is left of the blocks of the latest session, without reading them where that
    /// is possible. The next item is not a block.
    async fn skip_blocks(&mut self) -> Result<(), StoreError>;
}

/// Everything of one user on its way into a store.
///
/// Items come in the order in which [`UserExport`] gives them out, though a session that the store
/// [`holds`](Self::holds) may be left out with its blocks. Each replaces what the store has under its
/// key, so that an import that broke off can be made again from the beginning. A session is there with
/// all its blocks or not at all, and the clock is stored last. Dropped before `finish`, an import may
/// leave behind any of its items, but no part of a session.
#[async_trait]
pub trait UserImport: Send {
    /// Whether an earlier attempt has left this session, in this very state and so with all its
    /// records.
    async fn holds(&mut self, session: &SessionState) -> Result<bool, StoreError>;

    /// Takes in the next item. It may become durable only with a later one, or with `finish`.
    ///
    /// # Errors
    /// `AlreadyExists` for an account with a name, email address or device that another account has, and
    /// for a deleted one with the name of another.
    async fn write(&mut self, item: TransferItem) -> Result<(), StoreError>;

    /// Makes everything that was written durable.
    async fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// Transfer of everything that a store holds.
///
/// # Laws
///
/// - An export has everything from which the store answers clients, apart from remembered rounds:
///   accounts, sign-ins, clocks, sessions with every register and stamp, tombstones, records with
///   their `changed` and stamps, analyses, log entries. After an import no client can tell the stores
///   apart. What tasks did last belongs to an installation and stays there.
/// - Memory is bounded, whatever a user has stored.
/// - While an import is under way, nothing else writes to the store. The store remembers that it is
///   under way, so that a server can refuse to serve half of the data.
/// - The caller answers for the order of items and for what they say of each other (see
///   [`ItemOrder`](crate::transfer::ItemOrder)); a store takes them as they are.
#[async_trait]
pub trait TransferStore: Send + Sync + Debug + 'static {
    /// Users of whom anything is stored (an account or its deletion, sign-ins, sessions, a log) with ids above
    /// `after`, ascending. Fewer than `limit` only at the end.
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError>;

    /// Opens everything of one user for reading, exact at one clock. Pushes of that user may have to
    /// wait until the export is dropped. A user of whom nothing is stored has the clock zero.
    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError>;

    /// Begins an import, or goes on with one that broke off. `source` names where the data come from,
    /// for operators. Durable when it returns.
    ///
    /// # Errors
    /// `AlreadyExists` where the store holds anything that is not from an unfinished import of the
    /// same source.
    async fn begin_import(&self, source: &str) -> Result<(), StoreError>;

    /// Opens one user for writing, and removes the sign-ins that an earlier attempt has left of that
    /// user: one may have been revoked since. One user at a time.
    ///
    /// # Errors
    /// `NotFound` where no import is under way.
    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError>;

    /// Ends an import: the store may be used. Accounts that are created from now on get ids above
    /// those of all imported accounts, deleted ones included. Durable when it returns.
    ///
    /// # Errors
    /// `NotFound` where no import is under way.
    async fn finish_import(&self) -> Result<(), StoreError>;

    /// The source of an import that was begun and not finished; `None` for a store that may be used.
    async fn unfinished_import(&self) -> Result<Option<String>, StoreError>;
}

/// Why an import does not begin in a store with other content.
pub fn import_refused(source: &str, unfinished: Option<&str>) -> StoreError {
    let message = match unfinished {
        Some(other) => format!(
            "it holds a part of an import from {other}, which cannot go on with {source}: finish \
             that one, or empty the store"
        ),
        None => "it is not empty: everything is imported into an empty store".to_owned(),
    };
    StoreError::new(StoreErrorKind::AlreadyExists, "begin_import", message)
}

/// There is no import that could go on or end.
pub fn no_import(operation: &'static str) -> StoreError {
    let message = "no import is under way: begin one first";
    StoreError::new(StoreErrorKind::NotFound, operation, message)
}
