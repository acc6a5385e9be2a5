//! The users of a store, one after another.

use std::collections::VecDeque;

use crate::id::UserId;
use crate::store::{StoreError, TransferStore};

/// Users looked up in one step.
const STEP_USERS_COUNT: usize = 100;

/// The users of whom a store holds anything, ascending; looked up some at a time.
#[derive(Debug)]
pub struct Users<'a> {
    store: &'a dyn TransferStore,
    read: VecDeque<UserId>,
    last: Option<UserId>,
    is_last: bool,
}

impl<'a> Users<'a> {
    /// Begins with the first.
    pub fn new(store: &'a dyn TransferStore) -> Self {
        Self {
            store,
            read: VecDeque::new(),
            last: None,
            is_last: false,
        }
    }

    /// The next user; `None` at the end.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn next(&mut self) -> Result<Option<UserId>, StoreError> {
        let next = self.peek().await?;
        self.read.pop_front();
        Ok(next)
    }

    pub(super) async fn peek(&mut self) -> Result<Option<UserId>, StoreError> {
        if self.read.is_empty() && !self.is_last {
            let users = self
                .store
                .transfer_users(self.last, STEP_USERS_COUNT)
                .await?;
            self.is_last = users.len() < STEP_USERS_COUNT;
            self.last = users.last().copied().or(self.last);
            self.read.extend(users);
        }
        Ok(self.read.front().copied())
    }

    /// Goes on behind `user`, if that is the next.
    pub(super) fn pass(&mut self, user: UserId) {
        if self.read.front() == Some(&user) {
            self.read.pop_front();
        }
    }
}
