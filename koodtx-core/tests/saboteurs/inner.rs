//! The honest store below a saboteur, with calls that do not wait, and a saboteur's notes.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use koodtx_core::block::Record;
use koodtx_core::id::{LogId, SensorType, SessionId, SignInId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::{
    PageStart, PullHead, PullQuery, RecordChunk, RecordPosition, RecordQuery, RoundKey,
};
use koodtx_core::session::SessionState;
use koodtx_core::store::{
    AccountStore, Analysis, Credentials, Erasure, FoundSessions, MaintenanceStore, NewFamily,
    NewUser, PushCommand, PushOutcome, RepairPage, ResultStore, Rotation, SessionDetail,
    SessionFilter, SessionList, SessionPosition, SignIn, StoreError, SyncStore, Taken, TaskRun,
    TokenHash, TokenHolder, TransferStore, Usage, User, UserImport, UserPage, UserStatus,
    VerifyPage,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncLogEntry};
use koodtx_core::time::Timestamp;
use parking_lot::Mutex;

use super::edit::Row;

/// What every method comes to.
pub type Answer<T> = Result<T, StoreError>;

/// The honest store, and whatever a saboteur remembers between two calls.
#[derive(Debug, Default)]
pub struct Inner {
    pub store: MemoryStore,
    pub notes: Mutex<Notes>,
}

/// A saboteur's memory.
#[derive(Debug, Default)]
pub struct Notes {
    pub stamps: BTreeMap<(SessionId, RecordPosition), Timestamp>,
    pub patches: BTreeMap<SessionId, Timestamp>,
    pub deleted: BTreeMap<SessionId, Vec<Row>>,
    pub owners: BTreeMap<SessionId, UserId>,
    pub families: BTreeMap<SignInId, NewFamily>,
    pub texts: BTreeSet<String>,
    pub clock: Timestamp,
    pub rounds: u64,
    /// Accounts as they were when they were deleted.
    pub deleted_users: BTreeMap<UserId, Credentials>,
    /// Deleted users for whom something was stored all the same.
    pub resurrected: BTreeSet<UserId>,
    pub lone_pages: BTreeMap<(UserId, RoundKey), Timestamp>,
    /// The most that each user was ever told to hold.
    pub most_bytes: BTreeMap<UserId, u64>,
    /// What records that are gone counted.
    pub removed_bytes: u64,
    /// A session came in of which nobody had counted the bytes.
    pub is_uncounted: bool,
}

/// The arguments of a purge, or of a closing.
#[derive(Clone, Copy, Debug)]
pub struct Purge {
    pub user: UserId,
    pub session: SessionId,
    pub updated_at: Timestamp,
    pub now: Timestamp,
}

/// The memory store never waits, so one poll gives the answer.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the memory store waits for nothing"),
    }
}

/// Long enough for another thread to get in between.
pub fn wait_for_others() {
    std::thread::sleep(Duration::from_millis(3));
}

impl Inner {
    pub fn push(&self, command: PushCommand, now: Timestamp) -> Answer<PushOutcome> {
        ready(self.store.push(command, now))
    }

    pub fn pull(&self, query: PullQuery, now: Timestamp) -> Answer<PullHead> {
        ready(self.store.pull(query, now))
    }

    pub fn read(&self, query: RecordQuery) -> Answer<RecordChunk> {
        ready(self.store.read_records(query))
    }

    pub fn delete(&self, user: UserId, session: SessionId, now: Timestamp) -> Answer<Timestamp> {
        ready(self.store.delete_session(user, session, now))
    }

