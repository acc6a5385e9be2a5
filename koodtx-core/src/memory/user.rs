//! What the store keeps of one user, and the steps that change it.
//!
//! Every step follows the same three parts: read, decide with the pure functions of the crate, and
//! only then write. Where deciding fails, nothing has been written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::rounds::Rounds;
use super::session::{Decision, StoredSession};
use crate::block::MergeCounts;
use crate::id::{LogId, SensorType, SessionId};
use crate::pull::{PageStart, PullHead, PullQuery};
use crate::push::{PushBatch, SeriesBatch};
use crate::register::Effect;
use crate::session::{Admission, SessionState, SessionWrite};
use crate::store::{
    Analysis, Held, PushCommand, PushOutcome, StoreError, StoreErrorKind, UserStatus,
};
use crate::sync_log::{NewSyncLogEntry, SyncLogEntry};
use crate::time::{Tick, Timestamp};

/// Everything of one user.
#[derive(Clone, Debug, Default)]
pub(super) struct UserData {
    /// The user clock: when the last effective change was committed.
    pub(super) clock: Timestamp,
    /// Sessions and tombstones by `created_at`, which is unique within the user, never changes, and
    /// is the order of every page.
    pub(super) sessions: BTreeMap<Timestamp, StoredSession>,
    created: BTreeMap<SessionId, Timestamp>,
    /// The latest analyses of live sessions.
    pub(super) analyses: BTreeMap<SessionId, Analysis>,
    pub(super) log: Vec<SyncLogEntry>,
    /// The id given out last, whose entry may have been purged.
    last_log: Option<LogId>,
    rounds: Rounds,
}

impl UserData {
    /// The session or tombstone of that id.
    pub(super) fn session(&self, id: SessionId) -> Option<&StoredSession> {
        self.sessions.get(self.created.get(&id)?)
    }

    /// Stores a session in place of the one of that id.
    pub(super) fn put_session(&mut self, session: StoredSession) {
        let SessionState { id, created_at, .. } = session.state;
        self.analyses.remove(&id);
        if let Some(before) = self.created.insert(id, created_at) {
            self.sessions.remove(&before);
        }
        self.sessions.insert(created_at, session);
    }

    /// Stores a log entry in place of the one of that id.
    pub(super) fn put_log(&mut self, entry: SyncLogEntry) {
        match self.log.binary_search_by_key(&entry.id, |stored| stored.id) {
            Ok(at) => self.log[at] = entry,
            Err(at) => self.log.insert(at, entry),
        }
        self.last_log = self.log.last().map(|last| last.id);
    }

    pub(super) fn push(
        &mut self,
        command: &PushCommand,
        now: Timestamp,
    ) -> Result<PushOutcome, StoreError> {
        let batch = &*command.batch;
        let tick = Tick::after(self.clock, now);
        let stored = self.session(batch.session.session_id);

        let mut counts = MergeCounts {
            duplicates: batch.replaced,
            ..MergeCounts::default()
        };
        let admission = SessionState::admit(
            stored.map(|session| session.state.clone()),
            &batch.session,
            tick,
        );
        let data_count = match admission {
            Admission::Stale(state) => {
                counts.duplicates = batch.valid_records();
                state.data_count
            }
            Admission::Admitted(mut merge) => {
                let decisions = decide_all(stored, batch, tick);
                for (sensor_type, decision) in &decisions {
                    counts.add(decision.counts);
                    let is_new = stored.is_none_or(|s| !s.series.contains_key(*sensor_type));
                    merge.count_records(&decision.counts, decision.effect, is_new);
                }
                let write = merge.finish(command.quota, self.held())?;
                let data_count = write.state.data_count;
                // From here on nothing can fail.
                self.write(write, decisions, tick);
                data_count
            }
        };
        let log_id = self.log(command.log_entry(counts), now);
        Ok(PushOutcome {
            inserted: counts.inserted,
            updated: counts.updated,
            duplicates: counts.duplicates,
            data_count,
            clock: self.clock,
            log_id,
        })
    }

    fn write(
        &mut self,
        SessionWrite { state, effect }: SessionWrite,
        decisions: Vec<(&SensorType, Decision)>,
        tick: Tick,
    ) {
        match effect {
            Effect::Kept => return,
            Effect::Raised => {}
            Effect::Changed => self.clock = tick.at(),
        }
        self.created.insert(state.id, state.created_at);
        let session = self
            .sessions
            .entry(state.created_at)
            .or_insert_with(|| StoredSession::new(state.clone()));
        session.state = state;
        for (sensor_type, decision) in decisions {
            session.write(sensor_type, decision.writes);
        }
    }

    /// Deletes a live session, or says that there is none.
    pub(super) fn delete_session(
        &mut self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let tick = Tick::after(self.clock, now);
        let session = self
            .created
            .get(&id)
            .and_then(|created| self.sessions.get_mut(created));
        let Some(session) = session.filter(|session| session.state.live) else {
            return Err(no_such_session(id));
        };
        session.delete(tick);
        self.analyses.remove(&id);
        self.clock = tick.at();
        Ok(self.clock)
    }

