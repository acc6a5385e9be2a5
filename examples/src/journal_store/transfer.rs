//! Transfer: an import is written down item by item, like everything else.

use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::{StoreError, TransferItem, TransferStore, UserExport, UserImport};
use koodtx_core::time::Timestamp;
use tokio::sync::Mutex;

use super::JournalStore;
use super::command::Command;
use super::item::Item;

/// Imports carry all their times with them.
const NO_TIME: Timestamp = Timestamp::ZERO;

#[async_trait]
impl TransferStore for JournalStore {
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        self.memory.transfer_users(after, limit).await
    }

    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError> {
        self.memory.export_user(user).await
    }

    async fn begin_import(&self, source: &str) -> Result<(), StoreError> {
        let (source, copy) = (source.to_owned(), source.to_owned());
        let line = move || Command::BeginImport { source: copy };
        self.write("begin_import", NO_TIME, line, async move |memory| {
            memory.begin_import(&source).await
        })
        .await
    }

    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError> {
        let line = move || Command::ImportUser { user };
        let memory = self
            .write("import_user", NO_TIME, line, async move |memory| {
                memory.import_user(user).await
            })
            .await?;
        Ok(Box::new(Import {
            store: self.clone(),
            memory: Arc::new(Mutex::new(memory)),
        }))
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        let line = || Command::FinishImport;
        self.write("finish_import", NO_TIME, line, async move |memory| {
            memory.finish_import().await
        })
        .await
    }

    async fn unfinished_import(&self) -> Result<Option<String>, StoreError> {
        self.memory.unfinished_import().await
    }
}

/// One user on the way into the journal and the memory.
struct Import {
    store: JournalStore,
    memory: Arc<Mutex<Box<dyn UserImport>>>,
}

#[async_trait]
impl UserImport for Import {
    async fn holds(&mut self, session: &SessionState) -> Result<bool, StoreError> {
        self.memory.lock().await.holds(session).await
    }

    async fn write(&mut self, item: TransferItem) -> Result<(), StoreError> {
        let written_down = Item::new(&item);
        let memory = self.memory.clone();
        let line = move || Command::Import(written_down);
        self.store
            .write("import_user", NO_TIME, line, async move |_| {
                memory.lock().await.write(item).await
            })
            .await
    }

    async fn finish(self: Box<Self>) -> Result<(), StoreError> {
        // Every line is on disk already, and the clock, which comes last, has ended the last session.
        Ok(())
    }
}
