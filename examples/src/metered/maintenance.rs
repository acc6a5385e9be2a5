//! Maintenance, measured.

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{
    Erasure, FoundSessions, MaintenanceStore, RepairPage, SessionFilter, SessionPosition,
    StoreError, Usage, VerifyPage,
};
use koodtx_core::time::Timestamp;

use super::MeteredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MaintenanceStore> MaintenanceStore for MeteredStore<S> {
    async fn verify(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        self.meter
            .measure("verify", self.inner.verify(after, limit))
            .await
    }

    async fn repair(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<RepairPage, StoreError> {
        self.meter
            .measure("repair", self.inner.repair(after, limit))
            .await
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.meter.measure("usage", self.inner.usage()).await
    }
    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<FoundSessions, StoreError> {
        self.meter
            .measure(
                "find_sessions",
                self.inner.find_sessions(filter, after, limit),
            )
            .await
    }

    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        self.meter
            .measure(
                "purge_samples",
                self.inner.purge_samples(user, session, updated_at, now),
            )
            .await
    }

    async fn close_session(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.meter
            .measure(
                "close_session",
                self.inner
                    .close_session(user, session, updated_at, note, now),
            )
            .await
    }

    async fn count_logs(&self, user: UserId, before: Timestamp) -> Result<u64, StoreError> {
        self.meter
            .measure("count_logs", self.inner.count_logs(user, before))
            .await
    }

    async fn purge_logs(
        &self,
        user: UserId,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64, StoreError> {
        self.meter
            .measure("purge_logs", self.inner.purge_logs(user, before, limit))
            .await
    }

    async fn erase_deleted(&self, limit: usize) -> Result<Erasure, StoreError> {
        let call = self.inner.erase_deleted(limit);
        self.meter.measure("erase_deleted", call).await
    }

    async fn optimise(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.meter
            .measure("optimise", self.inner.optimise(now))
            .await
    }
}
