//! One user on the way out of the store.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec::IntoIter;

use async_trait::async_trait;
use koodtx_core::id::{SensorType, UserId};
use koodtx_core::store::{StoreError, TransferItem, UserExport};
use tokio::sync::OwnedRwLockReadGuard;

use crate::blocks::SeriesKey;
use crate::error::{Failure, Result};
use crate::key::Key;
use crate::record;
use crate::series::{self, SeriesRecord};
use crate::session::{self, SessionRecord};
use crate::store::{Inner, blocking};
use crate::user::UserRecord;
use crate::values::{Entry, Values};
use crate::{accounts, erase, families, results};

/// Items read in one go, so that not each of them changes threads.
const STEP_MAX_ITEMS: usize = 64;
const OPERATION: &str = "export_user";

type Entries = Box<dyn Iterator<Item = Result<Entry>> + Send>;

/// The items of one user. Holds the user's lock shared, so that nothing changes until the end.
pub(crate) struct Export {
    inner: Arc<Inner>,
    /// Items that were read and are not given out yet.
    ready: VecDeque<TransferItem>,
    /// Absent while a step is under way, and so for good where one was given up or failed.
    walk: Option<Walk>,
}

/// Where the reading stands. It moves into the blocking steps, and the lock with it.
struct Walk {
    user: UserId,
    stage: Stage,
    _lock: OwnedRwLockReadGuard<()>,
}

enum Stage {
    Account,
    Families(Entries),
    Sessions(Entries),
    Blocks(Box<Blocks>),
    /// Ids of sessions, in their order, which is that of analyses.
    Analyses(Entries),
    Log(Entries),
    Clock,
    End,
}

/// The blocks of one session, with the sessions behind it.
struct Blocks {
    sessions: Entries,
    session: SessionRecord,
    series: IntoIter<(SensorType, SeriesRecord)>,
    current: Option<(SensorType, SeriesRecord, Entries)>,
}

impl Export {
    pub(crate) fn new(inner: Arc<Inner>, lock: OwnedRwLockReadGuard<()>, user: UserId) -> Self {
        Self {
            inner,
            ready: VecDeque::new(),
            walk: Some(Walk {
                user,
                stage: Stage::Account,
                _lock: lock,
            }),
        }
    }

    /// Takes a step of the walk on a thread that may block.
    async fn step<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Walk, &Values) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(mut walk) = self.walk.take() else {
            let failure = Failure::Io(std::io::Error::other(
                "an earlier step of the export failed",
            ));
            return Err(failure.during(OPERATION));
        };
        let step = move |inner: &Inner| {
            let outcome = work(&mut walk, &inner.values)?;
            Ok((walk, outcome))
        };
        let (walk, outcome) = blocking(Arc::clone(&self.inner), OPERATION, step).await?;
        self.walk = Some(walk);
        Ok(outcome)
    }
}

#[async_trait]
impl UserExport for Export {
    async fn next(&mut self) -> Result<Option<TransferItem>, StoreError> {
        if self.ready.is_empty() {
            self.ready = self.step(Walk::step).await?;
        }
        Ok(self.ready.pop_front())
    }