    /// The live session of that id, if it has not changed since `updated_at`.
    fn unchanged(&mut self, id: SessionId, updated_at: Timestamp) -> Option<&mut StoredSession> {
        let session = self.sessions.get_mut(self.created.get(&id)?)?;
        (session.state.live && session.state.updated_at == updated_at).then_some(session)
    }

    /// Removes the records of a session; returns how many.
    pub(super) fn purge_samples(
        &mut self,
        id: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Option<u64> {
        let session = self.unchanged(id, updated_at)?;
        let count = session.state.data_count;
        *session = StoredSession::new(session.state.clone().purge(now));
        Some(count)
    }

    /// Ends a session that is still recording; returns the clock.
    pub(super) fn close_session(
        &mut self,
        id: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let tick = Tick::after(self.clock, now);
        let session = self.unchanged(id, updated_at)?;
        if !session.state.fields.is_active() {
            return None;
        }
        let last = session.series.values().map(|series| series.last).max();
        session.state = session.state.clone().close(last, note, tick);
        self.clock = tick.at();
        Some(self.clock)
    }

    /// How many log entries are older than `before`.
    pub(super) fn old_logs(&self, before: Timestamp) -> usize {
        self.log
            .partition_point(|entry| entry.id.0 < before.as_micros())
    }

    /// Removes the oldest `count` log entries.
    pub(super) fn purge_logs(&mut self, count: usize) {
        self.log.drain(..count);
    }

    pub(super) fn pull(&mut self, query: &PullQuery, now: Timestamp) -> PullHead {
        let wanted: Option<BTreeSet<_>> = query
            .session_ids
            .as_ref()
            .map(|ids| ids.iter().copied().collect());
        let matching: Vec<&SessionState> = self
            .sessions
            .values()
            .map(|session| &session.state)
            .filter(|state| query.since.is_none_or(|since| state.updated_at > since))
            .filter(|state| wanted.as_ref().is_none_or(|ids| ids.contains(&state.id)))
            .collect();

        let skipped = match query.start {
            PageStart::Offset(offset) => offset.min(matching.len()),
            PageStart::After(created) => matching.partition_point(|s| s.created_at <= created),
        };
        let page: Vec<_> = matching[skipped..]
            .iter()
            .take(query.limit)
            .map(|&state| state.clone())
            .collect();
        let head = PullHead {
            clock: self.clock,
            round_clock: None,
            total: matching.iter().filter(|state| state.live).count() as u64,
            has_more: skipped + page.len() < matching.len(),
            sessions: page,
        };
        match query.round {
            Some(round) if query.start == PageStart::Offset(0) => {
                if head.has_more {
                    self.rounds.remember(round, self.clock, now);
                }
                head
            }
            Some(round) => PullHead {
                round_clock: self.rounds.clock(&round, now),
                ..head
            },
            None => head,
        }
    }

    /// Live sessions created before `before`, the newest first.
    pub(super) fn sessions_before(
        &self,
        before: Option<Timestamp>,
    ) -> impl Iterator<Item = &SessionState> {
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        let older = self.sessions.range((Bound::Unbounded, end));
        older
            .rev()
            .map(|(_, session)| &session.state)
            .filter(|state| state.live)
    }

    /// What counts towards a quota.
    fn held(&self) -> Held {
        let add = |held: Held, state: &SessionState| Held {
            sessions: held.sessions + 1,
            data_bytes: held.data_bytes + state.data_bytes,
        };
        self.sessions_before(None).fold(Held::default(), add)
    }

    pub(super) fn status(&self, recent: usize) -> UserStatus {
        let count = |wanted: fn(&SessionState) -> bool| {
            self.sessions_before(None)
                .filter(|state| wanted(state))
                .count() as u64
        };
        UserStatus {
            total_sessions: count(|_| true),
            active_sessions: count(|state| state.fields.is_active()),
            uploaded_sessions: count(SessionState::is_uploaded),
            data_bytes: self.held().data_bytes,
            recent_syncs: self.log.iter().rev().take(recent).cloned().collect(),
        }
    }

    pub(super) fn log(&mut self, entry: NewSyncLogEntry, now: Timestamp) -> LogId {
        let entry = entry.complete(self.last_log, now);
        let id = entry.id;
        self.last_log = Some(id);
        self.log.push(entry);
        id
    }
}

/// Decides every series of a push; nothing is written yet.
fn decide_all<'a>(
    stored: Option<&StoredSession>,
    batch: &'a PushBatch,
    tick: Tick,
) -> Vec<(&'a SensorType, Decision)> {
    let decide = |series: &SeriesBatch| {
        StoredSession::decide(stored, &series.sensor_type, &series.records, tick)
    };
    batch
        .series
        .iter()
        .map(|series| (&series.sensor_type, decide(series)))
        .collect()
}

/// The answer to a deletion that finds nothing.
pub(super) fn no_such_session(id: SessionId) -> StoreError {
    StoreError::new(
        StoreErrorKind::NotFound,
        "delete_session",
        format!("no live session {id}"),
    )
}
