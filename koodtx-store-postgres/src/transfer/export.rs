//! Everything of one user on its way out.

use std::collections::VecDeque;

use async_trait::async_trait;
use koodtx_core::id::{LogId, SensorType, UserId};
use koodtx_core::session::SessionState;
use koodtx_core::store::{StoreError, TransferItem, UserExport};
use koodtx_core::time::Timestamp;
use sqlx::{PgPool, Postgres, Row as _, Transaction};
use uuid::Uuid;

use crate::block::block_of;
use crate::error::{Failure, Result, Stage};
use crate::merge::{Target, at_block};
use crate::results::analysis_of;
use crate::rounds::NO_SINCE;
use crate::session::SessionRow;
use crate::store::begin;
use crate::user::UserTotals;
use crate::{accounts, erase, families, log, statements};

/// Rows read in one statement; of blocks, whose rows are large, fewer.
const STEP_ROWS_COUNT: usize = 256;
const STEP_BLOCKS_COUNT: usize = 64;
const STEP_ANALYSES_COUNT: i64 = 8;

/// All statements see the moment of the first. Whoever takes the items may take any time over each.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                     SET LOCAL idle_in_transaction_session_timeout = 0";

/// What is to be read next.
#[derive(Debug)]
enum Step {
    Account,
    /// Sign-ins behind this one.
    Families(Option<Uuid>),
    /// Sessions created behind this clock.
    Sessions(Timestamp),
    /// Blocks of the latest session behind this one.
    Blocks(String, i64),
    /// Analyses of sessions behind this one.
    Analyses(Option<Uuid>),
    /// Log entries behind this one.
    Log(Option<LogId>),
    Clock,
    End,
}

#[derive(Debug)]
pub(super) struct Export {
    /// None at the end.
    transaction: Option<Transaction<'static, Postgres>>,
    user: UserId,
    step: Step,
    /// Read and not handed out yet.
    items: VecDeque<TransferItem>,
    /// Sessions that were read, and whose blocks were not.
    sessions: VecDeque<SessionRow>,
    /// The session whose blocks come next, in the order of creation.
    session: Option<SessionState>,
}

impl Export {
    pub(super) async fn begin(
        pool: &PgPool,
        user: UserId,
    ) -> std::result::Result<Self, StoreError> {
        let begun = begin(pool, BEGIN).await;
        let transaction = begun.map_err(|error| failed(error.into()))?;
        Ok(Self {
            transaction: Some(transaction),
            user,
            step: Step::Account,
            items: VecDeque::new(),
            sessions: VecDeque::new(),
            session: None,
        })
    }

    /// Reads until there is an item, or the end.
    async fn read_on(&mut self) -> Result<()> {
        while self.items.is_empty() {
            let Some(connection) = self.transaction.as_deref_mut() else {
                return Ok(());
            };
            let user = self.user;
            match &mut self.step {
                Step::Account => {
                    if let Some(deleted) = erase::deletion(connection, user).await? {
                        self.items.push_back(TransferItem::Deleted(deleted));
                        self.step = Step::Clock;
                        continue;
                    }
                    let account = accounts::credentials_of(connection, user).await?;
                    self.items.extend(account.map(TransferItem::Account));
                    self.step = Step::Families(None);
                }
                Step::Families(after) => {
                    let families =
                        families::export(connection, user, *after, STEP_ROWS_COUNT).await?;
                    self.step = match families.last() {
                        Some(last) => Step::Families(Some(last.sign_in.id.0)),
                        None => Step::Sessions(NO_SINCE),
                    };
                    self.items
                        .extend(families.into_iter().map(TransferItem::Family));
                }
                Step::Sessions(after) => {
                    if self.sessions.is_empty() {
                        let read =
                            SessionRow::created_after(connection, user, *after, STEP_ROWS_COUNT);
                        self.sessions.extend(read.await?);
                    }
                    match self.sessions.pop_front() {
                        Some(row) => {
                            self.step = Step::Blocks(String::new(), i64::MIN);
                            self.session = Some(row.state.clone());
                            self.items.push_back(TransferItem::Session(row.state));
                        }
                        None => self.step = Step::Analyses(None),
                    }
                }
                Step::Blocks(..) => self.read_blocks().await?,
                Step::Analyses(after) => {
                    // Each may be large.
                    let row = sqlx::query_as(statements::ANALYSES_EXPORT)
                        .bind(user.0)
                        .bind(*after)
                        .bind(STEP_ANALYSES_COUNT)
                        .fetch_all(connection)
                        .await?;
                    let analyses = row.into_iter().map(analysis_of);
                    self.items.extend(analyses.map(TransferItem::Analysis));
                    self.step = match self.items.back() {
                        Some(TransferItem::Analysis(last)) => Step::Analyses(Some(last.session.0)),
                        _ => Step::Log(None),
                    };
                }
                Step::Log(after) => {
                    let entries = log::entries(connection, user, *after, STEP_ROWS_COUNT).await?;
                    self.step = match entries.last() {
                        Some(last) => Step::Log(Some(last.id)),
                        None => Step::Clock,
                    };
                    self.items
                        .extend(entries.into_iter().map(TransferItem::Log));
                }
                Step::Clock => {
                    let clock = UserTotals::read(connection, user).await?.clock;
                    self.items.push_back(TransferItem::Clock(clock));
                    self.step = Step::End;
                }
                Step::End => {
                    if let Some(transaction) = self.transaction.take() {
                        transaction.rollback().await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn read_blocks(&mut self) -> Result<()> {
        let (Step::Blocks(sensor_type, first), Some(connection), Some(session)) = (
            &mut self.step,
            self.transaction.as_deref_mut(),
            &self.session,
        ) else {
            return Ok(());
        };
        let target = Target {
            user: self.user,
            session: session.id,
        };
        let rows = sqlx::query(statements::BLOCKS_SCAN)
            .bind(target.user.0)
            .bind(target.session.0)
            .bind(sensor_type.as_str())
            .bind(*first)
            .bind(STEP_BLOCKS_COUNT as i64)
            .fetch_all(connection)
            .await?;
        for row in &rows {
            (*sensor_type, *first) = (row.try_get(0)?, row.try_get(1)?);
            let name = SensorType::new(sensor_type)
                .map_err(|error| Failure::corrupt(format!("{sensor_type:?}: {error}")))?;
            let block = block_of(row, 0).map_err(|failure| {
                at_block(failure, target, &name, Timestamp::from_micros(*first))
            })?;
            self.items.push_back(TransferItem::Block(name, block));
        }
        if rows.len() < STEP_BLOCKS_COUNT {
            self.end_session();
        }
        Ok(())
    }

    /// Goes on with the session behind the one whose blocks were read or passed over.
    fn end_session(&mut self) {
        if let Some(session) = self.session.take() {
            self.step = Step::Sessions(session.created_at);
        }
    }
}

#[async_trait]
impl UserExport for Export {
    async fn next(&mut self) -> std::result::Result<Option<TransferItem>, StoreError> {
        self.read_on().await.map_err(failed)?;
        Ok(self.items.pop_front())
    }

    async fn skip_blocks(&mut self) -> std::result::Result<(), StoreError> {
        self.items
            .retain(|item| !matches!(item, TransferItem::Block(..)));
        self.end_session();
        Ok(())
    }
}

fn failed(failure: Failure) -> StoreError {
    failure.during("export_user", Stage::BeforeCommit)
}
