//! Maintenance of the memory store.

use async_trait::async_trait;

use super::MemoryStore;
use super::session::StoredSession;
use crate::id::UserId;
use crate::store::{MaintenanceStore, Problem, StoreError, Usage, VerifyPage, VerifyPosition};
use crate::time::Timestamp;

#[async_trait]
impl MaintenanceStore for MemoryStore {
    async fn verify(
        &self,
        after: Option<VerifyPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        let state = self.state.lock();
        let mut behind = state
            .users
            .iter()
            .flat_map(|(&user, data)| {
                data.sessions
                    .iter()
                    .map(move |(&created, session)| ((user, created), data.clock, session))
            })
            .filter(|(position, _, _)| after.is_none_or(|after| *position > after));

        let mut page = VerifyPage::default();
        let mut last = None;
        // A page without a session could make a caller go on for ever.
        for (position, clock, session) in behind.by_ref().take(limit.max(1)) {
            page.sessions += 1;
            page.records += session.records.len() as u64;
            page.problems.extend(problems(position.0, clock, session));
            last = Some(position);
        }
        page.next = last.filter(|_| behind.next().is_some());
        Ok(page)
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        let state = self.state.lock();
        let sessions = || state.users.values().flat_map(|user| user.sessions.values());
        Ok(Usage {
            users: state.accounts.count(),
            sessions: sessions().filter(|session| session.state.live).count() as u64,
            records: sessions().map(|session| session.records.len() as u64).sum(),
            disk_bytes: 0,
        })
    }
}

/// What is wrong with a session. Nothing can be, short of a defect of this store: there are no
/// bytes here that could rot.
fn problems(user: UserId, clock: Timestamp, session: &StoredSession) -> Vec<Problem> {
    let StoredSession {
        state,
        records,
        series,
    } = session;
    let newest = records.values().map(|record| record.changed).max();
    let mut messages = Vec::new();
    if state.data_count != records.len() as u64 {
        messages.push(format!(
            "data_count is {}, records are {}",
            state.data_count,
            records.len()
        ));
    }
    if state.series_count != series.len() as u64 {
        messages.push(format!(
            "series_count is {}, series are {}",
            state.series_count,
            series.len()
        ));
    }
    if state.updated_at > clock || newest.is_some_and(|newest| newest > state.updated_at) {
        messages.push(format!("a clock is ahead of the user clock {clock}"));
    }
    if !state.live && !records.is_empty() {
        messages.push("a tombstone has records".to_owned());
    }
    let problem = |message| Problem {
        user,
        session: state.id,
        sensor_type: None,
        message,
    };
    messages.into_iter().map(problem).collect()
}
