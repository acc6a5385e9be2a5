//! A memory store in which things happen while it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use koodtx_core::id::{LogId, SessionId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::{Damage, PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{
    PushCommand, PushOutcome, SessionDetail, SessionList, StoreError, StoreErrorKind, StoreInfo,
    SyncStore, UserStatus,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

/// What happens at a read.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody pushes, just before.
    Push(PushCommand),
    /// Somebody deletes the session, just before.
    Delete,
    /// The chunk turns out to be damaged.
    Damage(Damage),
    /// The read fails.
    Fail,
}

type Source = dyn Fn(&RecordQuery) -> RecordChunk + Send + Sync;

/// Passes everything on to a memory store, apart from reads of records.
#[derive(Default)]
pub struct ScriptedStore {
    pub inner: MemoryStore,
    /// What happens at which read, counted from 0.
    pub events: BTreeMap<usize, Event>,
    pub reads: AtomicUsize,
    /// Most records of a read, where that is less than the reader asks for.
    pub limit: Option<usize>,
    /// What every read says is damaged.
    pub damaged: Vec<Damage>,
    /// Where records come from instead of the memory store.
    pub source: Option<Box<Source>>,
}

impl fmt::Debug for ScriptedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl SyncStore for ScriptedStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        self.inner.push(command, now).await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        self.inner.pull(query, now).await
    }

    async fn read_records(&self, mut query: RecordQuery) -> Result<RecordChunk, StoreError> {
        let read = self.reads.fetch_add(1, Ordering::SeqCst);
        let event = self.events.get(&read).cloned();
        let now = Timestamp::now();
        let mut damaged = None;
        match event {
            None => {}
            Some(Event::Push(command)) => drop(self.inner.push(command, now).await?),
            Some(Event::Delete) => {
                let deletion = self.inner.delete_session(query.user, query.session, now);
                deletion.await?;
            }
            Some(Event::Damage(damage)) => damaged = Some(damage),
            Some(Event::Fail) => {
                let kind = StoreErrorKind::Unavailable;
                return Err(StoreError::new(kind, "read_records", "away"));
            }
        }
        query.limit = query.limit.min(self.limit.unwrap_or(usize::MAX));
        let mut chunk = match &self.source {
            Some(source) => source(&query),
            None => self.inner.read_records(query).await?,
        };
        chunk
            .damaged
            .extend(self.damaged.iter().cloned().chain(damaged));
        Ok(chunk)
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        self.inner.delete_session(user, session, now).await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        self.inner.sessions(user, before, limit).await
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.inner.session(user, session).await
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        self.inner.status(user, recent).await
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        self.inner.log_entries(user, after, limit).await
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        self.inner.log(user, entry, now).await
    }
}
