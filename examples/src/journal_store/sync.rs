//! The sync protocol: reads go to the memory, writes through the journal.

use async_trait::async_trait;
use koodtx_core::id::{LogId, SessionId, UserId};
use koodtx_core::pull::{PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{
    PushCommand, PushOutcome, SessionDetail, SessionList, StoreError, StoreInfo, SyncStore,
    UserStatus,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

use super::JournalStore;
use super::command::{Command, Push};

#[async_trait]
impl SyncStore for JournalStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "journal",
            durable: true,
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.memory.ping().await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        let copy = command.clone();
        let line = move || Command::Push(Push::new(&copy));
        self.write("push", now, line, async move |memory| {
            memory.push(command, now).await
        })
        .await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        self.memory.pull(query, now).await
    }

    async fn read_records(&self, query: RecordQuery) -> Result<RecordChunk, StoreError> {
        self.memory.read_records(query).await
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let line = move || Command::DeleteSession { user, session };
        self.write("delete_session", now, line, async move |memory| {
            memory.delete_session(user, session, now).await
        })
        .await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        self.memory.sessions(user, before, limit).await
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.memory.session(user, session).await
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        self.memory.status(user, recent).await
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        self.memory.log_entries(user, after, limit).await
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        let copy = entry.clone();
        let line = move || Command::Log { user, entry: copy };
        self.write("log", now, line, async move |memory| {
            memory.log(user, entry, now).await
        })
        .await
    }
}