    pub fn sessions(
        &self,
        user: UserId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Answer<SessionList> {
        ready(self.store.sessions(user, before, limit))
    }

    pub fn session(&self, user: UserId, session: SessionId) -> Answer<Option<SessionDetail>> {
        ready(self.store.session(user, session))
    }

    pub fn status(&self, user: UserId, recent: usize) -> Answer<UserStatus> {
        ready(self.store.status(user, recent))
    }

    pub fn log_entries(
        &self,
        user: UserId,
        after: Option<LogId>,
        limit: usize,
    ) -> Answer<Vec<SyncLogEntry>> {
        ready(self.store.log_entries(user, after, limit))
    }

    pub fn log(&self, user: UserId, entry: NewSyncLogEntry, now: Timestamp) -> Answer<LogId> {
        ready(self.store.log(user, entry, now))
    }

    pub fn create_user(&self, user: NewUser, now: Timestamp) -> Answer<Result<User, Taken>> {
        ready(self.store.create_user(user, now))
    }

    pub fn user(&self, id: UserId) -> Answer<Option<User>> {
        ready(self.store.user(id))
    }

    pub fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Answer<Option<TokenHolder>> {
        ready(self.store.token_holder(user, sign_in, now))
    }

    pub fn credentials(&self, username: &str) -> Answer<Option<Credentials>> {
        ready(self.store.credentials(username))
    }

    pub fn users(&self, after: Option<UserId>, limit: usize) -> Answer<UserPage> {
        ready(self.store.users(after, limit))
    }

    pub fn set_active(&self, id: UserId, active: bool, now: Timestamp) -> Answer<Option<User>> {
        ready(self.store.set_active(id, active, now))
    }

    pub fn set_password(&self, id: UserId, hash: String, now: Timestamp) -> Answer<Option<User>> {
        ready(self.store.set_password(id, hash, now))
    }

    pub fn delete_user(&self, id: UserId, now: Timestamp) -> Answer<bool> {
        ready(self.store.delete_user(id, now))
    }

    pub fn create_family(&self, family: NewFamily, now: Timestamp) -> Answer<()> {
        ready(self.store.create_family(family, now))
    }

    pub fn rotate(&self, call: Rotate) -> Answer<Rotation> {
        let Rotate {
            family,
            user,
            presented,
            next,
            expires_at,
            now,
        } = call;
        ready(
            self.store
                .rotate(family, user, presented, next, expires_at, now),
        )
    }

    pub fn revoke(&self, user: UserId, sign_in: SignInId, device: Option<&str>) -> Answer<()> {
        ready(self.store.revoke_device(user, sign_in, device))
    }

    pub fn sign_ins(&self, user: UserId, now: Timestamp) -> Answer<Vec<SignIn>> {
        ready(self.store.sign_ins(user, now))
    }

    pub fn verify(&self, after: Option<SessionPosition>, limit: usize) -> Answer<VerifyPage> {
        ready(self.store.verify(after, limit))
    }

    pub fn repair(&self, after: Option<SessionPosition>, limit: usize) -> Answer<RepairPage> {
        ready(self.store.repair(after, limit))
    }

    pub fn usage(&self) -> Answer<Usage> {
        ready(self.store.usage())
    }

    pub fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Answer<FoundSessions> {
        ready(self.store.find_sessions(filter, after, limit))
    }

    pub fn purge_samples(&self, call: Purge) -> Answer<Option<u64>> {
        let Purge {
            user,
            session,
            updated_at,
            now,
        } = call;
        ready(self.store.purge_samples(user, session, updated_at, now))
    }

    pub fn close_session(&self, call: Purge, note: &str) -> Answer<Option<Timestamp>> {
        let Purge {
            user,
            session,
            updated_at,
            now,
        } = call;
        ready(
            self.store
                .close_session(user, session, updated_at, note, now),
        )
    }

    pub fn count_logs(&self, user: UserId, before: Timestamp) -> Answer<u64> {
        ready(self.store.count_logs(user, before))
    }

    pub fn purge_logs(&self, user: UserId, before: Timestamp, limit: usize) -> Answer<u64> {
        ready(self.store.purge_logs(user, before, limit))
    }

    pub fn erase_deleted(&self, limit: usize) -> Answer<Erasure> {
        ready(self.store.erase_deleted(limit))
    }

    pub fn optimise(&self, now: Timestamp) -> Answer<Vec<String>> {
        ready(self.store.optimise(now))
    }

    pub fn put_analysis(&self, user: UserId, analysis: Analysis) -> Answer<bool> {
        ready(self.store.put_analysis(user, analysis))
    }

    pub fn analysis(&self, user: UserId, session: SessionId) -> Answer<Option<Analysis>> {
        ready(self.store.analysis(user, session))
    }

    pub fn put_task_run(&self, run: TaskRun) -> Answer<()> {
        ready(self.store.put_task_run(run))
    }

    pub fn task_runs(&self) -> Answer<Vec<TaskRun>> {
        ready(self.store.task_runs())
    }

    pub fn transfer_users(&self, after: Option<UserId>, limit: usize) -> Answer<Vec<UserId>> {
        ready(self.store.transfer_users(after, limit))
    }

    pub fn begin_import(&self, source: &str) -> Answer<()> {
        ready(self.store.begin_import(source))
    }

    pub fn import_user(&self, user: UserId) -> Answer<Box<dyn UserImport>> {
        ready(self.store.import_user(user))
    }

    pub fn finish_import(&self) -> Answer<()> {
        ready(self.store.finish_import())
    }

    pub fn unfinished_import(&self) -> Answer<Option<String>> {
        ready(self.store.unfinished_import())
    }
}

/// The arguments of `rotate`.
#[derive(Clone, Copy)]
pub struct Rotate {
    pub family: SignInId,
    pub user: UserId,
    pub presented: TokenHash,
    pub next: TokenHash,
    pub expires_at: Timestamp,
    pub now: Timestamp,
}

/// What saboteurs like to know.
impl Inner {
    /// Everything that a pull shows of a user.
    pub fn all(&self, user: UserId) -> PullHead {
        let query = PullQuery {
            user,
            since: None,
            session_ids: None,
            start: PageStart::Offset(0),
            limit: usize::MAX,
            round: None,
        };
        self.pull(query, Timestamp::ZERO)
            .expect("the memory store does not fail")
    }

    /// The user clock.
    pub fn clock(&self, user: UserId) -> Timestamp {
        self.all(user).clock
    }

    /// A session or tombstone.
    pub fn state(&self, user: UserId, session: SessionId) -> Option<SessionState> {
        self.all(user)
            .sessions
            .into_iter()
            .find(|state| state.id == session)
    }

    /// All records of a session.
    pub fn records(&self, user: UserId, session: SessionId) -> BTreeMap<RecordPosition, Record> {
        let limit = usize::MAX;
        let query = RecordQuery {
            user,
            session,
            after: None,
            changed_after: None,
            limit,
        };
        let chunk = self.read(query).expect("the memory store does not fail");
        let place = |sensor: &SensorType, record: &Record| RecordPosition {
            timestamp: record.timestamp,
            sensor_type: sensor.clone(),
        };
        chunk
            .series
            .iter()
            .flat_map(|(sensor, block)| block.records().map(move |r| (place(sensor, &r), r)))
            .collect()
    }
}
