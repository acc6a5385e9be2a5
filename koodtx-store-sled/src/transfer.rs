//! Transfer of everything out of sled and into it.

use async_trait::async_trait;
use koodtx_core::id::UserId;
use koodtx_core::store::{
    StoreError, TransferStore, UserExport, UserImport, import_refused, no_import,
};

use crate::SledStore;
use crate::error::{Failure, Result};
use crate::export::Export;
use crate::import::{self, Import};
use crate::key::{Key, KeyReader, Table};
use crate::record;
use crate::store::Inner;
use crate::values::{Values, WriteSet};

/// The tables in which a user may first appear.
const USERS: [Table; 4] = [Table::Account, Table::Deleted, Table::User, Table::Family];

#[async_trait]
impl TransferStore for SledStore {
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        self.unlocked("transfer_users", move |inner| {
            users(&inner.values, after, limit)
        })
        .await
    }

    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError> {
        let lock = self.hold(user).await;
        let export = Export::new(self.share(), lock, user);
        Ok(Box::new(export))
    }

    async fn begin_import(&self, source: &str) -> Result<(), StoreError> {
        let source = source.to_owned();
        self.accounts_alone("begin_import", move |inner| begin(inner, &source))
            .await
    }

    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError> {
        let work = move |inner: &Inner| {
            unfinished(&inner.values)?.ok_or_else(|| no_import("import_user"))?;
            import::prepare(inner, user)
        };
        self.alone(user, "import_user", work).await?;
        Ok(Box::new(Import::new(self.share(), user)))
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        self.accounts_alone("finish_import", |inner| {
            unfinished(&inner.values)?.ok_or_else(|| no_import("finish_import"))?;
            let mut set = WriteSet::new(&inner.values);
            set.remove(&Key::table(Table::Import))?;
            inner.journal.commit(set)?;
            // For the lives of sessions that were imported twice.
            inner.bell.ring();
            Ok(())
        })
        .await
    }

    async fn unfinished_import(&self) -> Result<Option<String>, StoreError> {
        self.blocking("unfinished_import", (), |inner| unfinished(&inner.values))
            .await
    }
}

fn unfinished(values: &Values) -> Result<Option<String>> {
    record::get(values, &Key::table(Table::Import))
}

fn begin(inner: &Inner, source: &str) -> Result<()> {
    inner.journal.settle()?;
    match unfinished(&inner.values)? {
        Some(unfinished) if unfinished == source => Ok(()),
        None if users(&inner.values, None, 1)?.is_empty() => {
            let mut set = WriteSet::new(&inner.values);
            record::put(&mut set, &Key::table(Table::Import), &source)?;
            inner.journal.commit(set)
        }
        unfinished => Err(Failure::Decided(import_refused(
            source,
            unfinished.as_deref(),
        ))),
    }
}

/// Users behind `after` of whom there is anything, found by seeking from one to the next.
fn users(values: &Values, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>> {
    let mut users = Vec::new();
    let mut last = after;
    while users.len() < limit {
        let mut next = None;
        for table in USERS {
            let from =
                last.map_or_else(|| Key::table(table), |last| Key::of_user(table, last).end());
            if let Some(entry) = values.scan(&from, &Key::table(table).end()).next() {
                let user = KeyReader::new(entry?.key()).user()?;
                next = next.map_or(Some(user), |next: UserId| Some(next.min(user)));
            }
        }
        let Some(next) = next else { break };
        users.push(next);
        last = Some(next);
    }
    Ok(users)
}
