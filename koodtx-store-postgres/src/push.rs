//! Merging a push, and ending a session in one way or another.

use koodtx_core::block::MergeCounts;
use koodtx_core::id::{LogId, SessionId, UserId};
use koodtx_core::register::Effect;
use koodtx_core::session::{Admission, SessionState};
use koodtx_core::store::{PushCommand, PushOutcome, StoreError, StoreErrorKind};
use koodtx_core::time::{Tick, Timestamp};
use sqlx::PgConnection;

use crate::block::BlockType;
use crate::error::{Failure, Result};
use crate::log;
use crate::merge::{BlockWriter, Target, merge};
use crate::session::{SeriesMap, SeriesSummary, SessionRow};
use crate::statements;
use crate::user::UserTotals;

/// What a push finds.
pub(crate) struct Found {
    /// The totals of its user.
    pub(crate) totals: UserTotals,
    /// The session, where it was ever pushed.
    pub(crate) session: Option<SessionRow>,
}

/// What a push comes to, beside the blocks.
pub(crate) struct Merge {
    /// What happened to the records.
    pub(crate) counts: MergeCounts,
    /// How many records the session has now.
    pub(crate) data_count: u64,
    /// The totals of the user now.
    pub(crate) totals: UserTotals,
    /// The session as it is to be written; `None` where everything stays as it is.
    pub(crate) session: Option<SessionRow>,
}

impl Merge {
    /// The outcome of the push, which was logged as `log_id`.
    pub(crate) fn outcome(&self, log_id: LogId) -> PushOutcome {
        PushOutcome {
            inserted: self.counts.inserted,
            updated: self.counts.updated,
            duplicates: self.counts.duplicates,
            data_count: self.data_count,
            clock: self.totals.clock,
            log_id,
        }
    }
}

/// Where the blocks of a push go.
pub(crate) fn target(command: &PushCommand) -> Target {
    Target {
        user: command.user,
        session: command.batch.session.session_id,
    }
}

/// Merges a batch and logs it under the lock of its user, in a transaction.
pub(crate) async fn push(
    connection: &mut PgConnection,
    of: BlockType,
    command: &PushCommand,
    now: Timestamp,
) -> Result<PushOutcome> {
    let target = target(command);
    let totals = UserTotals::lock(connection, target.user).await?;
    let session = SessionRow::find(connection, target.user.0, target.session).await?;
    let found = Found { totals, session };
    let mut writer = BlockWriter::new(target, of);
    let merge = apply(connection, &mut writer, command, found, now).await?;
    writer.write(connection).await?;
    if let Some(row) = &merge.session {
        row.write(connection, target.user.0, &merge.totals).await?;
    }
    let entry = command.log_entry(merge.counts);
    let log_id = log::append(connection, target.user, &entry, now).await?;
    Ok(merge.outcome(log_id))
}

/// Merges a batch into what was found. What is to be written of the blocks is in `writer` then, as far as it
/// is not written yet.
pub(crate) async fn apply(
    connection: &mut PgConnection,
    writer: &mut BlockWriter,
    command: &PushCommand,
    found: Found,
    now: Timestamp,
) -> Result<Merge> {
    let batch = &command.batch;
    let mut totals = found.totals;
    let tick = Tick::after(totals.clock, now);
    let (old, mut series) = found.session.map_or((None, SeriesMap::new()), |row| {
        (Some(row.state), row.series)
    });
    let mut counts = MergeCounts {
        duplicates: batch.replaced,
        ..MergeCounts::default()
    };
    let mut admitted = match SessionState::admit(old.clone(), &batch.session, tick) {
        Admission::Admitted(merge) => merge,
        Admission::Stale(state) => {
            counts.duplicates = batch.valid_records();
            return Ok(Merge {
                counts,
                data_count: state.data_count,
                totals,
                session: None,
            });
        }
    };
    let end = |sensor_type: &_| series.get(sensor_type).map(SeriesSummary::end);
    let merged = merge(connection, writer, &batch.series, tick, end).await?;
    for (batch, merged) in batch.series.iter().zip(merged) {
        counts.add(merged.counts);
        let is_new = !series.contains_key(&batch.sensor_type);
        admitted.count_records(&merged.counts, merged.effect, is_new);
        let range = batch.records.range();
        SeriesSummary::extend(
            &mut series,
            &batch.sensor_type,
            &merged.counts,
            range,
            merged.open,
        );
    }
    let write = admitted.finish(command.quota, totals.held())?;
    if write.effect == Effect::Changed {
        totals.clock = tick.at();
    }
    let data_count = write.state.data_count;
    let session = (write.effect != Effect::Kept).then(|| {
        totals.recount(old.as_ref(), &write.state);
        SessionRow {
            state: write.state,
            series,
        }
    });
    Ok(Merge {
        counts,
        data_count,
        totals,
        session,
    })
}

