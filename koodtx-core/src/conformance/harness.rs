//! A store under test, with the calls that checks make.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::block::Record;
use crate::id::{SensorType, SessionId, UserId};
use crate::pull::{PullHead, PullQuery, RecordChunk, RecordPosition, RecordQuery};
use crate::session::SessionState;
use crate::store::{
    AccountStore, MaintenanceStore, PushCommand, PushOutcome, Quota, ResultStore, SessionDetail,
    Store, StoreError, StoreErrorKind, SyncStore, TransferStore,
};
use crate::time::Timestamp;

use super::failure::{Failure, Outcome};
use super::script::{MICROS_PER_SECOND, NOON, body, everything, parse};

/// A fresh, empty store, what keeps it alive, and a wall clock of its own.
///
/// The clock begins at noon of a day in 2025 and goes on a second with every change, so that checks are
/// repeatable to the microsecond.
pub struct Harness {
    sync: Arc<dyn SyncStore>,
    full: Option<Arc<dyn Store>>,
    reopen: Option<Reopen>,
    /// Dropped after the store, and in the order of declaration last of all.
    guards: Vec<Box<dyn Any + Send + Sync>>,
    clock: AtomicI64,
}

type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn Store>, StoreError>> + Send>>;
type Reopen = Box<dyn Fn() -> Opening + Send + Sync>;

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("sync", &self.sync)
            .finish_non_exhaustive()
    }
}

