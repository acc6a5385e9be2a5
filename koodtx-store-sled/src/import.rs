//! One user on the way into the store.
//!
//! The blocks of a session go into a life that no session has yet, in batches of bounded size; the
//! session comes last and makes all of them appear at once. The life is marked as being filled until
//! then, so that the next attempt can remove what a broken-off one has left in it.

use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::block::{Block, LeafEdit};
use koodtx_core::id::{SensorType, UserId};
use koodtx_core::session::SessionState;
use koodtx_core::store::{StoreError, StoreErrorKind, Taken, TransferItem, UserImport};
use koodtx_core::sync_log::SyncLogEntry;
use koodtx_core::time::Timestamp;

use crate::blocks::SeriesKey;
use crate::error::{Failure, Result};
use crate::key::{Key, KeyReader, Table};
use crate::series::SeriesRecord;
use crate::session::SessionRecord;
use crate::store::{Inner, blocking};
use crate::user::UserRecord;
use crate::values::{Values, WriteSet};
use crate::{accounts, erase, families, janitor, record, results};

/// Items collected for one batch.
const BATCH_MAX_ITEMS: usize = 64;
const OPERATION: &str = "import_user";

/// Removes what a broken-off import of the user has left behind, apart from whole items. The caller
/// holds the user's lock alone.
pub(crate) fn prepare(inner: &Inner, user: UserId) -> Result<()> {
    for entry in inner
        .values
        .scan_prefix(&Key::of_user(Table::Filling, user))
    {
        let entry = entry?;
        let mut reader = KeyReader::new(entry.key());
        reader.user()?;
        janitor::clear(inner, user, reader.time()?)?;
        // Last, so that a stop half way is taken up again.
        let mut set = WriteSet::new(&inner.values);
        set.remove_stored(&entry);
        inner.journal.write(set)?;
    }
    let mut set = WriteSet::new(&inner.values);
    families::revoke_where(&inner.values, &mut set, user, |_| true)?;
    inner.journal.commit(set)
}

/// Takes the items of one user in.
pub(crate) struct Import {
    inner: Arc<Inner>,
    user: UserId,
    /// Items that are still to be written.
    pending: Vec<TransferItem>,
    /// Absent while a batch is being written, and so for good where that was given up or failed.
    filling: Option<Filling>,
}

impl Import {
    pub(crate) fn new(inner: Arc<Inner>, user: UserId) -> Self {
        Self {
            inner,
            user,
            pending: Vec::new(),
            filling: Some(Filling {
                user,
                session: None,
            }),
        }
    }

    async fn flush(&mut self, is_last: bool) -> Result<(), StoreError> {
        let Some(mut filling) = self.filling.take() else {
            let failure = Failure::Io(std::io::Error::other(
                "an earlier step of the import failed",
            ));
            return Err(failure.during(OPERATION));
        };
        let items = std::mem::take(&mut self.pending);
        let step = move |inner: &Inner| {
            filling.batch(inner, items)?;
            if is_last {
                filling.finish(inner)?;
            }
            Ok(filling)
        };
        self.filling = Some(blocking(Arc::clone(&self.inner), OPERATION, step).await?);
        Ok(())
    }
}

#[async_trait]
impl UserImport for Import {
    async fn holds(&mut self, session: &SessionState) -> Result<bool, StoreError> {
        let (user, session) = (self.user, session.clone());
        blocking(Arc::clone(&self.inner), OPERATION, move |inner| {
            let stored = SessionRecord::find(&inner.values, user, session.id)?;
            Ok(stored.is_some_and(|stored| stored.state == session))
        })
        .await
    }

    async fn write(&mut self, item: TransferItem) -> Result<(), StoreError> {
        self.pending.push(item);
        if self.pending.len() >= BATCH_MAX_ITEMS {
            self.flush(false).await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        self.flush(true).await
    }
}

/// What has to be known from one batch to the next.
struct Filling {
    user: UserId,
    /// The session whose blocks come in.
    session: Option<OpenSession>,
}

struct OpenSession {
    state: SessionState,
    life: Timestamp,
    /// What the session takes the place of.
    old: Option<SessionRecord>,
    /// The series that is being filled.
    series: Option<(SensorType, SeriesRecord)>,
    series_count: u32,
    /// The life is marked in the tree: some of its blocks are in an earlier batch.
    is_marked: bool,
}

impl Filling {
    /// Writes items, in one batch where no session is too large for it.
    fn batch(&mut self, inner: &Inner, items: Vec<TransferItem>) -> Result<()> {
        let mut set = WriteSet::new(&inner.values);
        for item in items {
            if !matches!(item, TransferItem::Block(..)) {
                set = self.close_session(inner, set)?;
            }
            let user = self.user;
            let taken = |taken: Taken| {
                let message = format!("user {user}: another account has its {taken:?}");
                StoreError::new(StoreErrorKind::AlreadyExists, OPERATION, message)
            };
            match item {
                TransferItem::Deleted(deleted) => {
                    erase::put(&inner.values, &mut set, &deleted)?.map_err(taken)?;
                }
                TransferItem::Account(account) => {
                    accounts::put(&inner.values, &mut set, account)?.map_err(taken)?;
                }
                TransferItem::Family(family) => families::put(&mut set, family)?,
                TransferItem::Session(state) => {
                    self.session = Some(OpenSession::begin(inner, self.user, state)?);
                }
                TransferItem::Block(sensor_type, block) => {
                    if let Some(session) = &mut self.session {
                        session.fill(&mut set, self.user, &sensor_type, block)?;
                    }
                }
                TransferItem::Analysis(analysis) => {
                    // The session may be in this batch.
                    inner.journal.commit(set)?;
                    set = WriteSet::new(&inner.values);
                    let found = SessionRecord::find(&inner.values, self.user, analysis.session)?;
                    if let Some(SessionRecord { state, .. }) = found {
                        results::put(&mut set, self.user, state.created_at, &analysis)?;
                    }
                }
                TransferItem::Log(entry) => {
                    record::put(&mut set, &Key::log(self.user, entry.id), &entry)?;
                }
                TransferItem::Clock(clock) => {
                    // The counters are counted in the tree.
                    inner.journal.commit(set)?;
                    set = WriteSet::new(&inner.values);
                    if erase::is_deleted(&inner.values, self.user)? {
                        continue;
                    }
                    summary(&inner.values, self.user, clock)?.write(&mut set, self.user)?;
                }
            }
        }
        if let Some(session) = &mut self.session
            && !session.is_marked
        {
            set.mark(&Key::life(Table::Filling, self.user, session.life));
            session.is_marked = true;
        }
        inner.journal.commit(set)
    }

