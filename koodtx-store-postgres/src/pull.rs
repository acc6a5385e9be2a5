//! The head of a pull, and lists of sessions.

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::pull::{PageStart, PullHead, PullQuery};
use koodtx_core::store::{SessionDetail, SessionList};
use koodtx_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::error::Result;
use crate::instant::Instant;
use crate::rounds::{self, NO_SINCE};
use crate::session::{SessionRow, state_of};
use crate::statements;

/// Reads one page, in one statement: so clock, total and page are of one moment. `round_clock` is
/// filled in, and nothing is remembered.
pub(crate) async fn head(
    connection: &mut PgConnection,
    query: &PullQuery,
    now: Timestamp,
) -> Result<PullHead> {
    let statement = match (&query.session_ids, query.since) {
        (Some(_), _) => statements::PULL_NAMED,
        (None, Some(_)) => statements::PULL_CHANGED,
        (None, None) => statements::PULL_ALL,
    };
    let (after, skip) = match query.start {
        PageStart::Offset(offset) => (NO_SINCE, offset),
        PageStart::After(created_at) => (created_at, 0),
    };
    let mut bound = sqlx::query(statement)
        .bind(query.user.0)
        .bind(Instant(after))
        .bind(to_bigint(skip))
        .bind(to_bigint(query.limit.saturating_add(1)));
    if statement != statements::PULL_ALL {
        bound = bound.bind(Instant(query.since.unwrap_or(NO_SINCE)));
    }
    if let Some(ids) = &query.session_ids {
        bound = bound.bind(ids.iter().map(|id| id.0).collect::<Vec<Uuid>>());
    }
    let rows = bound.fetch_all(&mut *connection).await?;

    let mut head = PullHead {
        clock: Timestamp::ZERO,
        round_clock: None,
        total: 0,
        sessions: Vec::new(),
        has_more: false,
    };
    for row in &rows {
        head.clock = row.try_get::<Instant, _>(0)?.0;
        head.total = row.try_get::<i64, _>(1)?.unsigned_abs();
        if row.try_get::<Option<Uuid>, _>("session_id")?.is_some() {
            head.sessions.push(state_of(row)?);
        }
    }
    head.has_more = head.sessions.len() > query.limit;
    head.sessions.truncate(query.limit);
    if let Some(round) = &query.round
        && query.start != PageStart::Offset(0)
    {
        head.round_clock = rounds::find(connection, query.user, round, now).await?;
    }
    Ok(head)
}

/// Live sessions created before `before`, the newest first.
pub(crate) async fn sessions(
    connection: &mut PgConnection,
    user: UserId,
    before: Option<Timestamp>,
    limit: usize,
) -> Result<SessionList> {
    const NO_BOUND: Timestamp = Timestamp::from_micros(i64::MAX);
    let rows = sqlx::query(statements::SESSIONS_LIST)
        .bind(user.0)
        .bind(Instant(before.unwrap_or(NO_BOUND)))
        .bind(to_bigint(limit.saturating_add(1)))
        .fetch_all(connection)
        .await?;
    let sessions = rows.iter().take(limit).map(state_of);
    Ok(SessionList {
        sessions: sessions.collect::<Result<_>>()?,
        has_more: rows.len() > limit,
    })
}

/// One live session with its series.
pub(crate) async fn session(
    connection: &mut PgConnection,
    user: UserId,
    id: SessionId,
) -> Result<Option<SessionDetail>> {
    let row = SessionRow::find(connection, user.0, id).await?;
    let live = row.filter(|row| row.state.live);
    Ok(live.map(|row| SessionDetail {
        state: row.state,
        series: row
            .series
            .into_iter()
            .map(|(sensor_type, one)| one.stats(sensor_type))
            .collect(),
    }))
}

fn to_bigint(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
