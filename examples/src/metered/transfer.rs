//! Transfer, measured call by call; what streams between them is the inner store's.

use async_trait::async_trait;
use koodtx_core::id::UserId;
use koodtx_core::store::{StoreError, TransferStore, UserExport, UserImport};

use super::MeteredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: TransferStore> TransferStore for MeteredStore<S> {
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let call = self.inner.transfer_users(after, limit);
        self.meter.measure("transfer_users", call).await
    }

    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError> {
        let call = self.inner.export_user(user);
        self.meter.measure("export_user", call).await
    }

    async fn begin_import(&self, source: &str) -> Result<(), StoreError> {
        let call = self.inner.begin_import(source);
        self.meter.measure("begin_import", call).await
    }

    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError> {
        let call = self.inner.import_user(user);
        self.meter.measure("import_user", call).await
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        let call = self.inner.finish_import();
        self.meter.measure("finish_import", call).await
    }

    async fn unfinished_import(&self) -> Result<Option<String>, StoreError> {
        let call = self.inner.unfinished_import();
        self.meter.measure("unfinished_import", call).await
    }
}
