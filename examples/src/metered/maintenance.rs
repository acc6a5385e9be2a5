//! Maintenance, measured.

use async_trait::async_trait;
use koodtx_core::store::{MaintenanceStore, StoreError, Usage, VerifyPage, VerifyPosition};

use super::MeteredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MaintenanceStore> MaintenanceStore for MeteredStore<S> {
    async fn verify(
        &self,
        after: Option<VerifyPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        self.meter
            .measure("verify", self.inner.verify(after, limit))
            .await
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.meter.measure("usage", self.inner.usage()).await
    }
}
