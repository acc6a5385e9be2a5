//! One user on the way out of the memory store.

use std::collections::BTreeMap;
use std::vec::IntoIter;

use async_trait::async_trait;

use super::State;
use super::session::StoredSession;
use crate::block::{BLOCK_RECORDS_MAX_COUNT, Block, Record};
use crate::id::{SensorType, UserId};
use crate::store::{StoreError, TransferItem, UserExport};

/// A copy of everything of one user, taken at one moment, since here it lies in memory anyway.
pub(super) struct Export {
    user: UserId,
    /// The deletion, or account and sign-ins.
    begin: IntoIter<TransferItem>,
    sessions: IntoIter<StoredSession>,
    /// Records of the latest session that are not given out yet.
    series: IntoIter<(SensorType, Vec<Record>)>,
    blocks: IntoIter<(SensorType, Block)>,
    /// Analyses, the log and the clock.
    end: IntoIter<TransferItem>,
}

impl Export {
    pub(super) fn of(state: &State, user: UserId) -> Self {
        let deletion = state.accounts.deletion(user).cloned();
        let account = state.accounts.of(user).cloned();
        let families = state.accounts.families_of(user).cloned();
        let begin: Vec<_> = deletion
            .map(TransferItem::Deleted)
            .into_iter()
            .chain(account.map(TransferItem::Account))
            .chain(families.map(TransferItem::Family))
            .collect();
        let data = state.users.get(&user).cloned().unwrap_or_default();
        let sessions: Vec<_> = data.sessions.into_values().collect();
        let analyses = data.analyses.into_values().map(TransferItem::Analysis);
        let mut end: Vec<_> = analyses
            .chain(data.log.into_iter().map(TransferItem::Log))
            .collect();
        end.push(TransferItem::Clock(data.clock));
        Self {
            user,
            begin: begin.into_iter(),
            sessions: sessions.into_iter(),
            series: Vec::new().into_iter(),
            blocks: Vec::new().into_iter(),
            end: end.into_iter(),
        }
    }

    /// The next block of the latest session.
    fn next_block(&mut self) -> Result<Option<TransferItem>, StoreError> {
        while self.blocks.len() == 0 {
            let Some((sensor_type, records)) = self.series.next() else {
                return Ok(None);
            };
            let mut blocks = Vec::new();
            for run in records.chunks(BLOCK_RECORDS_MAX_COUNT) {
                let block = Block::from_records(run).map_err(|error| {
                    let message = format!("user {}, sensor {sensor_type}", self.user);
                    StoreError::corrupt("export_user", message).with_source(error)
                })?;
                let cut = block.cut().into_iter();
                blocks.extend(cut.map(|block| (sensor_type.clone(), block)));
            }
            self.blocks = blocks.into_iter();
        }
        Ok(self
            .blocks
            .next()
            .map(|(sensor_type, block)| TransferItem::Block(sensor_type, block)))
    }
}

#[async_trait]
impl UserExport for Export {
    async fn next(&mut self) -> Result<Option<TransferItem>, StoreError> {
        if let Some(item) = self.begin.next() {
            return Ok(Some(item));
        }
        if let Some(block) = self.next_block()? {
            return Ok(Some(block));
        }
        let Some(StoredSession { state, records, .. }) = self.sessions.next() else {
            return Ok(self.end.next());
        };
        let mut series: BTreeMap<SensorType, Vec<Record>> = BTreeMap::new();
        for (position, record) in records {
            series.entry(position.sensor_type).or_default().push(record);
        }
        self.series = series.into_iter().collect::<Vec<_>>().into_iter();
        Ok(Some(TransferItem::Session(state)))
    }

    async fn skip_blocks(&mut self) -> Result<(), StoreError> {
        self.series = Vec::new().into_iter();
        self.blocks = Vec::new().into_iter();
        Ok(())
    }
}
