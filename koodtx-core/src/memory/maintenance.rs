//! Maintenance of the memory store.

use async_trait::async_trait;

use super::MemoryStore;
use super::session::StoredSession;
use crate::id::{SessionId, UserId};
use crate::store::{
    Erasure, FoundSessions, MaintenanceStore, Problem, RepairPage, SessionFilter, SessionPosition,
    StoreError, Usage, VerifyPage,
};
use crate::time::Timestamp;

#[async_trait]
impl MaintenanceStore for MemoryStore {
    async fn verify(
        &self,
        after: Option<SessionPosition>,
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

    async fn repair(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<RepairPage, StoreError> {
        let mut state = self.state.lock();
        let mut behind = state
            .users
            .iter_mut()
            .flat_map(|(&user, data)| {
                let sessions = data.sessions.iter_mut();
                sessions.map(move |(&created, session)| ((user, created), session))
            })
            .filter(|(position, _)| after.is_none_or(|after| *position > after));
        let mut page = RepairPage::default();
        let mut last = None;
        for (position, session) in behind.by_ref().take(limit.max(1)) {
            page.sessions += 1;
            page.repaired.extend(recount(position.0, session));
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

    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<FoundSessions, StoreError> {
        let state = self.state.lock();
        let mut matching = state
            .users
            .iter()
            .flat_map(|(&user, data)| data.sessions.values().map(move |s| (user, data, &s.state)))
            .filter(|(user, _, state)| after.is_none_or(|after| (*user, state.created_at) > after))
            .filter(|(_, data, state)| {
                let analysis = data.analyses.get(&state.id);
                filter.matches(state, analysis.map(|analysis| analysis.clock))
            })
            .map(|(user, _, state)| (user, state.clone()));
        // A page without a session could make a caller go on for ever.
        let sessions: Vec<_> = matching.by_ref().take(limit.max(1)).collect();
        let last = sessions
            .last()
            .map(|(user, state)| (*user, state.created_at));
        Ok(FoundSessions {
            next: last.filter(|_| matching.next().is_some()),
            sessions,
        })
    }

    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let mut state = self.state.lock();
        let user = state.users.get_mut(&user);
        Ok(user.and_then(|user| user.purge_samples(session, updated_at, now)))
    }

    async fn close_session(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut state = self.state.lock();
        let user = state.users.get_mut(&user);
        Ok(user.and_then(|user| user.close_session(session, updated_at, note, now)))
    }

    async fn count_logs(&self, user: UserId, before: Timestamp) -> Result<u64, StoreError> {
        let state = self.state.lock();
        let user = state.users.get(&user);
        Ok(user.map_or(0, |user| user.old_logs(before) as u64))
    }

    async fn purge_logs(
        &self,
        user: UserId,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64, StoreError> {
        let mut state = self.state.lock();
        let Some(user) = state.users.get_mut(&user) else {
            return Ok(0);
        };
        let count = user.old_logs(before).min(limit);
        user.purge_logs(count);
        Ok(count as u64)
    }

    async fn erase_deleted(&self, _: usize) -> Result<Erasure, StoreError> {
        // They went with their account.
        Ok(Erasure::default())
    }

    async fn optimise(&self, _: Timestamp) -> Result<Vec<String>, StoreError> {
        Ok(vec!["nothing to do: everything is in memory".to_owned()])
    }
}

/// Counts a session anew. The totals of users are not kept here, but counted when asked for.
fn recount(user: UserId, session: &mut StoredSession) -> Option<String> {
    let before = session.state.clone();
    session.state.data_count = session.records.len() as u64;
    session.state.data_bytes = session.data_bytes();
    session.state.series_count = session.series.len() as u64;
    session.state.recounted(&before, user)
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
    if state.data_bytes != session.data_bytes() {
        messages.push(format!(
            "data_bytes is {}, records have {}",
            state.data_bytes,
            session.data_bytes()
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
