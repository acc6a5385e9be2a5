//! The sync protocol without HTTP: what a server, or a service that embeds the library, calls.

mod pull;
mod stream;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

pub use pull::{Pull, PullError, PullEvent, PullSummary};
pub use stream::{PullStream, PullWriter};

use crate::id::{LogId, SessionId, SignInId, UserId};
use crate::limits::STATUS_RECENT_SYNCS_COUNT;
use crate::pull::PullRequest;
use crate::push::{PushBatch, RecordError};
use crate::store::{
    PushCommand, Quota, SessionDetail, SessionList, StoreError, SyncStore, UserStatus,
};
use crate::sync_log::{NewSyncLogEntry, SyncKind, SyncStatus};
use crate::time::Timestamp;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user, authenticated by whoever calls the service.
    pub user: UserId,
    /// The device, for the sync log.
    pub device_id: Option<String>,
    /// The sign-in, which tells the pull rounds of one device from those of another.
    pub sign_in: SignInId,
    /// What this request is called in the logs of whoever calls, for the sync log: by it, an entry and the
    /// lines of log about it are found together. `None` where requests have no names.
    pub request_id: Option<String>,
}

/// The answer to a push, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PushResponse {
    /// A sentence for people.
    pub message: String,
    /// The session.
    pub session_id: SessionId,
    /// Records in the push: the sum of the next four.
    pub total_records: u64,
    /// Records whose key was absent.
    pub inserted: u64,
    /// Records that won over a different stored value.
    pub updated: u64,
    /// Records that changed nothing.
    pub duplicates: u64,
    /// Records that were refused.
    pub errors: u64,
    /// The entry in the sync log.
    pub sync_log_id: LogId,
    /// Distinct keys stored of the session after the push.
    pub session_data_count: u64,
    /// The user clock after the push.
    pub server_timestamp: Timestamp,
    /// Why records were refused, for the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_details: Vec<RecordError>,
}

type Clock = dyn Fn() -> Timestamp + Send + Sync;

/// The sync protocol over a store. Cheap to clone.
#[derive(Clone)]
pub struct SyncService {
    store: Arc<dyn SyncStore>,
    clock: Arc<Clock>,
    quota: Quota,
}

impl fmt::Debug for SyncService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncService")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl SyncService {
    /// A service that goes by the machine's clock.
    pub fn new(store: Arc<dyn SyncStore>) -> Self {
        Self::with_clock(store, Arc::new(Timestamp::now))
    }

    /// A service that goes by another clock.
    pub fn with_clock(store: Arc<dyn SyncStore>, clock: Arc<Clock>) -> Self {
        Self {
            store,
            clock,
            quota: Quota::default(),
        }
    }

    /// The service with a quota for every user.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        Self { quota, ..self }
    }

    /// The time of the service's clock.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn SyncStore> {
        &self.store
    }

    /// Stores a parsed push ([`PushBatch::parse`]).
    ///
    /// `body_bytes` and `started_at` go into the sync log.
    ///
    /// # Errors
    /// When the store fails, or the batch would pass a limit or the quota; then nothing of it is stored unless
    /// [`StoreError::is_maybe_applied`] says so. Repeating a push is always safe.
    pub async fn push(
        &self,
        caller: &Caller,
        batch: Arc<PushBatch>,
        body_bytes: u64,
        started_at: Timestamp,
    ) -> Result<PushResponse, StoreError> {
        let command = PushCommand {
            user: caller.user,
            batch: batch.clone(),
            device_id: caller.device_id.clone(),
            body_bytes,
            request_id: caller.request_id.clone(),
            started_at,
            quota: self.quota,
        };
        let outcome = self.store.push(command, self.now()).await?;
        let message = match batch.errors {
            0 => "Sync completed successfully".to_owned(),
            errors => format!("Sync completed; {errors} records were refused, see error_details"),
        };
        Ok(PushResponse {
            message,
            session_id: batch.session.session_id,
            total_records: batch.total_records,
            inserted: outcome.inserted,
            updated: outcome.updated,
            duplicates: outcome.duplicates,
            errors: batch.errors,
            sync_log_id: outcome.log_id,
            session_data_count: outcome.data_count,
            server_timestamp: outcome.clock,
            error_details: batch.error_details.clone(),
        })
    }

    /// Logs a push that was refused as a whole; `error` is what the client was told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log_failed_push(
        &self,
        caller: &Caller,
        body_bytes: u64,
        started_at: Timestamp,
        error: String,
    ) -> Result<LogId, StoreError> {
        let (kind, status) = (SyncKind::Push, SyncStatus::Failed);
        let device_id = caller.device_id.clone();
        let entry = NewSyncLogEntry {
            request_id: caller.request_id.clone(),
            error: Some(error),
            ..NewSyncLogEntry::new(kind, status, device_id, body_bytes, started_at)
        };
        self.store.log(caller.user, entry, self.now()).await
    }

    /// Begins a pull; the answer is read from it as JSON text.
    ///
    /// # Errors
    /// When the request contradicts itself, or the store fails.
    pub async fn pull(
        &self,
        caller: &Caller,
        request: PullRequest,
        body_bytes: u64,
    ) -> Result<PullStream, PullError> {
        Ok(PullStream::new(
            self.begin_pull(caller, request, body_bytes).await?,
        ))
    }

    /// Begins a pull; the answer is read from it event by event.
    ///
    /// # Errors
    /// When the request contradicts itself, or the store fails.
    pub async fn begin_pull(
        &self,
        caller: &Caller,
        request: PullRequest,
        body_bytes: u64,
    ) -> Result<Pull, PullError> {
        Pull::begin(self.clone(), caller.clone(), request, body_bytes).await
    }

    /// Deletes a session; returns the deletion's clock.
    ///
    /// # Errors
    /// `NotFound` where there is no live session of that id; or when the store fails.
    pub async fn delete_session(
        &self,
        caller: &Caller,
        session: SessionId,
    ) -> Result<Timestamp, StoreError> {
        self.store
            .delete_session(caller.user, session, self.now())
            .await
    }

    /// Reads live sessions created before `before`, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sessions(
        &self,
        caller: &Caller,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        self.store.sessions(caller.user, before, limit).await
    }

    /// Reads one live session with its series.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session(
        &self,
        caller: &Caller,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.store.session(caller.user, session).await
    }

    /// Reads the caller's totals and latest syncs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self, caller: &Caller) -> Result<UserStatus, StoreError> {
        self.store
            .status(caller.user, STATUS_RECENT_SYNCS_COUNT)
            .await
    }
}
