//! How much was moved.

use serde::{Deserialize, Serialize};

use crate::session::SessionState;
use crate::store::TransferItem;

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Users of whom anything is stored, with an account or without.
    pub users: u64,
    /// Accounts.
    pub accounts: u64,
    /// Sign-ins.
    pub sign_ins: u64,
    /// Sessions, tombstones included.
    pub sessions: u64,
    /// Records.
    pub records: u64,
    /// Entries of sync logs.
    pub log_entries: u64,
}

impl Totals {
    /// Counts an item.
    pub fn count(&mut self, item: &TransferItem) {
        match item {
            TransferItem::Account(_) => self.accounts += 1,
            TransferItem::Family(_) => self.sign_ins += 1,
            TransferItem::Session(_) => self.sessions += 1,
            TransferItem::Block(_, block) => self.records += block.len() as u64,
            TransferItem::Log(_) => self.log_entries += 1,
            TransferItem::Deleted(_) | TransferItem::Analysis(_) | TransferItem::Clock(_) => {}
        }
    }

    /// Counts the records of a session that was counted and whose blocks are passed over.
    pub fn skip(&mut self, session: &SessionState) {
        self.records += session.data_count;
    }
}
