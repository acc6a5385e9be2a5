//! The sync protocol, measured.

use async_trait::async_trait;
use koodtx_core::id::{LogId, SessionId, UserId};
use koodtx_core::pull::{PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{
    PushCommand, PushOutcome, SessionDetail, SessionList, StoreError, StoreInfo, SyncStore,
    UserStatus,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

use super::MeteredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SyncStore> SyncStore for MeteredStore<S> {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.meter.measure("ping", self.inner.ping()).await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        self.meter
            .measure("push", self.inner.push(command, now))
            .await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        self.meter
            .measure("pull", self.inner.pull(query, now))
            .await
    }

    async fn read_records(&self, query: RecordQuery) -> Result<RecordChunk, StoreError> {
        self.meter
            .measure("read_records", self.inner.read_records(query))
            .await
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let call = self.inner.delete_session(user, session, now);
        self.meter.measure("delete_session", call).await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        self.meter
            .measure("sessions", self.inner.sessions(user, before, limit))
            .await
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.meter
            .measure("session", self.inner.session(user, session))
            .await
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        self.meter
            .measure("status", self.inner.status(user, recent))
            .await
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        let call = self.inner.log_entries(user, after, limit);
        self.meter.measure("log_entries", call).await
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        self.meter
            .measure("log", self.inner.log(user, entry, now))
            .await
    }
}