impl Harness {
    /// A store that implements every trait.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            full: Some(store.clone()),
            ..Self::sync_only(store)
        }
    }

    /// A store that implements only [`SyncStore`]: for the part `sync` of the suite.
    pub fn sync_only(store: Arc<dyn SyncStore>) -> Self {
        Self {
            sync: store,
            full: None,
            reopen: None,
            guards: Vec::new(),
            clock: AtomicI64::new(NOON.as_micros()),
        }
    }

    /// Keeps `guard` (a temporary folder, a database) alive as long as the store.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Says how to open the same store again once it was dropped: for the part `persistence`.
    #[must_use]
    pub fn with_reopen<F>(mut self, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn Store>, StoreError>> + Send + 'static,
    {
        self.reopen = Some(Box::new(move || Box::pin(open())));
        self
    }

    /// The store.
    pub fn sync(&self) -> &Arc<dyn SyncStore> {
        &self.sync
    }

    /// The store as a keeper of accounts.
    pub fn accounts(&self) -> Outcome<Arc<dyn AccountStore>> {
        Ok(self.full()?)
    }

    /// The store as operators see it.
    pub fn maintenance(&self) -> Outcome<Arc<dyn MaintenanceStore>> {
        Ok(self.full()?)
    }

    /// The store as a keeper of what background work leaves behind.
    pub fn results(&self) -> Outcome<Arc<dyn ResultStore>> {
        Ok(self.full()?)
    }

    /// The store as copies and backups see it.
    pub fn transfer(&self) -> Outcome<Arc<dyn TransferStore>> {
        Ok(self.full()?)
    }

    fn full(&self) -> Outcome<Arc<dyn Store>> {
        self.full.clone().ok_or_else(|| {
            Failure::new(
                "the harness was made with Harness::sync_only: run only the part `sync`, or \
                 implement the other traits and use Harness::new",
            )
        })
    }

    /// Drops the store and opens it again.
    pub async fn reopen(mut self) -> Outcome<Self> {
        let Some(open) = self.reopen.take() else {
            return Err(Failure::new(
                "say how to open the store again with Harness::with_reopen, or do not run the part \
                 `persistence`",
            ));
        };
        // The last references must be gone before the store can be opened anew.
        let (clock, guards) = (self.clock, self.guards);
        drop(self.full.take());
        drop(self.sync);
        let store = open().await?;
        Ok(Self {
            reopen: Some(open),
            guards,
            clock,
            ..Self::new(store)
        })
    }

    /// The wall clock: a second later with every call.
    pub fn now(&self) -> Timestamp {
        let before = self.clock.fetch_add(MICROS_PER_SECOND, Ordering::Relaxed);
        Timestamp::from_micros(before + MICROS_PER_SECOND)
    }

    /// Pushes records of a session, given as JSON.
    pub async fn push(
        &self,
        user: UserId,
        session: &str,
        records: &[String],
    ) -> Outcome<PushOutcome> {
        self.push_at(self.now(), user, session, records).await
    }

    /// Pushes at a wall clock of the check's choice.
    pub async fn push_at(
        &self,
        now: Timestamp,
        user: UserId,
        session: &str,
        records: &[String],
    ) -> Outcome<PushOutcome> {
        Ok(self
            .sync
            .push(push_command(user, &body(session, records), now)?, now)
            .await?)
    }

    /// Pushes within a quota; says whether it was taken.
    pub async fn push_within(
        &self,
        quota: Quota,
        user: UserId,
        session: &str,
        records: &[String],
    ) -> Outcome<bool> {
        let now = self.now();
        let command = PushCommand {
            quota,
            ..push_command(user, &body(session, records), now)?
        };
        taken(self.sync.push(command, now).await)
    }

    /// Deletes a session.
    pub async fn delete(&self, user: UserId, session: SessionId) -> Outcome<Timestamp> {
        Ok(self.sync.delete_session(user, session, self.now()).await?)
    }

    /// Pulls a page.
    pub async fn pull(&self, query: PullQuery) -> Outcome<PullHead> {
        Ok(self.sync.pull(query, self.now()).await?)
    }

    /// Pulls all that changed since `since` on one page.
    pub async fn pull_since(&self, user: UserId, since: Timestamp) -> Outcome<PullHead> {
        self.pull(PullQuery {
            since: Some(since),
            ..everything(user)
        })
        .await
    }

    /// A session or tombstone, as a pull shows it.
    pub async fn state(&self, user: UserId, session: SessionId) -> Outcome<SessionState> {
        let head = self.pull(everything(user)).await?;
        let found = head.sessions.into_iter().find(|state| state.id == session);
        found.ok_or_else(|| Failure::new(format!("a pull does not show session {session}")))
    }

    /// A live session with its series.
    pub async fn detail(&self, user: UserId, session: SessionId) -> Outcome<SessionDetail> {
        let found = self.sync.session(user, session).await?;
        found.ok_or_else(|| Failure::new(format!("there is no session {session}")))
    }

    /// All records of a session that changed after `changed_after`, in the order of reading.
    pub async fn records_changed(
        &self,
        user: UserId,
        session: SessionId,
        changed_after: Option<Timestamp>,
    ) -> Outcome<Vec<(SensorType, Record)>> {
        const CHUNK_RECORDS: usize = 1_000;
        let query = RecordQuery {
            user,
            session,
            after: None,
            changed_after,
            limit: CHUNK_RECORDS,
        };
        read_to_end(&*self.sync, query).await
    }

    /// All records of a session in the order of reading.
    pub async fn records(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Outcome<Vec<(SensorType, Record)>> {
        self.records_changed(user, session, None).await
    }

    /// All values of a session in the order of reading, as `sensor@microseconds data`.
    pub async fn values(&self, user: UserId, session: SessionId) -> Outcome<Vec<String>> {
        let records = self.records(user, session).await?;
        let text = |(sensor, record): &(SensorType, Record)| {
            format!("{sensor}@{} {}", record.timestamp.as_micros(), record.data)
        };
        Ok(records.iter().map(text).collect())
    }

    /// The one value of a session that holds one record.
    pub async fn value(&self, user: UserId, session: SessionId) -> Outcome<String> {
        let mut records = self.records(user, session).await?;
        match (records.pop(), records.is_empty()) {
            (Some((_, record)), true) => Ok(record.data),
            _ => Err(Failure::new("the session should hold exactly one record")),
        }
    }
}

/// What the requests of pushes are called.
pub(crate) const PUSH_REQUEST_ID: &str = "2a7f.push-1";

/// One push as the service hands it to a store.
pub(crate) fn push_command(user: UserId, body: &str, now: Timestamp) -> Outcome<PushCommand> {
    Ok(PushCommand {
        user,
        batch: Arc::new(parse(body)?),
        device_id: Some("phone".to_owned()),
        body_bytes: body.len() as u64,
        request_id: Some(PUSH_REQUEST_ID.to_owned()),
        started_at: now,
        quota: Quota::default(),
    })
}

/// Whether a push was taken, or refused because of its quota.
pub(crate) fn taken(outcome: Result<PushOutcome, StoreError>) -> Outcome<bool> {
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == StoreErrorKind::QuotaExceeded => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Follows a record query chunk by chunk to the end, and checks on the way what must hold of any
/// chunk: series ordered and not empty, records within the chunk's bounds.
pub(crate) async fn read_to_end(
    store: &dyn SyncStore,
    mut query: RecordQuery,
) -> Outcome<Vec<(SensorType, Record)>> {
    let mut all = Vec::new();
    loop {
        let chunk = store.read_records(query.clone()).await?;
        let next = chunk.next.clone();
        all.extend(in_order(&chunk));
        match next {
            None => return Ok(all),
            // Without progress this loop would never end.
            Some(next) if query.after.as_ref().is_some_and(|after| next <= *after) => {
                return Err(Failure::new(
                    "a chunk's `next` does not lie behind its `after`",
                ));
            }
            next => query.after = next,
        }
    }
}

/// The records of a chunk in the order `(timestamp, sensor_type)`.
pub(crate) fn in_order(chunk: &RecordChunk) -> Vec<(SensorType, Record)> {
    let mut rows: Vec<(RecordPosition, Record)> = Vec::with_capacity(chunk.len());
    for (sensor_type, block) in &chunk.series {
        rows.extend(block.records().map(|record| {
            let position = RecordPosition {
                timestamp: record.timestamp,
                sensor_type: sensor_type.clone(),
            };
            (position, record)
        }));
    }
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    rows.into_iter()
        .map(|(position, record)| (position.sensor_type, record))
        .collect()
}
