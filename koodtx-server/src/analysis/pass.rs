//! Reading all records of a session, a bounded chunk at a time.

use koodtx_core::block::Block;
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::pull::RecordQuery;
use koodtx_core::store::{StoreError, SyncStore};

use super::limits::READ_CHUNK_RECORDS_COUNT;

/// The session that is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) store: &'a dyn SyncStore,
    pub(super) user: UserId,
    pub(super) session: SessionId,
}

impl Source<'_> {
    /// Shows every record of the session once, those of each sensor in the order of time; returns
    /// whether some are damaged and were left out.
    pub(super) async fn read(
        &self,
        mut show: impl FnMut(&SensorType, &Block) + Send,
    ) -> Result<bool, StoreError> {
        let mut query = RecordQuery {
            user: self.user,
            session: self.session,
            after: None,
            changed_after: None,
            limit: READ_CHUNK_RECORDS_COUNT,
        };
        let mut damaged = false;
        loop {
            let chunk = self.store.read_records(query.clone()).await?;
            damaged |= !chunk.damaged.is_empty();
            for (sensor_type, block) in &chunk.series {
                show(sensor_type, block);
            }
            if chunk.next.is_none() {
                return Ok(damaged);
            }
            query.after = chunk.next;
            // Reading may never have waited; others have their turn.
            tokio::task::yield_now().await;
        }
    }
}