    async fn skip_blocks(&mut self) -> Result<(), StoreError> {
        let is_block = |item: &TransferItem| matches!(item, TransferItem::Block(..));
        while self.ready.front().is_some_and(is_block) {
            self.ready.pop_front();
        }
        if self.ready.is_empty() {
            self.step(|walk, _| {
                walk.skip_blocks();
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

impl Walk {
    /// The next items; none at the end.
    ///
    /// A step ends behind a session, whose blocks the caller may not want.
    fn step(&mut self, values: &Values) -> Result<VecDeque<TransferItem>> {
        let mut items = VecDeque::new();
        while items.len() < STEP_MAX_ITEMS {
            let Some(item) = self.next(values)? else {
                break;
            };
            let has_blocks =
                matches!(&item, TransferItem::Session(session) if session.series_count > 0);
            items.push_back(item);
            if has_blocks {
                break;
            }
        }
        Ok(items)
    }

    fn next(&mut self, values: &Values) -> Result<Option<TransferItem>> {
        let user = self.user;
        loop {
            // Where reading fails, the walk is dropped, so the stage need not be right then.
            match std::mem::replace(&mut self.stage, Stage::End) {
                Stage::Account => {
                    if let Some(deleted) = erase::deletion(values, user)? {
                        self.stage = Stage::Clock;
                        return Ok(Some(TransferItem::Deleted(deleted)));
                    }
                    self.stage = Stage::Families(scan(values, &Key::families(user)));
                    if let Some(account) = accounts::account(values, user)? {
                        return Ok(Some(TransferItem::Account(account)));
                    }
                }
                Stage::Families(mut entries) => {
                    if let Some(entry) = entries.next() {
                        self.stage = Stage::Families(entries);
                        let family = families::load(values, &entry?)?;
                        return Ok(Some(TransferItem::Family(family)));
                    }
                    self.stage = Stage::Sessions(scan(values, &Key::sessions(user)));
                }
                Stage::Sessions(mut entries) => {
                    let Some(entry) = entries.next() else {
                        self.stage = Stage::Analyses(scan(values, &Key::session_ids(user)));
                        continue;
                    };
                    let session = SessionRecord::load(values, &entry?)?;
                    let state = session.state.clone();
                    self.stage = if state.live {
                        let series = series::all(values, user, session.life)?;
                        Stage::Blocks(Box::new(Blocks {
                            sessions: entries,
                            session,
                            series: series.into_iter(),
                            current: None,
                        }))
                    } else {
                        Stage::Sessions(entries)
                    };
                    return Ok(Some(TransferItem::Session(state)));
                }
                Stage::Blocks(mut blocks) => {
                    if let Some(item) = blocks.next(values, user)? {
                        self.stage = Stage::Blocks(blocks);
                        return Ok(Some(item));
                    }
                    self.stage = Stage::Sessions(blocks.sessions);
                }
                Stage::Analyses(mut entries) => {
                    let Some(entry) = entries.next() else {
                        self.stage = Stage::Log(scan(values, &Key::logs(user)));
                        continue;
                    };
                    self.stage = Stage::Analyses(entries);
                    let created_at = record::load(values, &entry?)?;
                    if results::clock(values, user, created_at)?.is_none() {
                        continue;
                    }
                    let session = SessionRecord::at(values, user, created_at)?
                        .ok_or_else(|| session::missing(user, created_at))?;
                    if let Some(analysis) = results::get(values, user, &session)? {
                        return Ok(Some(TransferItem::Analysis(analysis)));
                    }
                }
                Stage::Log(mut entries) => {
                    if let Some(entry) = entries.next() {
                        self.stage = Stage::Log(entries);
                        let entry = record::load(values, &entry?)?;
                        return Ok(Some(TransferItem::Log(entry)));
                    }
                    self.stage = Stage::Clock;
                }
                Stage::Clock => {
                    let clock = UserRecord::read(values, user)?.clock;
                    return Ok(Some(TransferItem::Clock(clock)));
                }
                Stage::End => return Ok(None),
            }
        }
    }

    fn skip_blocks(&mut self) {
        if let Stage::Blocks(blocks) = &mut self.stage {
            let sessions = std::mem::replace(&mut blocks.sessions, Box::new(std::iter::empty()));
            self.stage = Stage::Sessions(sessions);
        }
    }
}

impl Blocks {
    fn next(&mut self, values: &Values, user: UserId) -> Result<Option<TransferItem>> {
        loop {
            if let Some((sensor_type, series, entries)) = &mut self.current
                && let Some(entry) = entries.next()
            {
                let key = SeriesKey::of(user, &self.session, sensor_type, series);
                let block = key.decode(values, &entry?)?;
                return Ok(Some(TransferItem::Block(sensor_type.clone(), block)));
            }
            let Some((sensor_type, series)) = self.series.next() else {
                return Ok(None);
            };
            let key = SeriesKey::of(user, &self.session, &sensor_type, &series);
            let entries = Box::new(key.scan(values));
            self.current = Some((sensor_type, series, entries));
        }
    }
}

fn scan(values: &Values, prefix: &Key) -> Entries {
    Box::new(values.scan_prefix(prefix))
}