    /// Writes the session whose blocks are all there. What is left of its life and the session itself
    /// go into `set`, or into one behind it where earlier batches hold blocks: those have to be on
    /// disk before the session is.
    fn close_session<'i>(
        &mut self,
        inner: &'i Inner,
        mut set: WriteSet<'i>,
    ) -> Result<WriteSet<'i>> {
        let Some(mut session) = self.session.take() else {
            return Ok(set);
        };
        session.end_series(&mut set, self.user)?;
        if session.is_marked {
            inner.journal.commit(set)?;
            set = WriteSet::new(&inner.values);
        }
        session.write(&mut set, self.user)?;
        Ok(set)
    }

    fn finish(&mut self, inner: &Inner) -> Result<()> {
        let set = WriteSet::new(&inner.values);
        let set = self.close_session(inner, set)?;
        inner.journal.commit(set)
    }
}

impl OpenSession {
    fn begin(inner: &Inner, user: UserId, mut state: SessionState) -> Result<Self> {
        // Counted as the blocks come in: the source may not know it.
        state.data_bytes = 0;
        // No two changes of a user share a clock, so no other session has this life, nor had one.
        let life = state.updated_at;
        // An earlier attempt may have replaced it by a later state, which the source does not have now.
        janitor::reuse(inner, user, life)?;
        let mut old = SessionRecord::find(&inner.values, user, state.id)?;
        let same_life = old.take_if(|record| record.life == life);
        let is_marked = same_life.is_some();
        if let Some(record) = same_life {
            // The same life with other records: it must not show while it is filled anew.
            let mut set = WriteSet::new(&inner.values);
            remove(&mut set, user, &record.state)?;
            set.mark(&Key::life(Table::Filling, user, life));
            inner.journal.commit(set)?;
            janitor::clear(inner, user, life)?;
        }
        Ok(Self {
            state,
            life,
            old,
            series: None,
            series_count: 0,
            is_marked,
        })
    }

    fn fill(
        &mut self,
        set: &mut WriteSet<'_>,
        user: UserId,
        sensor_type: &SensorType,
        block: Block,
    ) -> Result<()> {
        let Some(meta) = block.meta() else {
            return Ok(());
        };
        if self
            .series
            .as_ref()
            .is_none_or(|(last, _)| last != sensor_type)
        {
            self.end_series(set, user)?;
            let series = SeriesRecord {
                number: self.series_count,
                count: 0,
                first: meta.first,
                last: meta.last,
                open: None,
            };
            self.series = Some((sensor_type.clone(), series));
            self.series_count += 1;
        }
        self.state.data_bytes += block.data_bytes();
        if let Some((sensor_type, series)) = &mut self.series {
            series.count += u64::from(meta.count);
            series.last = meta.last;
            let key = SeriesKey {
                user,
                session: self.state.id,
                sensor_type,
                life: self.life,
                number: series.number,
                open: None,
            };
            let edit = LeafEdit {
                removed: Vec::new(),
                written: vec![block],
            };
            key.edit(set, &edit, None)?;
        }
        Ok(())
    }

    fn end_series(&mut self, set: &mut WriteSet<'_>, user: UserId) -> Result<()> {
        self.series.take().map_or(Ok(()), |(sensor_type, series)| {
            series.write(set, user, self.life, &sensor_type)
        })
    }

    /// Makes the session appear.
    fn write(self, set: &mut WriteSet<'_>, user: UserId) -> Result<()> {
        if let Some(old) = &self.old {
            remove(set, user, &old.state)?;
            set.mark(&Key::life(Table::Garbage, user, old.life));
        }
        if self.is_marked {
            set.remove(&Key::life(Table::Filling, user, self.life))?;
        }
        let Self { state, life, .. } = self;
        SessionRecord { state, life }.write(set, user, None)
    }
}

/// Removes a session from where it is found.
fn remove(set: &mut WriteSet<'_>, user: UserId, state: &SessionState) -> Result<()> {
    set.remove(&Key::session(user, state.created_at))?;
    results::forget(set, user, state.created_at)?;
    set.remove(&Key::session_id(user, state.id))?;
    set.remove(&Key::change(user, state.updated_at))
}

/// Clock and counters of a user, counted anew.
fn summary(values: &Values, user: UserId, clock: Timestamp) -> Result<UserRecord> {
    let mut summary = UserRecord {
        clock,
        ..UserRecord::default()
    };
    for entry in values.scan_prefix(&Key::sessions(user)) {
        let SessionRecord { state, .. } = SessionRecord::load(values, &entry?)?;
        summary.recount(None, &state);
    }
    if let Some(last) = values.scan_prefix(&Key::logs(user)).next_back() {
        let last: SyncLogEntry = record::load(values, &last?)?;
        summary.last_log = Some(last.id);
    }
    Ok(summary)
}
