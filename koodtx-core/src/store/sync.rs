//! The storage contract of the sync protocol.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Quota, StoreError};
use crate::block::MergeCounts;
use crate::id::{LogId, SensorType, SessionId, UserId};
use crate::pull::{PullHead, PullQuery, RecordChunk, RecordQuery};
use crate::push::PushBatch;
use crate::session::SessionState;
use crate::sync_log::{NewSyncLogEntry, SyncKind, SyncLogEntry, SyncStatus};
use crate::time::Timestamp;

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// The scheme of the store's URL, like `sled`.
    pub kind: &'static str,
    /// Whether an acknowledged write survives power loss.
    pub durable: bool,
}

/// One push, parsed and validated, on its way into a store.
#[derive(Clone, Debug)]
pub struct PushCommand {
    /// Whose push it is.
    pub user: UserId,
    /// What to merge.
    pub batch: Arc<PushBatch>,
    /// The device, for the sync log.
    pub device_id: Option<String>,
    /// Size of the body it came in, in bytes, for the sync log.
    pub body_bytes: u64,
    /// What the request was called, for the sync log.
    pub request_id: Option<String>,
    /// When the push began, for the sync log.
    pub started_at: Timestamp,
    /// How much the user may store.
    pub quota: Quota,
}

impl PushCommand {
    /// The sync log entry of this push, given what merging its records did (`counts` includes the
    /// batch's replaced records).
    pub fn log_entry(&self, counts: MergeCounts) -> NewSyncLogEntry {
        let batch = &self.batch;
        NewSyncLogEntry {
            kind: SyncKind::Push,
            status: if batch.errors == 0 {
                SyncStatus::Success
            } else {
                SyncStatus::Partial
            },
            session_id: Some(batch.session.session_id),
            device_id: self.device_id.clone(),
            records_count: batch.total_records,
            inserted: counts.inserted,
            updated: counts.updated,
            duplicates_count: counts.duplicates,
            errors_count: batch.errors,
            sensor_types: batch.sensor_types(),
            body_bytes: self.body_bytes,
            request_id: self.request_id.clone(),
            started_at: self.started_at,
            error: None,
        }
    }
}

/// What a push did. `inserted + updated + duplicates + batch.errors` is the batch's record count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushOutcome {
    /// Records whose key was absent.
    pub inserted: u64,
    /// Records that won over a different stored value.
    pub updated: u64,
    /// Records that changed nothing, and earlier records of the same push with the same key.
    pub duplicates: u64,
    /// Distinct keys stored of the session after the push.
    pub data_count: u64,
    /// The user clock after the push.
    pub clock: Timestamp,
    /// The push's entry in the sync log.
    pub log_id: LogId,
}

/// What is stored of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesStats {
    /// The sensor.
    pub sensor_type: SensorType,
    /// Records stored.
    pub count: u64,
    /// Time of the earliest record.
    pub first: Timestamp,
    /// Time of the latest record.
    pub last: Timestamp,
}

/// One session with its series, ordered by sensor type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDetail {
    /// The session. Always live.
    pub state: SessionState,
    /// Its series.
    pub series: Vec<SeriesStats>,
}

/// One page of a user's live sessions, the newest (greatest `created_at`) first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionList {
    /// The sessions.
    pub sessions: Vec<SessionState>,
    /// Whether older ones follow.
    pub has_more: bool,
}

/// Totals of a user. Costs the same whatever is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserStatus {
    /// Live sessions.
    pub total_sessions: u64,
    /// Live sessions that are still recording.
    pub active_sessions: u64,
    /// Live sessions of which the server holds an upload.
    pub uploaded_sessions: u64,
    /// Bytes of samples in all sessions, as [`Block::data_bytes`](crate::block::Block::data_bytes)
    /// counts them.
    pub data_bytes: u64,
    /// The last sync log entries, the newest first.
    pub recent_syncs: Vec<SyncLogEntry>,
}

/// Storage of the sync protocol.
///
/// # Laws
///
/// - **Isolation.** Users do not see each other. Nothing a method does for one user depends on, or
///   shows, what belongs to another.
/// - **Atomicity.** Each method happens whole or not at all, also when its future is dropped half
///   way: a dropped `push` has either been applied whole or not at all.
/// - **One clock a user.** Effective changes of one user (pushes that change something, deletions)
///   are serialised; each takes [`Tick::after`](crate::time::Tick::after) the user clock as of its
///   turn, and no change ever becomes visible with a clock behind one already visible. A push that
///   changes nothing steps no clock.
/// - **Durability.** A method that returned `Ok` has stored its effect as durably as
///   [`StoreInfo::durable`] promises, and what a reader has seen is never taken back by a crash.
///   Sync log entries of pulls, and remembered rounds, may be lost by a crash: they decide nothing.
/// - **Merge.** What a push stores is what [`SessionState::admit`] and
///   [`merge_series`](crate::block::merge_series) say; a store adds no rule of its own.
/// - **Quota.** What a user holds is counted exactly, and a push is weighed against it within its turn:
///   however many pushes come at once, what is stored never rises above the quota that they came with
///   ([`SessionMerge::finish`](crate::session::SessionMerge::finish) decides).
/// - **Snapshot.** A [`PullHead`] is exact at its `clock`. Records are read at that clock or later.
/// - **Concurrency.** Every method may be called at any time from any thread.
///
/// The conformance suite (feature `conformance`) checks each of these.
#[async_trait]
pub trait SyncStore: Send + Sync + Debug + 'static {
    /// What this store is.
    fn info(&self) -> StoreInfo;

    /// Checks that the store answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Merges a batch and leaves a sync log entry, in one atomic step.
    ///
    /// A user that was never seen is fine; the clock starts at zero. A push that
    /// [`SessionState::admit`] calls stale leaves only its log entry.
    ///
    /// # Errors
    /// `LimitExceeded` where the batch may not be stored, `QuotaExceeded` where it would raise what the
    /// user holds above [`PushCommand::quota`]; nothing is written then.
    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError>;

    /// Reads one page of what changed, and remembers or finds the round's first page.
    ///
    /// With [`PullQuery::round`] set and the page at offset 0, `clock` is remembered under that key
    /// (the earliest, where one is remembered), if there is a further page that may ask for it: a
    /// device that polls and finds nothing leaves no round behind. At any other offset the
    /// remembered clock is returned in [`PullHead::round_clock`].
    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError>;

    /// Reads a bounded chunk of a session's records in the order `(timestamp, sensor_type)`.
    ///
    /// A session that is deleted or unknown has no records.
    async fn read_records(&self, query: RecordQuery) -> Result<RecordChunk, StoreError>;

    /// Turns a live session into a tombstone and removes its records; returns the deletion's clock.
    ///
    /// # Errors
    /// `NotFound` where there is no live session of that id.
    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError>;

    /// Reads live sessions created before `before` (`None`: from the newest on), newest first.
    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError>;

    /// Reads one live session with its series.
    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError>;

    /// Reads a user's totals and the last `recent` sync log entries.
    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError>;

    /// Reads a user's sync log behind `after` (`None`: from the beginning), the oldest entry first, at
    /// most `limit` of it.
    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError>;

    /// Appends to a user's sync log: what `push` does not log by itself.
    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError>;
}
