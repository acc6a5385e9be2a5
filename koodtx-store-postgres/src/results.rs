//! What background work leaves behind.

use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{
    ANALYSIS_MAX_BYTES, Analysis, ResultStore, StoreError, TaskRun, analysis_too_large,
};
use koodtx_core::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;
use crate::instant::Instant;
use crate::session::SessionRow;
use crate::user::UserTotals;
use crate::{PostgresStore, statements};

type Answer<T> = std::result::Result<T, StoreError>;

/// The columns of an analysis.
pub(crate) type AnalysisRow = (Uuid, Instant, String);

/// The analysis of a row.
pub(crate) fn analysis_of((session, clock, result): AnalysisRow) -> Analysis {
    Analysis {
        session: SessionId(session),
        clock: clock.0,
        result,
    }
}

#[async_trait]
impl ResultStore for PostgresStore {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Answer<bool> {
        if analysis.result.len() > ANALYSIS_MAX_BYTES {
            return Err(analysis_too_large(analysis.result.len()));
        }
        let analysis = Arc::new(analysis);
        self.transaction("put_analysis", move |connection| {
            let analysis = Arc::clone(&analysis);
            Box::pin(async move { put_if_welcome(connection, user, &analysis).await })
        })
        .await
    }

    async fn analysis(&self, user: UserId, session: SessionId) -> Answer<Option<Analysis>> {
        self.read("analysis", move |connection| {
            Box::pin(async move {
                let row = sqlx::query_as(statements::ANALYSIS_READ)
                    .bind(user.0)
                    .bind(session.0)
                    .fetch_optional(connection)
                    .await?;
                Ok(row.map(analysis_of))
            })
        })
        .await
    }

    async fn put_task_run(&self, run: TaskRun) -> Answer<()> {
        let run = Arc::new(run);
        self.direct("put_task_run", move |connection| {
            let run = Arc::clone(&run);
            Box::pin(async move {
                sqlx::query(statements::TASK_RUN_WRITE)
                    .bind(&run.task)
                    .bind(Instant(run.started_at))
                    .bind(Instant(run.finished_at))
                    .bind(run.succeeded)
                    .bind(&run.outcome)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn task_runs(&self) -> Answer<Vec<TaskRun>> {
        self.read("task_runs", |connection| Box::pin(task_runs(connection)))
            .await
    }
}

async fn put_if_welcome(
    connection: &mut PgConnection,
    user: UserId,
    analysis: &Analysis,
) -> Result<bool> {
    if UserTotals::lock_if_there(connection, user).await?.is_none() {
        return Ok(false);
    }
    let session = SessionRow::find(connection, user.0, analysis.session).await?;
    let stored: Option<Instant> = sqlx::query_scalar(statements::ANALYSIS_CLOCK)
        .bind(user.0)
        .bind(analysis.session.0)
        .fetch_optional(&mut *connection)
        .await?;
    let session = session.as_ref().map(|row| &row.state);
    if !analysis.is_welcome(session, stored.map(Timestamp::from)) {
        return Ok(false);
    }
    put(connection, user, analysis).await?;
    Ok(true)
}

/// Stores an analysis in place of the one that may be there.
pub(crate) async fn put(
    connection: &mut PgConnection,
    user: UserId,
    analysis: &Analysis,
) -> Result<()> {
    sqlx::query(statements::ANALYSIS_WRITE)
        .bind(user.0)
        .bind(analysis.session.0)
        .bind(Instant(analysis.clock))
        .bind(&analysis.result)
        .execute(connection)
        .await?;
    Ok(())
}

async fn task_runs(connection: &mut PgConnection) -> Result<Vec<TaskRun>> {
    let rows: Vec<(String, Instant, Instant, bool, String)> =
        sqlx::query_as(statements::TASK_RUNS_READ)
            .fetch_all(connection)
            .await?;
    let run = |(task, started_at, finished_at, succeeded, outcome): (_, Instant, Instant, _, _)| {
        TaskRun {
            task,
            started_at: started_at.0,
            finished_at: finished_at.0,
            succeeded,
            outcome,
        }
    };
    Ok(rows.into_iter().map(run).collect())
}
