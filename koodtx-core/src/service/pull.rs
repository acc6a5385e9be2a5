//! A pull as a sequence of events, in bounded memory.

use std::collections::VecDeque;

use super::{Caller, SyncService};
use crate::id::{LogId, SessionId};
use crate::limits::DAMAGE_REPORTED_MAX_COUNT;
use crate::pull::{
    Cursor, Damage, PageStart, PullHead, PullQuery, PullRequest, PullRequestError, RecordChunk,
    RecordPosition, RecordQuery, RoundKey,
};
use crate::session::SessionState;
use crate::store::{StoreError, StoreErrorKind};
use crate::sync_log::{NewSyncLogEntry, SyncKind, SyncStatus};
use crate::time::Timestamp;

/// Records read from the store in one step, about. Bounds the memory of a pull.
const READ_CHUNK_RECORDS_COUNT: usize = 16_384;

/// What the sync log says of a pull that met damaged places.
const DAMAGE_TEXT: &str = "some stored samples are damaged and could not be sent";

/// Why a pull did not begin.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The request is wrong.
    #[error(transparent)]
    Request(#[from] PullRequestError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One step of a pull.
#[derive(Clone, Debug)]
pub enum PullEvent {
    /// A session begins; its records follow.
    Session {
        /// The session.
        state: Box<SessionState>,
        /// Its first records were on an earlier page: add to them. Else, unless the pull is
        /// `changes_only`, the records that follow are all there are: replace what was known.
        continues: bool,
    },
    /// Records of the session, in the order `(timestamp, sensor_type)`.
    Records(RecordChunk),
    /// The session's records on this page are complete.
    SessionEnd,
    /// The page is complete, and logged under this id; not logged where the store has no room left.
    End(PullSummary, Option<LogId>),
}

/// What a page says beside its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullSummary {
    /// Sessions that were deleted. Apply these before the page's sessions: in a `changes_only` pull
    /// a session that was deleted and pushed again stands in both, since its old records are gone.
    pub deleted_session_ids: Vec<SessionId>,
    /// The `last_sync_time` of the next round.
    pub server_timestamp: Timestamp,
    /// The page's number.
    pub page: usize,
    /// Most sessions of a page.
    pub page_size: usize,
    /// Live sessions that match, on all pages.
    pub total: u64,
    /// Whether the round goes on.
    pub has_more: bool,
    /// Where it goes on.
    pub next_cursor: Option<Cursor>,
    /// What should be on the page and cannot be read, up to [`DAMAGE_REPORTED_MAX_COUNT`] places.
    pub damaged: Vec<(SessionId, Damage)>,
}

/// A pull in progress.
#[derive(Debug)]
pub struct Pull {
    service: SyncService,
    caller: Caller,
    request: PullRequest,
    started_at: Timestamp,
    body_bytes: u64,
    sessions: VecDeque<SessionState>,
    step: Step,
    /// Where an earlier page stopped inside its last session.
    resume: Option<(Timestamp, RecordPosition)>,
    sent: u64,
    summary: PullSummary,
}

/// What comes next.
#[derive(Debug)]
enum Step {
    Sessions,
    /// Records of this session, behind that one.
    Records(Box<SessionState>, Option<RecordPosition>),
    SessionEnd,
    Done,
}

impl Pull {
    pub(super) async fn begin(
        service: SyncService,
        caller: Caller,
        request: PullRequest,
        body_bytes: u64,
    ) -> Result<Self, PullError> {
        let started_at = service.now();
        let request = request.check()?;
        let since = request.since();
        let resume = request
            .cursor
            .as_ref()
            .and_then(|cursor| Some((cursor.session, cursor.inside.clone()?)));
        let start = match (&request.cursor, &resume) {
            // The session itself comes again, with the rest of its records.
            (Some(cursor), Some(_)) => PageStart::After(cursor.session.plus_micros(-1)),
            (Some(cursor), None) => PageStart::After(cursor.session),
            (None, _) => PageStart::Offset((request.page - 1) * request.page_size),
        };
        let round = request.cursor.is_none().then(|| RoundKey {
            sign_in: caller.sign_in,
            since,
            filter: request.filter_hash(),
        });
        let query = |round| PullQuery {
            user: caller.user,
            since,
            session_ids: request.session_ids.clone(),
            start,
            limit: request.page_size,
            round,
        };
        let head = match service.store.pull(query(round), started_at).await {
            // What cannot be remembered is asked for again, which loses nothing.
            Err(error) if error.kind() == StoreErrorKind::Full && round.is_some() => {
                service.store.pull(query(None), started_at).await?
            }
            head => head?,
        };
        let summary = PullSummary {
            deleted_session_ids: Vec::new(),
            server_timestamp: server_timestamp(&request, &head),
            page: request.page,
            page_size: request.page_size,
            total: head.total,
            has_more: head.has_more,
            next_cursor: None,
            damaged: Vec::new(),
        };
        Ok(Self {
            service,
            caller,
            request,
            started_at,
            body_bytes,
            sessions: head.sessions.into(),
            step: Step::Sessions,
            resume,
            sent: 0,
            summary,
        })
    }

    /// The next event; `None` behind the end.
    ///
    /// # Errors
    /// When the store fails: the page is not complete then and must not be taken for it.
    pub async fn next(&mut self) -> Result<Option<PullEvent>, StoreError> {
        match std::mem::replace(&mut self.step, Step::Sessions) {
            Step::Sessions => match self.next_session() {
                Some(event) => Ok(Some(event)),
                None => self.end(None).await.map(Some),
            },
            Step::Records(state, after) => self.records(state, after).await.map(Some),
            Step::SessionEnd => Ok(Some(PullEvent::SessionEnd)),
            Step::Done => {
                self.step = Step::Done;
                Ok(None)
            }
        }
    }

