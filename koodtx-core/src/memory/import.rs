//! One user on the way into the memory store.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::State;
use super::session::StoredSession;
use crate::id::UserId;
use crate::session::SessionState;
use crate::store::{StoreError, StoreErrorKind, Taken, TransferItem, UserImport};

pub(super) struct Import {
    store: Arc<Mutex<State>>,
    user: UserId,
    /// The session whose blocks come in: nobody sees it before it is whole.
    open: Option<StoredSession>,
}

impl Import {
    pub(super) fn new(store: Arc<Mutex<State>>, user: UserId) -> Self {
        Self {
            store,
            user,
            open: None,
        }
    }

    fn close_session(&mut self) {
        if let Some(mut session) = self.open.take() {
            session.state.data_bytes = session.data_bytes();
            let users = &mut self.store.lock().users;
            users.entry(self.user).or_default().put_session(session);
        }
    }
}

#[async_trait]
impl UserImport for Import {
    async fn holds(&mut self, session: &SessionState) -> Result<bool, StoreError> {
        let state = self.store.lock();
        let stored = state
            .users
            .get(&self.user)
            .and_then(|user| user.session(session.id));
        Ok(stored.is_some_and(|stored| stored.state == *session))
    }

    async fn write(&mut self, item: TransferItem) -> Result<(), StoreError> {
        if let TransferItem::Block(sensor_type, block) = &item {
            if let Some(session) = &mut self.open {
                let records = block.records().map(|record| (record, true)).collect();
                session.write(sensor_type, records);
            }
            return Ok(());
        }
        self.close_session();
        let state = &mut *self.store.lock();
        let taken = |taken: Taken| {
            let message = format!("user {}: another account has its {taken:?}", self.user);
            StoreError::new(StoreErrorKind::AlreadyExists, "import_user", message)
        };
        match item {
            TransferItem::Deleted(deleted) => {
                state.accounts.put_deleted(deleted).map_err(taken)?;
                // An earlier attempt came before the deletion.
                state.users.remove(&self.user);
            }
            TransferItem::Account(account) => state.accounts.put(account).map_err(taken)?,
            TransferItem::Family(family) => state.accounts.put_family(family),
            TransferItem::Session(session) => self.open = Some(StoredSession::new(session)),
            TransferItem::Analysis(analysis) => {
                let user = state.users.entry(self.user).or_default();
                user.analyses.insert(analysis.session, analysis);
            }
            TransferItem::Log(entry) => state.users.entry(self.user).or_default().put_log(entry),
            // The user clock of nobody.
            TransferItem::Clock(_) if state.accounts.deletion(self.user).is_some() => {}
            TransferItem::Clock(clock) => state.users.entry(self.user).or_default().clock = clock,
            TransferItem::Block(..) => unreachable!("taken in above"),
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        self.close_session();
        Ok(())
    }
}
