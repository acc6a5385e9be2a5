//! Transfer, measured call by call; what streams between them is the inner store's.

use async_trait::async_trait;
use koodtx_core::id::UserId;
use koodtx_core::store::{StoreError, TransferStore, UserExport, UserImport};

use super::MeasuredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl TransferStore for MeasuredStore {
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let call = self.inner.transfer_users(after, limit);
        self.times.measure("transfer_users", call).await
    }

    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError> {
        let call = self.inner.export_user(user);
        self.times.measure("export_user", call).await
    }

    async fn begin_import(&self, source: &str) -> Result<(), StoreError> {
        let call = self.inner.begin_import(source);
        self.times.measure("begin_import", call).await
    }

    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError> {
        let call = self.inner.import_user(user);
        self.times.measure("import_user", call).await
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        let call = self.inner.finish_import();
        self.times.measure("finish_import", call).await
    }

    async fn unfinished_import(&self) -> Result<Option<String>, StoreError> {
        let call = self.inner.unfinished_import();
        self.times.measure("unfinished_import", call).await
    }
}
