//! Items of an import in a form that can be written down and read again.

use koodtx_core::block::{Block, Record};
use koodtx_core::id::SensorType;
use koodtx_core::session::SessionState;
use koodtx_core::store::{
    Analysis, Credentials, DeletedUser, Family, SignIn, StoreError, TokenHash, TransferItem, User,
};
use koodtx_core::sync_log::SyncLogEntry;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::unreadable;

/// What a [`TransferItem`] holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Item {
    Deleted(DeletedUser),
    Account {
        user: User,
        password_hash: String,
    },
    Family {
        sign_in: SignIn,
        token: TokenHash,
    },
    Session(SessionState),
    Block {
        sensor_type: SensorType,
        /// Time, change and stamp in microseconds, and `data` as JSON text.
        rows: Vec<(i64, i64, i64, String)>,
    },
    Analysis(Analysis),
    Log(SyncLogEntry),
    Clock(Timestamp),
}

impl Item {
    pub(super) fn new(item: &TransferItem) -> Self {
        match item.clone() {
            TransferItem::Deleted(deleted) => Self::Deleted(deleted),
            TransferItem::Account(Credentials {
                user,
                password_hash,
            }) => Self::Account {
                user,
                password_hash,
            },
            TransferItem::Family(Family { sign_in, token }) => Self::Family { sign_in, token },
            TransferItem::Session(state) => Self::Session(state),
            TransferItem::Block(sensor_type, block) => {
                let row = |record: Record| {
                    let [time, changed, stamp] =
                        [record.timestamp, record.changed, record.stamp].map(Timestamp::as_micros);
                    (time, changed, stamp, record.data)
                };
                let rows = block.records().map(row).collect();
                Self::Block { sensor_type, rows }
            }
            TransferItem::Analysis(analysis) => Self::Analysis(analysis),
            TransferItem::Log(entry) => Self::Log(entry),
            TransferItem::Clock(clock) => Self::Clock(clock),
        }
    }

    pub(super) fn into_transfer(self) -> Result<TransferItem, StoreError> {
        Ok(match self {
            Self::Deleted(deleted) => TransferItem::Deleted(deleted),
            Self::Account {
                user,
                password_hash,
            } => TransferItem::Account(Credentials {
                user,
                password_hash,
            }),
            Self::Family { sign_in, token } => TransferItem::Family(Family { sign_in, token }),
            Self::Session(state) => TransferItem::Session(state),
            Self::Block { sensor_type, rows } => {
                let record = |(time, changed, stamp, data)| {
                    let [timestamp, changed, stamp] =
                        [time, changed, stamp].map(Timestamp::from_micros);
                    Record {
                        timestamp,
                        changed,
                        stamp,
                        data,
                    }
                };
                let records: Vec<_> = rows.into_iter().map(record).collect();
                let block = Block::from_records(&records).map_err(unreadable)?;
                TransferItem::Block(sensor_type, block)
            }
            Self::Analysis(analysis) => TransferItem::Analysis(analysis),
            Self::Log(entry) => TransferItem::Log(entry),
            Self::Clock(clock) => TransferItem::Clock(clock),
        })
    }
}
