//! What the items of one user promise: their order, and that they add up.

use crate::block::Block;
use crate::id::{LogId, SensorType, SessionId, SignInId, UserId};
use crate::limits::SESSION_SENSOR_TYPES_MAX_COUNT;
use crate::session::SessionState;
use crate::store::{StoreError, TransferItem};
use crate::time::Timestamp;

/// Most records of a block: as many as the first versions wrote into one.
const TRANSFERRED_BLOCK_RECORDS_MAX_COUNT: usize = 512;

/// Checks the items of one user as they come by: that they are the user's, in the order of
/// [`UserExport`](crate::store::UserExport), and that each session has the records that it says.
///
/// Keeps nothing of them but the latest keys.
#[derive(Debug)]
pub struct ItemOrder {
    user: UserId,
    last: Option<Key>,
    session: Option<OpenSession>,
    /// Latest user clock that a session shows.
    latest: Timestamp,
}

/// Orders items as they have to come. Blocks are ordered within their session.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Key {
    Deleted,
    Account,
    Family(SignInId),
    Session(Timestamp),
    Analysis(SessionId),
    Log(LogId),
    Clock,
}

/// The session whose blocks come by.
#[derive(Debug)]
struct OpenSession {
    state: SessionState,
    records: u64,
    series: u64,
    /// Series and time of the latest record.
    last: Option<(SensorType, Timestamp)>,
    /// Its blocks are passed over, so nothing can be said of them.
    is_skipped: bool,
}

impl ItemOrder {
    /// Begins with the first item of `user`.
    pub fn new(user: UserId) -> Self {
        Self {
            user,
            last: None,
            session: None,
            latest: Timestamp::ZERO,
        }
    }

    /// Takes in the next item.
    ///
    /// # Errors
    /// `Corrupt` where it breaks a promise; the message names the place.
    pub fn check(&mut self, item: &TransferItem) -> Result<(), StoreError> {
        if let TransferItem::Block(sensor_type, block) = item {
            return match &mut self.session {
                Some(session) => session.block(sensor_type, block),
                None => Err("a block follows no session".to_owned()),
            }
            .map_err(|message| self.broken(&message));
        }
        self.close_session()?;
        let key = self.key(item).map_err(|message| self.broken(message))?;
        if self.last.is_some_and(|last| last >= key) {
            return Err(self.broken("its items are not in order"));
        }
        if self.last == Some(Key::Deleted) && key != Key::Clock {
            return Err(self.broken("it was deleted, and has something"));
        }
        self.last = Some(key);
        match item {
            TransferItem::Session(state) => {
                self.latest = self.latest.max(state.updated_at);
                self.session = Some(OpenSession::new(state.clone()));
            }
            TransferItem::Clock(clock) if *clock < self.latest => {
                return Err(self.broken("the user clock is behind a session"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The blocks of the latest session are passed over.
    pub fn skip_blocks(&mut self) {
        if let Some(session) = &mut self.session {
            session.is_skipped = true;
        }
    }

    /// Ends behind the last item.
    ///
    /// # Errors
    /// `Corrupt` where the clock has not come.
    pub fn end(self) -> Result<(), StoreError> {
        if self.last == Some(Key::Clock) {
            Ok(())
        } else {
            Err(self.broken("its items end before the user clock"))
        }
    }

    fn key(&self, item: &TransferItem) -> Result<Key, &'static str> {
        let mine = |user| {
            if user == self.user {
                Ok(())
            } else {
                Err("an item belongs to another user")
            }
        };
        Ok(match item {
            TransferItem::Deleted(deleted) => {
                mine(deleted.id)?;
                Key::Deleted
            }
            TransferItem::Account(account) => {
                mine(account.user.id)?;
                Key::Account
            }
            TransferItem::Family(family) => {
                mine(family.sign_in.user)?;
                Key::Family(family.sign_in.id)
            }
            TransferItem::Session(state) => {
                let clocks = [Some(state.created_at), state.deleted_at];
                if clocks.into_iter().flatten().max() > Some(state.updated_at) {
                    return Err("a session is older than its last change");
                }
                Key::Session(state.created_at)
            }
            TransferItem::Analysis(analysis) => Key::Analysis(analysis.session),
            TransferItem::Log(entry) => Key::Log(entry.id),
            TransferItem::Clock(_) => Key::Clock,
            TransferItem::Block(..) => return Err("a block follows no session"),
        })
    }

    fn close_session(&mut self) -> Result<(), StoreError> {
        let Some(session) = self.session.take().filter(|session| !session.is_skipped) else {
            return Ok(());
        };
        let OpenSession {
            state,
            records,
            series,
            ..
        } = session;
        if (state.data_count, state.series_count) == (records, series) {
            return Ok(());
        }
        let message = format!(
            "session {}: it says {} records in {} series, and has {records} in {series}",
            state.id, state.data_count, state.series_count
        );
        Err(self.broken(&message))
    }

    fn broken(&self, message: &str) -> StoreError {
        StoreError::corrupt("transfer", format!("user {}: {message}", self.user))
    }
}

impl OpenSession {
    fn new(state: SessionState) -> Self {
        Self {
            state,
            records: 0,
            series: 0,
            last: None,
            is_skipped: false,
        }
    }

    fn block(&mut self, sensor_type: &SensorType, block: &Block) -> Result<(), String> {
        let id = self.state.id;
        let wrong = |what: &str| Err(format!("session {id}, sensor {sensor_type}: {what}"));
        let Some(meta) = block.meta() else {
            return wrong("a block is empty");
        };
        if block.len() > TRANSFERRED_BLOCK_RECORDS_MAX_COUNT {
            return wrong("a block has too many records");
        }
        if meta.changed > self.state.updated_at {
            return wrong("a record changed after the session did");
        }
        let last = self.last.replace((sensor_type.clone(), meta.last));
        let is_new = match last {
            Some((last, time)) if last == *sensor_type => {
                if time >= meta.first {
                    return wrong("its blocks are not in order");
                }
                false
            }
            Some((last, _)) if last > *sensor_type => return wrong("the series are not in order"),
            _ => true,
        };
        self.records += block.len() as u64;
        self.series += u64::from(is_new);
        if self.series > SESSION_SENSOR_TYPES_MAX_COUNT as u64 {
            return wrong("the session has too many series");
        }
        Ok(())
    }
}
