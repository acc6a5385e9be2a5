//! Counting anew what is counted.

use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::SessionPosition;
use sqlx::PgConnection;

use crate::error::Result;
use crate::instant::Instant;
use crate::session::{SeriesMap, SessionRow};
use crate::user::UserTotals;
use crate::{erase, statements, verify};

/// Counts one session or tombstone anew, and the totals of its user where it is the user's last one;
/// in a transaction.
pub(crate) async fn repair(
    connection: &mut PgConnection,
    position: SessionPosition,
) -> Result<Vec<String>> {
    let user = position.0;
    match erase::is_erased(connection, user).await? {
        Some(true) => {
            erase::set_erased(connection, user, false).await?;
            return Ok(vec![format!(
                "user {user}: was deleted, and what was left is to be erased now"
            )]);
        }
        Some(false) => return Ok(Vec::new()),
        None => {}
    }
    let totals = UserTotals::lock(connection, user).await?;
    let mut repaired = session(connection, position, totals).await?;
    let next = verify::positions(connection, Some(position), 1).await?;
    if next.first().is_none_or(|(user, _)| *user != position.0) {
        repaired.extend(recount(connection, position.0).await?);
    }
    Ok(repaired)
}

async fn session(
    connection: &mut PgConnection,
    (user, created_at): SessionPosition,
    mut totals: UserTotals,
) -> Result<Vec<String>> {
    let stored = match SessionRow::at(connection, user.0, created_at).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(Vec::new()),
        // What cannot be read cannot be counted.
        Err(failure) if failure.is_unreadable_value() => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let series = verify::series_of(connection, user, stored.clone()).await?;
    // How much a damaged block holds is not known, and what a deletion has left is no session's.
    let Some((series, bytes)) = series.filter(|(series, _)| stored.state.live || series.is_empty())
    else {
        return Ok(Vec::new());
    };
    let mut state = stored.state.clone();
    state.data_count = series.values().map(|series| series.count).sum();
    state.data_bytes = bytes;
    state.series_count = series.len() as u64;
    let place = format!("user {user}, session {}", state.id);
    let mut repaired = differences(&place, &stored.series, &series);
    repaired.extend(state.recounted(&stored.state, user));
    if !repaired.is_empty() {
        totals.recount(Some(&stored.state), &state);
        let row = SessionRow { state, series };
        row.write(connection, user.0, &totals).await?;
    }
    Ok(repaired)
}

/// Which series are counted wrong.
fn differences(place: &str, stored: &SeriesMap, counted: &SeriesMap) -> Vec<String> {
    let gone = stored
        .keys()
        .filter(|name| !counted.contains_key(*name))
        .map(|name| format!("{place}, sensor {name}: a series of nothing removed"));
    let wrong = counted
        .iter()
        .filter(|(name, series)| stored.get(*name) != Some(series))
        .map(|(name, series)| {
            let before = stored.get(name).map_or(0, |before| before.count);
            format!(
                "{place}, sensor {name}: {} records counted, were {before}, or their range was wrong",
                series.count
            )
        });
    gone.chain(wrong).collect()
}

/// Adds up all sessions of a user.
async fn recount(connection: &mut PgConnection, user: UserId) -> Result<Option<String>> {
    let before = UserTotals::read(connection, user).await?;
    sqlx::query(statements::TOTALS_RECOUNT)
        .bind(user.0)
        .bind(Instant(before.clock))
        .execute(&mut *connection)
        .await?;
    let after = UserTotals::read(connection, user).await?;
    Ok(SessionState::totals_recounted(
        before.totals(),
        after.totals(),
        user,
    ))
}
