//! Maintenance.

use async_trait::async_trait;
use koodtx_core::store::{MaintenanceStore, StoreError, Usage, VerifyPage, VerifyPosition};

use super::JournalStore;

#[async_trait]
impl MaintenanceStore for JournalStore {
    async fn verify(
        &self,
        after: Option<VerifyPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        // The journal itself was read, line by line, when the store was opened.
        self.memory.verify(after, limit).await
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        let disk_bytes = self.journal.lock().await.len_bytes();
        Ok(Usage {
            disk_bytes,
            ..self.memory.usage().await?
        })
    }
}
