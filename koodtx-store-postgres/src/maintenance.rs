//! What operators ask of the store.

use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::limits::ROUND_MEMORY_MAX_MICROS;
use koodtx_core::store::{
    Erasure, FoundSessions, MaintenanceStore, RepairPage, SessionFilter, SessionPosition,
    StoreError, Usage, VerifyPage,
};
use koodtx_core::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::error::{Failure, Result, Stage};
use crate::instant::Instant;
use crate::rounds::NO_SINCE;
use crate::session::state_of;
use crate::{PostgresStore, erase, push, repair, statements, verify};

type Answer<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl MaintenanceStore for PostgresStore {
    async fn verify(&self, after: Option<SessionPosition>, limit: usize) -> Answer<VerifyPage> {
        let limit = limit.max(1);
        let mut positions = self
            .read("verify", move |connection| {
                Box::pin(verify::positions(
                    connection,
                    after,
                    limit.saturating_add(1),
                ))
            })
            .await?;
        let more_follow = positions.len() > limit;
        positions.truncate(limit);

        let mut page = VerifyPage::default();
        for &position in &positions {
            let findings = self
                .snapshot("verify", move |connection| {
                    Box::pin(verify::verify(connection, position))
                })
                .await?;
            page.sessions += 1;
            page.records += findings.records;
            page.problems.extend(findings.problems);
        }
        page.next = positions.last().copied().filter(|_| more_follow);
        Ok(page)
    }

    async fn repair(&self, after: Option<SessionPosition>, limit: usize) -> Answer<RepairPage> {
        let limit = limit.max(1);
        let mut positions = self
            .read("repair", move |connection| {
                Box::pin(verify::positions(
                    connection,
                    after,
                    limit.saturating_add(1),
                ))
            })
            .await?;
        let more_follow = positions.len() > limit;
        positions.truncate(limit);

        let mut page = RepairPage::default();
        for &position in &positions {
            let repaired = self
                .transaction("repair", move |connection| {
                    Box::pin(repair::repair(connection, position))
                })
                .await?;
            page.sessions += 1;
            page.repaired.extend(repaired);
        }
        page.next = positions.last().copied().filter(|_| more_follow);
        Ok(page)
    }

    async fn usage(&self) -> Answer<Usage> {
        self.read("usage", |connection| Box::pin(usage(connection)))
            .await
    }

    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Answer<FoundSessions> {
        self.read("find_sessions", move |connection| {
            Box::pin(find_sessions(connection, filter, after, limit))
        })
        .await
    }

    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Answer<Option<u64>> {
        self.transaction("purge_samples", move |connection| {
            Box::pin(push::purge(connection, user, session, updated_at, now))
        })
        .await
    }

    async fn close_session(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Answer<Option<Timestamp>> {
        let note: Arc<str> = note.into();
        self.transaction("close_session", move |connection| {
            let note = Arc::clone(&note);
            Box::pin(
                async move { push::close(connection, user, session, updated_at, &note, now).await },
            )
        })
        .await
    }

    async fn count_logs(&self, user: UserId, before: Timestamp) -> Answer<u64> {
        self.read("count_logs", move |connection| {
            Box::pin(async move {
                let count: i64 = sqlx::query_scalar(statements::LOG_COUNT)
                    .bind(user.0)
                    .bind(before.as_micros())
                    .fetch_one(connection)
                    .await?;
                Ok(count.unsigned_abs())
            })
        })
        .await
    }

    async fn purge_logs(&self, user: UserId, before: Timestamp, limit: usize) -> Answer<u64> {
        self.direct("purge_logs", move |connection| {
            Box::pin(async move {
                let done = sqlx::query(statements::LOG_PURGE)
                    .bind(user.0)
                    .bind(before.as_micros())
                    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                    .execute(connection)
                    .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    async fn erase_deleted(&self, limit: usize) -> Answer<Erasure> {
        erase::step(self, limit).await
    }

    async fn optimise(&self, now: Timestamp) -> Answer<Vec<String>> {
        // A round is fresh for that long, and a sign-in until its time.
        let stale = now.plus_micros(-ROUND_MEMORY_MAX_MICROS);
        let rounds = self.forget(statements::ROUNDS_FORGET, stale).await?;
        let sign_ins = self.forget(statements::FAMILIES_FORGET, now).await?;
        self.vacuum().await?;
        Ok(vec![
            format!("forgot {rounds} pull rounds and {sign_ins} sign-ins that had expired"),
            "vacuumed the tables and renewed their statistics".to_owned(),
        ])
    }
}

const OPTIMISE: &str = "optimise";

impl PostgresStore {
    /// Removes what is not younger than `at`; returns how much.
    async fn forget(&self, statement: &'static str, at: Timestamp) -> Answer<u64> {
        self.direct(OPTIMISE, move |connection| {
            Box::pin(async move {
                let query = sqlx::query(statement).bind(Instant(at));
                Ok(query.execute(connection).await?.rows_affected())
            })
        })
        .await
    }

    /// Vacuums the tables, on a connection of its own: it may take longer than any other statement.
    async fn vacuum(&self) -> Answer<()> {
        let vacuumed = async {
            let options = self.pool.connect_options();
            let mut connection = PgConnection::connect_with(&options).await?;
            for statement in [NO_TIME_LIMIT, statements::VACUUM] {
                sqlx::query(statement).execute(&mut connection).await?;
            }
            connection.close().await?;
            Ok(())
        };
        vacuumed
            .await
            .map_err(|failure: Failure| failure.during(OPTIMISE, Stage::BeforeCommit))
    }
}

/// Sessions looked at in one step, so that no statement takes longer the more there are.
const STEP_MAX_SESSIONS: i64 = 4096;
const NO_TIME_LIMIT: &str = "SET statement_timeout = 0";

async fn find_sessions(
    connection: &mut PgConnection,
    filter: SessionFilter,
    after: Option<SessionPosition>,
    limit: usize,
) -> Result<FoundSessions> {
    let (name, moment) = match filter {
        SessionFilter::Ended { before } => ("ended", before),
        SessionFilter::Stalled { before } => ("stalled", before),
        SessionFilter::Created { since } => ("created", since),
        SessionFilter::Unanalysed => ("unanalysed", Timestamp::ZERO),
    };
    let limit = limit.max(1);
    let (user, created_at) = after.unwrap_or((UserId(i64::MIN), NO_SINCE));
    let end: Option<(i64, Instant)> = sqlx::query_as(statements::SESSIONS_STEP)
        .bind(user.0)
        .bind(Instant(created_at))
        .bind(STEP_MAX_SESSIONS - 1)
        .fetch_optional(&mut *connection)
        .await?;
    let (last_user, last_created) = end.unwrap_or((i64::MAX, Instant(Timestamp::MAX)));
    let rows = sqlx::query(statements::SESSIONS_WANTED)
        .bind(user.0)
        .bind(Instant(created_at))
        .bind(name)
        .bind(Instant(moment))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(last_user)
        .bind(last_created)
        .fetch_all(connection)
        .await?;
    let session = |row: &PgRow| Ok((UserId(row.try_get("user_id")?), state_of(row)?));
    let sessions: Vec<_> = rows.iter().map(session).collect::<Result<_>>()?;
    let last = sessions
        .last()
        .map(|(user, state)| (*user, state.created_at));
    Ok(FoundSessions {
        // A full page may be the last one: the next is empty then.
        next: last
            .filter(|_| sessions.len() == limit)
            .or_else(|| end.map(|(user, at)| (UserId(user), at.0))),
        sessions,
    })
}

/// Adds up the totals of all users. Users who push meanwhile are counted before or after.
async fn usage(connection: &mut PgConnection) -> Result<Usage> {
    let users: i64 = sqlx::query_scalar(statements::USERS_COUNT)
        .fetch_one(&mut *connection)
        .await?;
    let (sessions, records): (i64, i64) = sqlx::query_as(statements::TOTALS)
        .fetch_one(&mut *connection)
        .await?;
    let disk_bytes: i64 = sqlx::query_scalar(statements::DISK_BYTES)
        .fetch_one(connection)
        .await?;
    // Counts are never negative, whatever the type of the column could hold.
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    Ok(Usage {
        users: count(users),
        sessions: count(sessions),
        records: count(records),
        disk_bytes: count(disk_bytes),
    })
}
