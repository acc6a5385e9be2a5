//! A store that fails, dawdles and forgets what was asked, at random.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use koodtx_core::id::{LogId, SessionId, SignInId, UserId};
use koodtx_core::pull::{PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{
    AccountStore, Analysis, Credentials, Erasure, FoundSessions, MaintenanceStore, NewFamily,
    NewUser, PushCommand, PushOutcome, RepairPage, ResultStore, Rotation, SessionDetail,
    SessionFilter, SessionList, SessionPosition, SignIn, Store, StoreError, StoreErrorKind,
    StoreInfo, SyncStore, Taken, TaskRun, TokenHash, TokenHolder, TransferStore, Usage, User,
    UserExport, UserImport, UserPage, UserStatus, VerifyPage,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{sleep, timeout};

/// How often an operation does not just work.
const FAULT_PROBABILITY: f64 = 0.3;
/// Longest delay, and longest time after which an operation is given up half way.
const DELAY_MAX_MICROS: u64 = 4_000;
/// What no client may get to see.
pub const SECRET_TEXT: &str = "a secret of the flaky store";

/// What goes wrong with one operation.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It fails before anything happened.
    Before(StoreErrorKind),
    /// It begins late.
    Late(Duration),
    /// It happens, and fails all the same.
    After,
    /// Its future is dropped after that time.
    Dropped(Duration),
}

/// Another store, with faults.
#[derive(Debug)]
pub struct FlakyStore {
    inner: Arc<dyn Store>,
    random: Mutex<StdRng>,
    is_calm: AtomicBool,
    /// Operations that failed as a defect of the store does.
    internal_count: AtomicUsize,
    /// Writes that failed although they may have happened.
    unsure_count: AtomicUsize,
    /// Reads that failed behind the head of an answer.
    torn_count: AtomicUsize,
}

impl FlakyStore {
    /// A store without faults for now.
    pub fn new(inner: Arc<dyn Store>, seed: u64) -> Self {
        Self {
            inner,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            is_calm: AtomicBool::new(true),
            internal_count: AtomicUsize::new(0),
            unsure_count: AtomicUsize::new(0),
            torn_count: AtomicUsize::new(0),
        }
    }

    /// From now on there are faults, or none.
    pub fn set_calm(&self, is_calm: bool) {
        self.is_calm.store(is_calm, Ordering::SeqCst);
    }

    pub fn internal_count(&self) -> usize {
        self.internal_count.load(Ordering::SeqCst)
    }

    pub fn unsure_count(&self) -> usize {
        self.unsure_count.load(Ordering::SeqCst)
    }

    pub fn torn_count(&self) -> usize {
        self.torn_count.load(Ordering::SeqCst)
    }

    fn fault(&self, kinds: &[StoreErrorKind]) -> Option<Fault> {
        let mut random = self.random.lock().unwrap();
        if self.is_calm.load(Ordering::SeqCst) || !random.random_bool(FAULT_PROBABILITY) {
            return None;
        }
        let time = Duration::from_micros(random.random_range(0..=DELAY_MAX_MICROS));
        Some(match random.random_range(0..4) {
            0 => Fault::Before(*kinds.choose(&mut *random).unwrap()),
            1 => Fault::Late(time),
            2 => Fault::After,
            _ => Fault::Dropped(time),
        })
    }

    async fn read<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        const KINDS: &[StoreErrorKind] = &[StoreErrorKind::Unavailable, StoreErrorKind::Contention];
        let done = self.disturb(operation, KINDS, work).await;
        if done.is_err() && matches!(operation, "read_records" | "log") {
            self.torn_count.fetch_add(1, Ordering::SeqCst);
        }
        done
    }

    async fn write<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        const KINDS: &[StoreErrorKind] = &[
            StoreErrorKind::Unavailable,
            StoreErrorKind::Contention,
            StoreErrorKind::Full,
            StoreErrorKind::Internal,
        ];
        let done = self.disturb(operation, KINDS, work).await;
        match &done {
            Err(error) if error.is_maybe_applied() => {
                self.unsure_count.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) if error.kind() == StoreErrorKind::Internal => {
                self.internal_count.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
        done
    }

    async fn disturb<T>(
        &self,
        operation: &'static str,
        kinds: &[StoreErrorKind],
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let unsure = || {
            StoreError::new(StoreErrorKind::Unavailable, operation, SECRET_TEXT).may_have_applied()
        };
        match self.fault(kinds) {
            None => work.await,
            Some(Fault::Before(kind)) => Err(StoreError::new(kind, operation, SECRET_TEXT)),
            Some(Fault::Late(time)) => {
                sleep(time).await;
                work.await
            }
            Some(Fault::After) => {
                work.await?;
                Err(unsure())
            }
            Some(Fault::Dropped(time)) => {
                timeout(time, work).await.unwrap_or_else(|_| Err(unsure()))
            }
        }
    }
}

#[async_trait::async_trait]
impl SyncStore for FlakyStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        self.write("push", self.inner.push(command, now)).await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        self.read("pull", self.inner.pull(query, now)).await
    }

    async fn read_records(&self, query: RecordQuery) -> Result<RecordChunk, StoreError> {
        self.read("read_records", self.inner.read_records(query))
            .await
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let work = self.inner.delete_session(user, session, now);
        self.write("delete_session", work).await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        self.inner.sessions(user, before, limit).await
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.inner.session(user, session).await
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        self.inner.status(user, recent).await
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        self.inner.log_entries(user, after, limit).await
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        self.read("log", self.inner.log(user, entry, now)).await
    }
}

