//! Everything of one user on its way in.

use async_trait::async_trait;
use koodtx_core::block::{Block, MergeCounts};
use koodtx_core::id::{SensorType, UserId};
use koodtx_core::session::SessionState;
use koodtx_core::store::{Family, StoreError, TransferItem, UserImport};
use koodtx_core::sync_log::SyncLogEntry;
use koodtx_core::time::Timestamp;
use sqlx::{Postgres, Transaction};

use super::logs;
use crate::error::{Failure, Result, Stage};
use crate::instant::Instant;
use crate::merge::{BlockWriter, Target};
use crate::session::{SeriesMap, SeriesSummary, SessionRow};
use crate::store::{BEGIN, begin};
use crate::user::UserTotals;
use crate::{PostgresStore, accounts, erase, families, results, statements};

/// Log entries written in one statement.
const STEP_LOG_COUNT: usize = 1_000;

#[derive(Debug)]
pub(super) struct Import {
    store: PostgresStore,
    user: UserId,
    session: Option<OpenSession>,
    log: Vec<SyncLogEntry>,
    /// The user was deleted.
    is_deleted: bool,
}

/// A session whose blocks are being written, in a transaction of its own.
#[derive(Debug)]
struct OpenSession {
    transaction: Transaction<'static, Postgres>,
    row: SessionRow,
    writer: BlockWriter,
}

impl Import {
    pub(super) fn new(store: PostgresStore, user: UserId) -> Self {
        Self {
            store,
            user,
            session: None,
            log: Vec::new(),
            is_deleted: false,
        }
    }

    async fn take_in(&mut self, item: TransferItem) -> Result<()> {
        if !matches!(item, TransferItem::Block(..)) {
            self.close_session().await?;
        }
        match item {
            TransferItem::Deleted(deleted) => {
                let mut transaction = begin(&self.store.pool, BEGIN).await?;
                erase::import(&mut transaction, &deleted).await?;
                transaction.commit().await?;
                self.is_deleted = true;
            }
            TransferItem::Account(account) => {
                let mut transaction = begin(&self.store.pool, BEGIN).await?;
                accounts::import(&mut transaction, &account).await?;
                transaction.commit().await?;
            }
            TransferItem::Family(family) => self.family(&family).await?,
            TransferItem::Session(state) => self.open_session(state).await?,
            TransferItem::Block(sensor_type, block) => self.block(&sensor_type, &block).await?,
            TransferItem::Analysis(analysis) => {
                let mut connection = self.store.pool.acquire().await?;
                results::put(&mut connection, self.user, &analysis).await?;
            }
            TransferItem::Log(entry) => {
                self.log.push(entry);
                if self.log.len() >= STEP_LOG_COUNT {
                    self.write_log().await?;
                }
            }
            // The user clock of nobody.
            TransferItem::Clock(_) if self.is_deleted => {}
            TransferItem::Clock(clock) => {
                self.write_log().await?;
                self.set_clock(clock).await?;
            }
        }
        Ok(())
    }

    async fn family(&mut self, family: &Family) -> Result<()> {
        let mut connection = self.store.pool.acquire().await?;
        families::import(&mut connection, self.user, family).await
    }

    async fn open_session(&mut self, mut state: SessionState) -> Result<()> {
        // Counted as the blocks come in: the source may not know it.
        state.data_bytes = 0;
        let target = Target {
            user: self.user,
            session: state.id,
        };
        let mut transaction = begin(&self.store.pool, BEGIN).await?;
        // What an earlier attempt has left, of a state that the source has not any more.
        for statement in [
            statements::BLOCKS_CLEAR,
            statements::ANALYSIS_REMOVE,
            statements::SESSION_REMOVE,
        ] {
            sqlx::query(statement)
                .bind(target.user.0)
                .bind(target.session.0)
                .execute(&mut *transaction)
                .await?;
        }
        // Locks the clock, from which blocks are written.
        UserTotals::lock(&mut transaction, self.user).await?;
        self.session = Some(OpenSession {
            transaction,
            row: SessionRow {
                state,
                series: SeriesMap::new(),
            },
            writer: BlockWriter::new(target, self.store.block_type),
        });
        Ok(())
    }

    async fn block(&mut self, sensor_type: &SensorType, block: &Block) -> Result<()> {
        let (Some(open), Some(meta)) = (&mut self.session, block.meta()) else {
            return Err(Failure::corrupt(
                "a block without records, or without a session",
            ));
        };
        let counts = MergeCounts {
            inserted: u64::from(meta.count),
            ..MergeCounts::default()
        };
        open.row.state.data_bytes += block.data_bytes();
        let range = (meta.first, meta.last);
        SeriesSummary::extend(&mut open.row.series, sensor_type, &counts, range, None);
        open.writer.put(sensor_type, block);
        open.writer.write_if_large(&mut open.transaction).await
    }

    /// Makes the session before whole.
    async fn close_session(&mut self) -> Result<()> {
        let Some(mut open) = self.session.take() else {
            return Ok(());
        };
        open.writer.write(&mut open.transaction).await?;
        // The totals come with the clock.
        let totals = UserTotals::default();
        open.row
            .write(&mut open.transaction, self.user.0, &totals)
            .await?;
        open.transaction.commit().await?;
        Ok(())
    }

    async fn write_log(&mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.log);
        if entries.is_empty() {
            return Ok(());
        }
        let mut connection = self.store.pool.acquire().await?;
        logs::import(&mut connection, self.user, &entries).await
    }

    async fn set_clock(&mut self, clock: Timestamp) -> Result<()> {
        let mut connection = self.store.pool.acquire().await?;
        sqlx::query(statements::TOTALS_RECOUNT)
            .bind(self.user.0)
            .bind(Instant(clock))
            .execute(&mut *connection)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl UserImport for Import {
    async fn holds(&mut self, session: &SessionState) -> std::result::Result<bool, StoreError> {
        let held = async {
            self.close_session().await?;
            let mut connection = self.store.pool.acquire().await?;
            SessionRow::find(&mut connection, self.user.0, session.id).await
        };
        let held = held.await.map_err(failed)?;
        Ok(held.is_some_and(|row| row.state == *session))
    }

    async fn write(&mut self, item: TransferItem) -> std::result::Result<(), StoreError> {
        self.take_in(item).await.map_err(failed)
    }

    async fn finish(mut self: Box<Self>) -> std::result::Result<(), StoreError> {
        let finished = async {
            self.close_session().await?;
            self.write_log().await
        };
        finished.await.map_err(failed)
    }
}

fn failed(failure: Failure) -> StoreError {
    // It can be made again from the beginning, whatever was applied.
    failure.during("import_user", Stage::Committing)
}
