//! Transfer of everything out of the memory store and into it.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryStore;
use super::export::Export;
use super::import::Import;
use crate::id::UserId;
use crate::store::{StoreError, TransferStore, UserExport, UserImport, import_refused, no_import};

impl MemoryStore {
    fn owners(&self, after: Option<UserId>) -> BTreeSet<UserId> {
        let state = self.state.lock();
        let users = state.users.keys().copied().chain(state.accounts.owners());
        users
            .filter(|user| after.is_none_or(|after| *user > after))
            .collect()
    }
}

#[async_trait]
impl TransferStore for MemoryStore {
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        Ok(self.owners(after).into_iter().take(limit).collect())
    }

    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError> {
        let state = self.state.lock();
        Ok(Box::new(Export::of(&state, user)))
    }

    async fn begin_import(&self, source: &str) -> Result<(), StoreError> {
        let is_empty = self.owners(None).is_empty();
        let import = &mut self.state.lock().import;
        match import {
            Some(unfinished) if unfinished == source => Ok(()),
            None if is_empty => {
                *import = Some(source.to_owned());
                Ok(())
            }
            unfinished => Err(import_refused(source, unfinished.as_deref())),
        }
    }

    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError> {
        let state = &mut *self.state.lock();
        if state.import.is_none() {
            return Err(no_import("import_user"));
        }
        state.accounts.revoke(|sign_in| sign_in.user == user);
        Ok(Box::new(Import::new(self.state.clone(), user)))
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        let finished = self.state.lock().import.take();
        finished.map(drop).ok_or_else(|| no_import("finish_import"))
    }

    async fn unfinished_import(&self) -> Result<Option<String>, StoreError> {
        Ok(self.state.lock().import.clone())
    }
}