/// Turns a session into a tombstone and removes its blocks, in a transaction.
pub(crate) async fn delete(
    connection: &mut PgConnection,
    user: UserId,
    id: SessionId,
    now: Timestamp,
) -> Result<Timestamp> {
    let mut totals = UserTotals::lock(connection, user).await?;
    let stored = SessionRow::find(connection, user.0, id).await?;
    let Some(old) = stored.map(|row| row.state).filter(|state| state.live) else {
        let message = format!("no live session {id}");
        let error = StoreError::new(StoreErrorKind::NotFound, "delete_session", message);
        return Err(Failure::Decided(error));
    };
    let tick = Tick::after(totals.clock, now);
    let state = old.clone().delete(tick);
    totals.clock = tick.at();
    totals.recount(Some(&old), &state);
    clear(connection, statements::ANALYSIS_REMOVE, user, id).await?;
    clear(connection, statements::BLOCKS_CLEAR, user, id).await?;
    let row = SessionRow {
        state,
        series: SeriesMap::new(),
    };
    row.write(connection, user.0, &totals).await?;
    Ok(totals.clock)
}

/// Removes what a statement says of a session.
async fn clear(
    connection: &mut PgConnection,
    statement: &'static str,
    user: UserId,
    id: SessionId,
) -> Result<()> {
    let query = sqlx::query(statement).bind(user.0).bind(id.0);
    query.execute(connection).await?;
    Ok(())
}

/// Removes all records of a session that has not changed since `updated_at`, in a transaction; returns
/// how many.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    user: UserId,
    id: SessionId,
    updated_at: Timestamp,
    now: Timestamp,
) -> Result<Option<u64>> {
    let Some(mut totals) = UserTotals::lock_if_there(connection, user).await? else {
        return Ok(None);
    };
    let stored = SessionRow::find(connection, user.0, id)
        .await?
        .map(|row| row.state);
    let Some(old) = stored.filter(|state| state.live && state.updated_at == updated_at) else {
        return Ok(None);
    };
    let state = old.clone().purge(now);
    totals.recount(Some(&old), &state);
    clear(connection, statements::BLOCKS_CLEAR, user, id).await?;
    let row = SessionRow {
        state,
        series: SeriesMap::new(),
    };
    row.write(connection, user.0, &totals).await?;
    Ok(Some(old.data_count))
}

/// Ends a session that is still recording and has not changed since `updated_at`, in a transaction;
/// returns the clock.
pub(crate) async fn close(
    connection: &mut PgConnection,
    user: UserId,
    id: SessionId,
    updated_at: Timestamp,
    note: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let Some(mut totals) = UserTotals::lock_if_there(connection, user).await? else {
        return Ok(None);
    };
    let is_due = |state: &SessionState| {
        state.live && state.updated_at == updated_at && state.fields.is_active()
    };
    let stored = SessionRow::find(connection, user.0, id).await?;
    let Some(SessionRow { state: old, series }) = stored.filter(|row| is_due(&row.state)) else {
        return Ok(None);
    };
    let tick = Tick::after(totals.clock, now);
    let last = series.values().map(|series| series.last).max();
    let state = old
        .clone()
        .close(last.map(Timestamp::from_micros), note, tick);
    totals.clock = tick.at();
    totals.recount(Some(&old), &state);
    let row = SessionRow { state, series };
    row.write(connection, user.0, &totals).await?;
    Ok(Some(totals.clock))
}