    /// Whether nothing but the end follows. The end is logged when it is asked for.
    pub fn ends_next(&self) -> bool {
        let has_more = self.budget() > 0 && self.sessions.iter().any(|session| session.live);
        matches!(self.step, Step::Sessions) && !has_more
    }

    /// Logs that the answer did not reach its end.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn abort(mut self, error: &str) -> Result<(), StoreError> {
        if !matches!(self.step, Step::Done) {
            self.end(Some(error)).await?;
        }
        Ok(())
    }

    /// Begins the next live session of the page, noting the deleted ones before it.
    fn next_session(&mut self) -> Option<PullEvent> {
        while let Some(state) = self.sessions.pop_front() {
            if !state.live {
                self.summary.deleted_session_ids.push(state.id);
                self.passed(&state);
                continue;
            }
            if self.budget() == 0 {
                // The page ends before this session; the cursor points behind the one before.
                self.summary.has_more = true;
                return None;
            }
            let resume = self
                .resume
                .take()
                .filter(|(session, _)| *session == state.created_at);
            let continues = resume.is_some();
            if self.was_revived(&state) && !continues {
                self.summary.deleted_session_ids.push(state.id);
            }
            let state = Box::new(state);
            self.step = Step::Records(state.clone(), resume.map(|(_, after)| after));
            return Some(PullEvent::Session { state, continues });
        }
        None
    }

    async fn records(
        &mut self,
        state: Box<SessionState>,
        after: Option<RecordPosition>,
    ) -> Result<PullEvent, StoreError> {
        if !self.request.include_data {
            self.passed(&state);
            return Ok(PullEvent::SessionEnd);
        }
        let budget = usize::try_from(self.budget()).unwrap_or(usize::MAX);
        let query = RecordQuery {
            user: self.caller.user,
            session: state.id,
            after,
            changed_after: self.request.since().filter(|_| self.request.changes_only),
            limit: READ_CHUNK_RECORDS_COUNT.min(budget),
        };
        let mut chunk = self.service.store.read_records(query).await?;
        chunk.truncate(budget);
        self.sent += chunk.len() as u64;
        self.note_damage(state.id, &chunk.damaged);
        self.step = match chunk.next.clone() {
            None => {
                self.passed(&state);
                Step::SessionEnd
            }
            Some(next) if self.budget() == 0 => {
                self.summary.has_more = true;
                self.summary.next_cursor = Some(self.cursor(&state, Some(next)));
                self.sessions.clear();
                Step::SessionEnd
            }
            Some(next) => Step::Records(state, Some(next)),
        };
        Ok(PullEvent::Records(chunk))
    }

    /// Logs how it ended: with `failure`, with damaged places, or well.
    async fn end(&mut self, failure: Option<&str>) -> Result<PullEvent, StoreError> {
        if !self.summary.has_more {
            self.summary.next_cursor = None;
        }
        let (status, error) = match failure {
            Some(failure) => (SyncStatus::Failed, Some(failure.to_owned())),
            None if self.summary.damaged.is_empty() => (SyncStatus::Success, None),
            None => (SyncStatus::Partial, Some(DAMAGE_TEXT.to_owned())),
        };
        let (device_id, started_at) = (self.caller.device_id.clone(), self.started_at);
        let entry = NewSyncLogEntry {
            records_count: self.sent,
            request_id: self.caller.request_id.clone(),
            error,
            ..NewSyncLogEntry::new(
                SyncKind::Pull,
                status,
                device_id,
                self.body_bytes,
                started_at,
            )
        };
        self.step = Step::Done;
        let now = self.service.now();
        let log_id = match self.service.store.log(self.caller.user, entry, now).await {
            // Who only reads need not wait until there is room for an entry.
            Err(error) if error.kind() == StoreErrorKind::Full => None,
            logged => Some(logged?),
        };
        Ok(PullEvent::End(self.summary.clone(), log_id))
    }

    fn note_damage(&mut self, session: SessionId, damaged: &[Damage]) {
        for damage in damaged {
            let place = (session, damage.clone());
            if self.summary.damaged.len() < DAMAGE_REPORTED_MAX_COUNT
                && !self.summary.damaged.contains(&place)
            {
                self.summary.damaged.push(place);
            }
        }
    }

    /// Records that the page may still send.
    fn budget(&self) -> u64 {
        self.request
            .max_records
            .map_or(u64::MAX, |max| max.saturating_sub(self.sent))
    }

    /// Whether a device that pulls changes only may still hold records from before a deletion.
    fn was_revived(&self, state: &SessionState) -> bool {
        let since = self.request.since();
        self.request.changes_only && since.is_some() && state.deleted_at > since
    }

    /// Notes that all of a session was sent.
    fn passed(&mut self, state: &SessionState) {
        self.summary.next_cursor = Some(self.cursor(state, None));
    }

    fn cursor(&self, state: &SessionState, inside: Option<RecordPosition>) -> Cursor {
        Cursor {
            since: self.request.since(),
            round_clock: self.summary.server_timestamp,
            filter: self.request.filter_hash(),
            session: state.created_at,
            inside,
        }
    }
}

fn server_timestamp(request: &PullRequest, head: &PullHead) -> Timestamp {
    match &request.cursor {
        Some(cursor) => cursor.round_clock,
        None if request.page == 1 => head.clock,
        // Repeats work where nothing is remembered, but loses nothing.
        None => head
            .round_clock
            .or(request.since())
            .unwrap_or(Timestamp::ZERO),
    }
}
