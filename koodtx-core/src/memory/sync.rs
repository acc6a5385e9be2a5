//! The sync protocol on the memory store.

use async_trait::async_trait;

use super::MemoryStore;
use super::session::StoredSession;
use super::user::{UserData, no_such_session};
use crate::id::{LogId, SessionId, UserId};
use crate::pull::{PullHead, PullQuery, RecordChunk, RecordQuery};
use crate::store::{
    PushCommand, PushOutcome, SessionDetail, SessionList, StoreError, StoreInfo, SyncStore,
    UserStatus,
};
use crate::sync_log::{NewSyncLogEntry, SyncLogEntry};
use crate::time::Timestamp;

#[async_trait]
impl SyncStore for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "memory",
            durable: false,
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        let mut state = self.state.lock();
        state.accounts.check_not_deleted("push", command.user)?;
        // A refused push of an unknown user leaves an empty entry, which nobody can tell from none.
        state
            .users
            .entry(command.user)
            .or_default()
            .push(&command, now)
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        let mut state = self.state.lock();
        if state.accounts.deletion(query.user).is_some() {
            return Ok(UserData::default().pull(&query, now));
        }
        Ok(state.users.entry(query.user).or_default().pull(&query, now))
    }

    async fn read_records(&self, query: RecordQuery) -> Result<RecordChunk, StoreError> {
        let state = self.state.lock();
        let session = state
            .users
            .get(&query.user)
            .and_then(|user| user.session(query.session));
        // A tombstone has no records, so it needs no case of its own.
        let Some(session) = session else {
            return Ok(RecordChunk::default());
        };
        session.read(&query).map_err(|error| {
            let message = format!("user {}, session {}", query.user, query.session);
            StoreError::corrupt("read_records", message).with_source(error)
        })
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let mut state = self.state.lock();
        state.accounts.check_not_deleted("delete_session", user)?;
        let user = state
            .users
            .get_mut(&user)
            .ok_or_else(|| no_such_session(session))?;
        user.delete_session(session, now)
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        let state = self.state.lock();
        let Some(user) = state.users.get(&user) else {
            return Ok(SessionList::default());
        };
        let mut older = user.sessions_before(before);
        let sessions = older.by_ref().take(limit).cloned().collect();
        Ok(SessionList {
            sessions,
            has_more: older.next().is_some(),
        })
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        let state = self.state.lock();
        let session = state
            .users
            .get(&user)
            .and_then(|user| user.session(session));
        Ok(session
            .filter(|session| session.state.live)
            .map(StoredSession::detail))
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        let state = self.state.lock();
        Ok(state
            .users
            .get(&user)
            .map(|user| user.status(recent))
            .unwrap_or_default())
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        let state = self.state.lock();
        let log = state.users.get(&user).map_or(&[][..], |user| &user.log);
        let begin = log.partition_point(|entry| after.is_some_and(|after| entry.id <= after));
        Ok(log[begin..].iter().take(limit).cloned().collect())
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        let mut state = self.state.lock();
        state.accounts.check_not_deleted("log", user)?;
        Ok(state.users.entry(user).or_default().log(entry, now))
    }
}
