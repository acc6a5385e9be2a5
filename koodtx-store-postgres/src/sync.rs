//! The sync protocol on PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::id::{LogId, SessionId, UserId};
use koodtx_core::pull::{PageStart, PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{
    PushCommand, PushOutcome, SessionDetail, SessionList, StoreError, StoreInfo, SyncStore,
    UserStatus,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

use crate::{PostgresStore, log, pull, push, records, rounds, statements, unlocked};

type Answer<T> = Result<T, StoreError>;

#[async_trait]
impl SyncStore for PostgresStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "postgres",
            durable: self.is_durable(),
        }
    }

    async fn ping(&self) -> Answer<()> {
        self.read("ping", |connection| {
            Box::pin(async move {
                let answers = sqlx::query_scalar(statements::PING);
                let _: bool = answers.fetch_one(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Answer<PushOutcome> {
        let (of, command) = (self.block_type, Arc::new(command));
        match unlocked::push(self, &command, now).await {
            Ok(outcome) => return Ok(outcome),
            Err((failure, _)) if failure.may_do_under_lock() => {}
            Err((failure, stage)) => return Err(failure.during("push", stage)),
        }
        self.transaction("push", move |connection| {
            let command = Arc::clone(&command);
            Box::pin(async move { push::push(connection, of, &command, now).await })
        })
        .await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Answer<PullHead> {
        let query = Arc::new(query);
        let asked = Arc::clone(&query);
        let head = self
            .read("pull", move |connection| {
                let query = Arc::clone(&asked);
                Box::pin(async move { pull::head(connection, &query, now).await })
            })
            .await?;
        // A page that nothing follows begins no round.
        if let Some(round) = query.round
            && query.start == PageStart::Offset(0)
            && head.has_more
        {
            let (user, clock) = (query.user, head.clock);
            self.direct("pull", move |connection| {
                Box::pin(
                    async move { rounds::remember(connection, user, &round, clock, now).await },
                )
            })
            .await?;
        }
        Ok(head)
    }

    async fn read_records(&self, query: RecordQuery) -> Answer<RecordChunk> {
        let query = Arc::new(query);
        self.read("read_records", move |connection| {
            let query = Arc::clone(&query);
            Box::pin(async move { records::read(connection, &query).await })
        })
        .await
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Answer<Timestamp> {
        self.transaction("delete_session", move |connection| {
            Box::pin(push::delete(connection, user, session, now))
        })
        .await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Answer<SessionList> {
        self.read("sessions", move |connection| {
            Box::pin(pull::sessions(connection, user, before, limit))
        })
        .await
    }

    async fn session(&self, user: UserId, session: SessionId) -> Answer<Option<SessionDetail>> {
        self.read("session", move |connection| {
            Box::pin(pull::session(connection, user, session))
        })
        .await
    }

    async fn status(&self, user: UserId, recent: usize) -> Answer<UserStatus> {
        self.read("status", move |connection| {
            Box::pin(log::status(connection, user, recent))
        })
        .await
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        self.read("log_entries", move |connection| {
            Box::pin(log::entries(connection, user, after, limit))
        })
        .await
    }

    async fn log(&self, user: UserId, entry: NewSyncLogEntry, now: Timestamp) -> Answer<LogId> {
        let entry = Arc::new(entry);
        self.direct("log", move |connection| {
            let entry = Arc::clone(&entry);
            Box::pin(async move { log::append_alone(connection, user, &entry, now).await })
        })
        .await
    }
}
