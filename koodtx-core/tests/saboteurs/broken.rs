//! A store that does what its hooks do; by default the honest thing.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::id::{LogId, SessionId, SignInId, UserId};
use koodtx_core::pull::{PullHead, PullQuery, RecordChunk, RecordQuery};
use koodtx_core::session::SessionState;
use koodtx_core::store::{
    AccountStore, Analysis, Credentials, Erasure, FoundSessions, MaintenanceStore, NewFamily,
    NewUser, PushCommand, PushOutcome, RepairPage, ResultStore, Rotation, SessionDetail,
    SessionFilter, SessionList, SessionPosition, SignIn, StoreError, StoreInfo, SyncStore, Taken,
    TaskRun, TokenHash, TokenHolder, TransferItem, TransferStore, Usage, User, UserExport,
    UserImport, UserPage, UserStatus, VerifyPage,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;

use super::inner::{Answer, Inner, Purge, Rotate};
use super::streams::{BrokenExport, BrokenImport};

type LogEntries = Answer<Vec<SyncLogEntry>>;

/// One function a method that a saboteur may want to break.
#[derive(Clone, Copy)]
pub struct Hooks {
    pub push: fn(&Inner, PushCommand, Timestamp) -> Answer<PushOutcome>,
    /// Pushes each series on its own, with a pause in between in which the future may be dropped.
    pub pushes_in_steps: bool,
    pub pull: fn(&Inner, PullQuery, Timestamp) -> Answer<PullHead>,
    pub read: fn(&Inner, RecordQuery) -> Answer<RecordChunk>,
    pub delete: fn(&Inner, UserId, SessionId, Timestamp) -> Answer<Timestamp>,
    pub sessions: fn(&Inner, UserId, Option<Timestamp>, usize) -> Answer<SessionList>,
    pub session: fn(&Inner, UserId, SessionId) -> Answer<Option<SessionDetail>>,
    /// Changes every session that any method shows.
    pub show: fn(SessionState) -> SessionState,
    pub status: fn(&Inner, UserId, usize) -> Answer<UserStatus>,
    pub log_entries: fn(&Inner, UserId, Option<LogId>, usize) -> LogEntries,
    pub log: fn(&Inner, UserId, NewSyncLogEntry, Timestamp) -> Answer<LogId>,
    pub create_user: fn(&Inner, NewUser, Timestamp) -> Answer<Result<User, Taken>>,
    pub token_holder: fn(&Inner, UserId, SignInId, Timestamp) -> Answer<Option<TokenHolder>>,
    pub credentials: fn(&Inner, &str) -> Answer<Option<Credentials>>,
    pub users: fn(&Inner, Option<UserId>, usize) -> Answer<UserPage>,
    pub set_active: fn(&Inner, UserId, bool, Timestamp) -> Answer<Option<User>>,
    pub set_password: fn(&Inner, UserId, String, Timestamp) -> Answer<Option<User>>,
    pub delete_user: fn(&Inner, UserId, Timestamp) -> Answer<bool>,
    pub create_family: fn(&Inner, NewFamily, Timestamp) -> Answer<()>,
    pub rotate: fn(&Inner, Rotate) -> Answer<Rotation>,
    pub revoke: fn(&Inner, UserId, SignInId, Option<&str>) -> Answer<()>,
    pub sign_ins: fn(&Inner, UserId, Timestamp) -> Answer<Vec<SignIn>>,
    pub verify: fn(&Inner, Option<SessionPosition>, usize) -> Answer<VerifyPage>,
    pub repair: fn(&Inner, Option<SessionPosition>, usize) -> Answer<RepairPage>,
    pub usage: fn(&Inner) -> Answer<Usage>,
    pub find: fn(&Inner, SessionFilter, Option<SessionPosition>, usize) -> Answer<FoundSessions>,
    pub purge: fn(&Inner, Purge) -> Answer<Option<u64>>,
    pub close: fn(&Inner, Purge, &str) -> Answer<Option<Timestamp>>,
    pub count_logs: fn(&Inner, UserId, Timestamp) -> Answer<u64>,
    pub purge_logs: fn(&Inner, UserId, Timestamp, usize) -> Answer<u64>,
    pub erase: fn(&Inner, usize) -> Answer<Erasure>,
    pub optimise: fn(&Inner, Timestamp) -> Answer<Vec<String>>,
    pub put_analysis: fn(&Inner, UserId, Analysis) -> Answer<bool>,
    pub analysis: fn(&Inner, UserId, SessionId) -> Answer<Option<Analysis>>,
    pub put_task_run: fn(&Inner, TaskRun) -> Answer<()>,
    pub task_runs: fn(&Inner) -> Answer<Vec<TaskRun>>,
    pub transfer_users: fn(&Inner, Option<UserId>, usize) -> Answer<Vec<UserId>>,
    /// What an export gives out in place of each item.
    pub export: fn(&Inner, UserId, TransferItem) -> Vec<TransferItem>,
    /// Takes the items of an export only as they are asked for.
    pub exports_late: bool,
    pub skips_blocks: bool,
    pub begin_import: fn(&Inner, &str) -> Answer<()>,
    pub import_user: fn(&Inner, UserId) -> Answer<Box<dyn UserImport>>,
    pub holds: fn(&Inner, UserId, &SessionState, bool) -> bool,
    /// What an import takes in in place of each item.
    pub import: fn(&Inner, UserId, TransferItem) -> Vec<TransferItem>,
    pub finish_import: fn(&Inner) -> Answer<()>,
    pub unfinished_import: fn(&Inner) -> Answer<Option<String>>,
}

/// Breaks nothing.
pub const HONEST: Hooks = Hooks {
    push: Inner::push,
    pushes_in_steps: false,
    pull: Inner::pull,
    read: Inner::read,
    delete: Inner::delete,
    sessions: Inner::sessions,
    session: Inner::session,
    show: |state| state,
    status: Inner::status,
    log_entries: Inner::log_entries,
    log: Inner::log,
    create_user: Inner::create_user,
    token_holder: Inner::token_holder,
    credentials: Inner::credentials,
    users: Inner::users,
    set_active: Inner::set_active,
    set_password: Inner::set_password,
    delete_user: Inner::delete_user,
    create_family: Inner::create_family,
    rotate: Inner::rotate,
    revoke: Inner::revoke,
    sign_ins: Inner::sign_ins,
    verify: Inner::verify,
    repair: Inner::repair,
    usage: Inner::usage,
    find: Inner::find_sessions,
    purge: Inner::purge_samples,
    close: Inner::close_session,
    count_logs: Inner::count_logs,
    purge_logs: Inner::purge_logs,
    erase: Inner::erase_deleted,
    optimise: Inner::optimise,
    put_analysis: Inner::put_analysis,
    analysis: Inner::analysis,
    put_task_run: Inner::put_task_run,
    task_runs: Inner::task_runs,
    transfer_users: Inner::transfer_users,
    export: |_, _, item| vec![item],
    exports_late: false,
    skips_blocks: true,
    begin_import: Inner::begin_import,
    import_user: Inner::import_user,
    holds: |_, _, _, holds| holds,
    import: |_, _, item| vec![item],
    finish_import: Inner::finish_import,
    unfinished_import: Inner::unfinished_import,
};

/// A store with one defect.
pub struct Broken {
    inner: Arc<Inner>,
    hooks: Hooks,
}

impl Broken {
    pub fn over(inner: Arc<Inner>, hooks: Hooks) -> Self {
        Self { inner, hooks }
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Broken")
    }
}

/// The push cut into one push a series.
pub fn steps(command: &PushCommand) -> Vec<PushCommand> {
    let mut steps: Vec<_> = command
        .batch
        .series
        .iter()
        .map(|series| {
            let mut batch = (*command.batch).clone();
            batch.series = vec![series.clone()];
            batch.total_records = series.records.len() as u64;
            (batch.replaced, batch.errors) = (0, 0);
            batch
        })
        .collect();
    let Some(last) = steps.last_mut() else {
        return vec![command.clone()];
    };
    last.replaced = command.batch.replaced;
    last.errors = command.batch.errors;
    last.total_records += last.replaced + last.errors;
    steps
        .into_iter()
        .map(|batch| PushCommand {
            batch: batch.into(),
            ..command.clone()
        })
        .collect()
}

/// The answers to the steps of one push, as one.
pub fn sum(total: Option<PushOutcome>, step: PushOutcome) -> PushOutcome {
    total.map_or(step, |total| PushOutcome {
        inserted: total.inserted + step.inserted,
        updated: total.updated + step.updated,
        duplicates: total.duplicates + step.duplicates,
        ..step
    })
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SyncStore for Broken {
    fn info(&self) -> StoreInfo {
        self.inner.store.info()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.store.ping().await
    }

    async fn push(&self, command: PushCommand, now: Timestamp) -> Answer<PushOutcome> {
        if !self.hooks.pushes_in_steps {
            return (self.hooks.push)(&self.inner, command, now);
        }
        let mut total = None;
        for step in steps(&command) {
            total = Some(sum(total, (self.hooks.push)(&self.inner, step, now)?));
            tokio::task::yield_now().await;
        }
        Ok(total.expect("a push has at least one step"))
    }

    async fn pull(&self, query: PullQuery, now: Timestamp) -> Answer<PullHead> {
        let mut head = (self.hooks.pull)(&self.inner, query, now)?;
        head.sessions = head.sessions.into_iter().map(self.hooks.show).collect();
        Ok(head)
    }

    async fn read_records(&self, query: RecordQuery) -> Answer<RecordChunk> {
        (self.hooks.read)(&self.inner, query)
    }

    async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Answer<Timestamp> {
        (self.hooks.delete)(&self.inner, user, session, now)
    }

    async fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Answer<SessionList> {
        let mut list = (self.hooks.sessions)(&self.inner, user, before, limit)?;
        list.sessions = list.sessions.into_iter().map(self.hooks.show).collect();
        Ok(list)
    }

    async fn session(&self, user: UserId, session: SessionId) -> Answer<Option<SessionDetail>> {
        let detail = (self.hooks.session)(&self.inner, user, session)?;
        Ok(detail.map(|SessionDetail { state, series }| SessionDetail {
            state: (self.hooks.show)(state),
            series,
        }))
    }

    async fn status(&self, user: UserId, recent: usize) -> Answer<UserStatus> {
        (self.hooks.status)(&self.inner, user, recent)
    }

    async fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Result<Vec<SyncLogEntry>, StoreError> {
        (self.hooks.log_entries)(&self.inner, user, after, limit)
    }

    async fn log(&self, user: UserId, entry: NewSyncLogEntry, now: Timestamp) -> Answer<LogId> {
        (self.hooks.log)(&self.inner, user, entry, now)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl AccountStore for Broken {
    async fn create_user(&self, user: NewUser, now: Timestamp) -> Answer<Result<User, Taken>> {
        (self.hooks.create_user)(&self.inner, user, now)
    }

    async fn user(&self, id: UserId) -> Answer<Option<User>> {
        self.inner.user(id)
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Answer<Option<TokenHolder>> {
        (self.hooks.token_holder)(&self.inner, user, sign_in, now)
    }

    async fn credentials(&self, username: &str) -> Answer<Option<Credentials>> {
        (self.hooks.credentials)(&self.inner, username)
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Answer<UserPage> {
        (self.hooks.users)(&self.inner, after, limit)
    }

    async fn set_active(&self, id: UserId, active: bool, now: Timestamp) -> Answer<Option<User>> {
        (self.hooks.set_active)(&self.inner, id, active, now)
    }

    async fn set_password(&self, id: UserId, hash: String, now: Timestamp) -> Answer<Option<User>> {
        (self.hooks.set_password)(&self.inner, id, hash, now)
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Answer<bool> {
        (self.hooks.delete_user)(&self.inner, id, now)
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Answer<()> {
        (self.hooks.create_family)(&self.inner, family, now)
    }

    async fn rotate(
        &self,
        family: SignInId,
        user: UserId,
        presented: TokenHash,
        next: TokenHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Answer<Rotation> {
        let call = Rotate {
            family,
            user,
            presented,
            next,
            expires_at,
            now,
        };
        (self.hooks.rotate)(&self.inner, call)
    }

    async fn revoke_device(
        &self,
        user: UserId,
        sign_in: SignInId,
        device_id: Option<&str>,
    ) -> Answer<()> {
        (self.hooks.revoke)(&self.inner, user, sign_in, device_id)
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Answer<Vec<SignIn>> {
        (self.hooks.sign_ins)(&self.inner, user, now)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MaintenanceStore for Broken {
    async fn verify(&self, after: Option<SessionPosition>, limit: usize) -> Answer<VerifyPage> {
        (self.hooks.verify)(&self.inner, after, limit)
    }

    async fn repair(&self, after: Option<SessionPosition>, limit: usize) -> Answer<RepairPage> {
        (self.hooks.repair)(&self.inner, after, limit)
    }

    async fn usage(&self) -> Answer<Usage> {
        (self.hooks.usage)(&self.inner)
    }

    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Answer<FoundSessions> {
        let mut found = (self.hooks.find)(&self.inner, filter, after, limit)?;
        let shown = found.sessions.into_iter();
        found.sessions = shown
            .map(|(user, state)| (user, (self.hooks.show)(state)))
            .collect();
        Ok(found)
    }

    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Answer<Option<u64>> {
        let call = Purge {
            user,
            session,
            updated_at,
            now,
        };
        (self.hooks.purge)(&self.inner, call)
    }

    async fn close_session(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Answer<Option<Timestamp>> {
        let call = Purge {
            user,
            session,
            updated_at,
            now,
        };
        (self.hooks.close)(&self.inner, call, note)
    }

    async fn count_logs(&self, user: UserId, before: Timestamp) -> Answer<u64> {
        (self.hooks.count_logs)(&self.inner, user, before)
    }

    async fn purge_logs(&self, user: UserId, before: Timestamp, limit: usize) -> Answer<u64> {
        (self.hooks.purge_logs)(&self.inner, user, before, limit)
    }

    async fn erase_deleted(&self, limit: usize) -> Answer<Erasure> {
        (self.hooks.erase)(&self.inner, limit)
    }

    async fn optimise(&self, now: Timestamp) -> Answer<Vec<String>> {
        (self.hooks.optimise)(&self.inner, now)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ResultStore for Broken {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Answer<bool> {
        (self.hooks.put_analysis)(&self.inner, user, analysis)
    }

    async fn analysis(&self, user: UserId, session: SessionId) -> Answer<Option<Analysis>> {
        (self.hooks.analysis)(&self.inner, user, session)
    }

    async fn put_task_run(&self, run: TaskRun) -> Answer<()> {
        (self.hooks.put_task_run)(&self.inner, run)
    }

    async fn task_runs(&self) -> Answer<Vec<TaskRun>> {
        (self.hooks.task_runs)(&self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TransferStore for Broken {
    async fn transfer_users(&self, after: Option<UserId>, limit: usize) -> Answer<Vec<UserId>> {
        (self.hooks.transfer_users)(&self.inner, after, limit)
    }

    async fn export_user(&self, user: UserId) -> Answer<Box<dyn UserExport>> {
        let export = BrokenExport::new(self.inner.clone(), self.hooks, user).await?;
        Ok(Box::new(export))
    }

    async fn begin_import(&self, source: &str) -> Answer<()> {
        (self.hooks.begin_import)(&self.inner, source)
    }

    async fn import_user(&self, user: UserId) -> Answer<Box<dyn UserImport>> {
        let import = (self.hooks.import_user)(&self.inner, user)?;
        Ok(Box::new(BrokenImport::new(
            self.inner.clone(),
            self.hooks,
            user,
            import,
        )))
    }

    async fn finish_import(&self) -> Answer<()> {
        (self.hooks.finish_import)(&self.inner)
    }

    async fn unfinished_import(&self) -> Answer<Option<String>> {
        (self.hooks.unfinished_import)(&self.inner)
    }
}
