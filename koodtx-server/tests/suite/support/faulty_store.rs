//! A store that fails on demand.

use std::sync::Mutex;

use koodtx_core::id::{LogId, SessionId, SignInId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::{Damage, PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::store::{
    AccountStore, Analysis, Credentials, Erasure, FoundSessions, MaintenanceStore, NewFamily,
    NewUser, PushCommand, PushOutcome, RepairPage, ResultStore, Rotation, SessionDetail,
    SessionFilter, SessionList, SessionPosition, SignIn, StoreError, StoreErrorKind, StoreInfo,
    SyncStore, Taken, TaskRun, TokenHash, TokenHolder, TransferStore, Usage, User, UserExport,
    UserImport, UserPage, UserStatus, VerifyPage,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Every operation of the protocol fails with that kind.
    Fails(StoreErrorKind),
    /// There is no room left: what writes fails, also to remember the round of a pull; what reads works.
    NoRoom,
    /// Every operation of accounts fails with that kind; everything else works.
    AccountsFail(StoreErrorKind),
    /// Every operation of the protocol panics.
    Panics,
    /// Reading records fails after the first chunk; everything else works.
    BreaksOff,
    /// A stretch of each session is damaged; everything else works.
    Damaged,
    /// An entry of the sync log takes [`LOG_MILLIS`] to write.
    LogsSlowly,
}

/// How long a slow entry takes.
pub const LOG_MILLIS: u64 = 500;

/// The memory store with trouble.
#[derive(Debug)]
pub struct FaultyStore {
    inner: MemoryStore,
    trouble: Mutex<Trouble>,
}

impl FaultyStore {
    pub fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            trouble: Mutex::new(Trouble::None),
        }
    }

    pub fn set(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
    }

    fn check(&self, operation: &'static str) -> Result<(), StoreError> {
        let trouble = *self.trouble.lock().unwrap();
        match trouble {
            Trouble::Fails(kind) => Err(StoreError::new(
                kind,
                operation,
                "panicked at src/secret.rs",
            )),
            Trouble::Panics => panic!("the store panicked, as it was told to"),
            _ => Ok(()),
        }
    }

    fn check_room(&self, operation: &'static str) -> Result<(), StoreError> {
        let trouble = *self.trouble.lock().unwrap();
        match trouble {
            Trouble::NoRoom => Err(StoreError::new(
                StoreErrorKind::Full,
                operation,
                "the disk of /srv/secret is full",
            )),
            _ => self.check(operation),
        }
    }

    fn check_accounts(&self, operation: &'static str) -> Result<(), StoreError> {
        match *self.trouble.lock().unwrap() {
            Trouble::AccountsFail(kind) => Err(StoreError::new(
                kind,
                operation,
                "panicked at src/secret.rs",
            )),
            _ => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl SyncStore for FaultyStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.check("ping")?;
        self.inner.ping().await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Result<PushOutcome, StoreError> {
        self.check_room("push")?;
        self.inner.push(command, now).await
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Result<PullHead, StoreError> {
        if query.round.is_some() {
            self.check_room("pull")?;
        }
        self.check("pull")?;
        self.inner.pull(query, now).await
    }

    async fn read_records(&self, query: RecordQuery) -> Result<RecordChunk, StoreError> {
        self.check("read_records")?;
        if *self.trouble.lock().unwrap() == Trouble::BreaksOff && query.after.is_some() {
            return Err(StoreError::corrupt("read_records", "as it was told to"));
        }
        let mut chunk = self.inner.read_records(query).await?;
        if *self.trouble.lock().unwrap() == Trouble::Damaged {
            chunk.damaged = vec![Damage {
                sensor_type: "gyro".parse().unwrap(),
                from: Timestamp::from_micros(1_700_000_000_000_125),
                until: None,
            }];
        }
        Ok(chunk)
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        self.check("delete_session")?;
        self.inner.delete_session(user, session, now).await
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SessionList, StoreError> {
        self.check("sessions")?;
        self.inner.sessions(user, before, limit).await
    }

    async fn session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.check("session")?;
        self.inner.session(user, session).await
    }

    async fn status(&self, user: UserId, recent: usize) -> Result<UserStatus, StoreError> {
        self.check("status")?;
        self.inner.status(user, recent).await
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        self.check("log_entries")?;
        self.inner.log_entries(user, after, limit).await
    }

    async fn log(
        &self,
        user: UserId,
        entry: NewSyncLogEntry,
        now: Timestamp,
    ) -> Result<LogId, StoreError> {
        self.check_room("log")?;
        if *self.trouble.lock().unwrap() == Trouble::LogsSlowly {
            tokio::time::sleep(std::time::Duration::from_millis(LOG_MILLIS)).await;
        }
        self.inner.log(user, entry, now).await
    }
}

#[async_trait::async_trait]
impl AccountStore for FaultyStore {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        self.check_accounts("create_user")?;
        self.inner.create_user(user, now).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.check_accounts("user")?;
        self.inner.user(id).await
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        self.check_accounts("token_holder")?;
        self.inner.token_holder(user, sign_in, now).await
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        self.check_accounts("credentials")?;
        self.inner.credentials(username).await
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        self.check_accounts("users")?;
        self.inner.users(after, limit).await
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.check_accounts("set_active")?;
        self.inner.set_active(id, is_active, now).await
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.check_accounts("set_password")?;
        self.inner.set_password(id, password_hash, now).await
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        self.check_accounts("delete_user")?;
        self.inner.delete_user(id, now).await
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        self.check_accounts("create_family")?;
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
        self.check_accounts("rotate")?;
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
        self.check_accounts("revoke_device")?;
        self.inner.revoke_device(user, sign_in, device_id).await
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        self.check_accounts("sign_ins")?;
        self.inner.sign_ins(user, now).await
    }
}

#[async_trait::async_trait]
impl MaintenanceStore for FaultyStore {
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
impl ResultStore for FaultyStore {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Result<bool, StoreError> {
        self.check("put_analysis")?;
        self.inner.put_analysis(user, analysis).await
    }

    async fn analysis(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Analysis>, StoreError> {
        self.check("analysis")?;
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
impl TransferStore for FaultyStore {
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
