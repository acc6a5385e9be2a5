//! The sync protocol on sled.

use async_trait::async_trait;
use koodtx_core::id::{LogId, SessionId, UserId};
use koodtx_core::pull::{PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{
    PushCommand, PushOutcome, SessionDetail, SessionList, StoreError, StoreInfo, SyncStore,
    UserStatus,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

use crate::SledStore;
use crate::key::Key;
use crate::{delete, log, pull, push, records};

#[async_trait]
impl SyncStore for SledStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "sled",
            durable: true,
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A read of any key goes through the database, and fails once writing has failed.
        self.blocking("ping", (), |inner| {
            inner.values.get(&Key::user_record(UserId(0))).map(drop)
        })
        .await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        let (user, samples) = (command.user, command.batch.valid_records());
        let work = move |inner: &_, answer: &mut _| push::push(inner, command, now, answer);
        self.answering(user, samples, "push", work).await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        self.shared(query.user, "pull", move |inner| {
            pull::pull(inner, &query, now)
        })
        .await
    }

    async fn read_records(&self, query: RecordQuery) -> Result<RecordChunk, StoreError> {
        self.shared(query.user, "read_records", move |inner| {
            records::read(inner, &query)
        })
        .await
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let work = move |inner: &_| delete::delete(inner, user, session, now);
        self.alone(user, "delete_session", work).await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        let work = move |inner: &_| pull::sessions(inner, user, before, limit);
        self.shared(user, "sessions", work).await
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.shared(user, "session", move |inner| {
            pull::session(inner, user, session)
        })
        .await
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        self.shared(user, "status", move |inner| {
            log::status(inner, user, recent)
        })
        .await
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        self.shared(user, "log_entries", move |inner| {
            log::entries(inner, user, after, limit)
        })
        .await
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        self.alone(user, "log", move |inner| log::log(inner, user, entry, now))
            .await
    }
}
