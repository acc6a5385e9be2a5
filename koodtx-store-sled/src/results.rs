//! What background work leaves behind on sled.

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{
    ANALYSIS_MAX_BYTES, Analysis, ResultStore, StoreError, TaskRun, analysis_too_large,
};
use koodtx_core::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::SledStore;
use crate::erase;
use crate::error::{Failure, Result};
use crate::key::{Key, Table};
use crate::record;
use crate::session::SessionRecord;
use crate::store::Inner;
use crate::values::{Values, WriteSet};

#[async_trait]
impl ResultStore for SledStore {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Result<bool, StoreError> {
        if analysis.result.len() > ANALYSIS_MAX_BYTES {
            return Err(analysis_too_large(analysis.result.len()));
        }
        let work = move |inner: &Inner| put_if_welcome(inner, user, &analysis);
        self.alone(user, "put_analysis", work).await
    }

    async fn analysis(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Analysis>, StoreError> {
        self.shared(user, "analysis", move |inner| {
            match SessionRecord::find(&inner.values, user, session)? {
                Some(record) => get(&inner.values, user, &record),
                None => Ok(None),
            }
        })
        .await
    }

    async fn put_task_run(&self, run: TaskRun) -> Result<(), StoreError> {
        // Two runs of one task that end at once: the lock of the accounts serialises them as well as
        // any other, since nothing else is rarer.
        self.accounts_alone("put_task_run", move |inner| {
            let key = Key::hashed(Table::TaskRun, Sha256::digest(&run.task).into());
            let last: Option<TaskRun> = record::get(&inner.values, &key)?;
            if last.is_some_and(|last| last.started_at > run.started_at) {
                return Ok(());
            }
            let mut set = WriteSet::new(&inner.values);
            record::put(&mut set, &key, &run)?;
            inner.journal.commit(set)
        })
        .await
    }

    async fn task_runs(&self) -> Result<Vec<TaskRun>, StoreError> {
        self.blocking("task_runs", (), |inner| {
            let entries = inner.values.scan_prefix(&Key::table(Table::TaskRun));
            let runs = entries.map(|entry| record::load(&inner.values, &entry?));
            let mut runs: Vec<TaskRun> = runs.collect::<Result<_>>()?;
            runs.sort_by(|left, right| left.task.cmp(&right.task));
            Ok(runs)
        })
        .await
    }
}

fn put_if_welcome(inner: &Inner, user: UserId, analysis: &Analysis) -> Result<bool> {
    if erase::is_deleted(&inner.values, user)? {
        return Ok(false);
    }
    let Some(record) = SessionRecord::find(&inner.values, user, analysis.session)? else {
        return Ok(false);
    };
    let created_at = record.state.created_at;
    let stored = clock(&inner.values, user, created_at)?;
    if !analysis.is_welcome(Some(&record.state), stored) {
        return Ok(false);
    }
    let mut set = WriteSet::new(&inner.values);
    put(&mut set, user, created_at, analysis)?;
    inner.journal.commit(set)?;
    Ok(true)
}

/// Stores the analysis of the session created at `created_at`.
pub(crate) fn put(
    set: &mut WriteSet<'_>,
    user: UserId,
    created_at: Timestamp,
    analysis: &Analysis,
) -> Result<()> {
    let key = |table| Key::of_session(table, user, created_at);
    record::put(set, &key(Table::Analysed), &analysis.clock)?;
    set.put(&key(Table::Analysis), analysis.result.as_bytes())
}

/// The clock of the analysis of a session.
pub(crate) fn clock(
    values: &Values,
    user: UserId,
    created_at: Timestamp,
) -> Result<Option<Timestamp>> {
    record::get(values, &Key::of_session(Table::Analysed, user, created_at))
}

/// The analysis of a session.
pub(crate) fn get(
    values: &Values,
    user: UserId,
    session: &SessionRecord,
) -> Result<Option<Analysis>> {
    let created_at = session.state.created_at;
    let Some(clock) = clock(values, user, created_at)? else {
        return Ok(None);
    };
    let bytes = values.get(&Key::of_session(Table::Analysis, user, created_at))?;
    let result = String::from_utf8(bytes.unwrap_or_default())
        .map_err(|_| Failure::corrupt("an analysis is no text"))?;
    Ok(Some(Analysis {
        session: session.state.id,
        clock,
        result,
    }))
}

/// Removes the analysis of a session.
pub(crate) fn forget(set: &mut WriteSet<'_>, user: UserId, created_at: Timestamp) -> Result<()> {
    for table in [Table::Analysed, Table::Analysis] {
        set.remove(&Key::of_session(table, user, created_at))?;
    }
    Ok(())
}