#[async_trait::async_trait]
impl AccountStore for FlakyStore {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        self.inner.create_user(user, now).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.inner.user(id).await
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        let work = self.inner.token_holder(user, sign_in, now);
        self.read("token_holder", work).await
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        self.inner.credentials(username).await
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        self.inner.users(after, limit).await
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.inner.set_active(id, is_active, now).await
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.inner.set_password(id, password_hash, now).await
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.delete_user(id, now).await
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        self.inner.create_family(family, now).await
    }

    async fn rotate(
        &self,
        family: SignInId,
        user: UserId,
        presented: TokenHash,
        next: TokenHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        self.inner
            .rotate(family, user, presented, next, expires_at, now)
            .await
    }

    async fn revoke_device(
        &self,
        user: UserId,
        sign_in: SignInId,
        device_id: Option<&str>,
    ) -> Result<(), StoreError> {
        self.inner.revoke_device(user, sign_in, device_id).await
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        self.inner.sign_ins(user, now).await
    }
}

#[async_trait::async_trait]
impl MaintenanceStore for FlakyStore {
    async fn verify(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        self.inner.verify(after, limit).await
    }

    async fn repair(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<RepairPage, StoreError> {
        self.inner.repair(after, limit).await
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.inner.usage().await
    }

    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<FoundSessions, StoreError> {
        self.inner.find_sessions(filter, after, limit).await
    }

    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        self.inner
            .purge_samples(user, session, updated_at, now)
            .await
    }

    async fn close_session(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.inner
            .close_session(user, session, updated_at, note, now)
            .await
    }

    async fn count_logs(&self, user: UserId, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.count_logs(user, before).await
    }

    async fn purge_logs(
        &self,
        user: UserId,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64, StoreError> {
        self.inner.purge_logs(user, before, limit).await
    }

    async fn erase_deleted(&self, limit: usize) -> Result<Erasure, StoreError> {
        self.inner.erase_deleted(limit).await
    }

    async fn optimise(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.inner.optimise(now).await
    }
}

#[async_trait::async_trait]
impl ResultStore for FlakyStore {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Result<bool, StoreError> {
        self.inner.put_analysis(user, analysis).await
    }

    async fn analysis(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Analysis>, StoreError> {
        self.inner.analysis(user, session).await
    }

    async fn put_task_run(&self, run: TaskRun) -> Result<(), StoreError> {
        self.inner.put_task_run(run).await
    }

    async fn task_runs(&self) -> Result<Vec<TaskRun>, StoreError> {
        self.inner.task_runs().await
    }
}

#[async_trait::async_trait]
impl TransferStore for FlakyStore {
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        self.inner.transfer_users(after, limit).await
    }

    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError> {
        self.inner.export_user(user).await
    }

    async fn begin_import(&self, source: &str) -> Result<(), StoreError> {
        self.inner.begin_import(source).await
    }

    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError> {
        self.inner.import_user(user).await
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        self.inner.finish_import().await
    }

    async fn unfinished_import(&self) -> Result<Option<String>, StoreError> {
        self.inner.unfinished_import().await
    }
}
