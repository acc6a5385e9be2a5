//! The records of one session, chunk by chunk.

use std::sync::Arc;

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::pull::{RecordChunk, RecordQuery};
use koodtx_core::session::SessionState;
use koodtx_core::store::{StoreError, SyncStore};
use koodtx_core::time::Timestamp;

use super::ExportError;

/// Records read from the store in one step, about. Bounds the memory of an export.
const READ_CHUNK_RECORDS_COUNT: usize = 8_192;

/// When a session was last deleted, and last purged.
type Removals = (Option<Timestamp>, Option<Timestamp>);

fn removals(state: &SessionState) -> Removals {
    (state.deleted_at, state.data_purged_at)
}

/// Reads a session's records from the first to the last, as often as wanted.
#[derive(Debug)]
pub(super) struct Records {
    store: Arc<dyn SyncStore>,
    query: RecordQuery,
    /// When records were last removed, as of the beginning of the export.
    removals: Removals,
    at_end: bool,
}

impl Records {
    /// Begins at the first record; `None` where there is no live session of that id.
    pub(super) async fn open(
        store: Arc<dyn SyncStore>,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Self>, StoreError> {
        let Some(detail) = store.session(user, session).await? else {
            return Ok(None);
        };
        let query = RecordQuery {
            user,
            session,
            after: None,
            changed_after: None,
            limit: READ_CHUNK_RECORDS_COUNT,
        };
        Ok(Some(Self {
            store,
            query,
            removals: removals(&detail.state),
            at_end: false,
        }))
    }

    /// Begins at the first record again.
    pub(super) fn rewind(&mut self) {
        self.query.after = None;
        self.at_end = false;
    }

    /// The next chunk; `None` behind the last one. Fails where there is a damage.
    pub(super) async fn next(&mut self) -> Result<Option<RecordChunk>, ExportError> {
        let mut chunk = self.next_with_gaps().await?;
        if let Some(chunk) = &mut chunk
            && !chunk.damaged.is_empty()
        {
            return Err(ExportError::Damaged(chunk.damaged.swap_remove(0)));
        }
        Ok(chunk)
    }

    /// The next chunk, which says what of it is damaged and left out; `None` behind the last one.
    pub(super) async fn next_with_gaps(&mut self) -> Result<Option<RecordChunk>, ExportError> {
        if self.at_end {
            return Ok(None);
        }
        let mut chunk = self.store.read_records(self.query.clone()).await?;
        self.query.after = chunk.next.take();
        if self.query.after.is_none() {
            self.at_end = true;
            self.check_not_removed().await?;
        }
        Ok(Some(chunk))
    }

    /// A session that was deleted or purged has no records, so one that was half way looks like one that
    /// ended, and one that was pushed again since lacks what was to come.
    async fn check_not_removed(&self) -> Result<(), ExportError> {
        let RecordQuery { user, session, .. } = self.query;
        match self.store.session(user, session).await? {
            Some(detail) if removals(&detail.state) == self.removals => Ok(()),
            _ => Err(ExportError::Removed),
        }
    }
}
