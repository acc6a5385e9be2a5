//! Checking what is stored.

use koodtx_core::block::{Block, OpenEnd};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::store::{Problem, SessionPosition};
use koodtx_core::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use crate::block::{block_of, digest_of};
use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::rounds::NO_SINCE;
use crate::session::{SeriesMap, SeriesSummary, SessionRow};
use crate::user::UserTotals;
use crate::{erase, statements};

/// Blocks read in one statement.
const STEP_BLOCKS_COUNT: usize = 64;

/// The next `limit` sessions behind `after`, of all users.
pub(crate) async fn positions(
    connection: &mut PgConnection,
    after: Option<SessionPosition>,
    limit: usize,
) -> Result<Vec<SessionPosition>> {
    let (user, created_at) = after.unwrap_or((UserId(i64::MIN), NO_SINCE));
    let rows: Vec<(i64, Instant)> = sqlx::query_as(statements::VERIFY_POSITIONS)
        .bind(user.0)
        .bind(Instant(created_at))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    let position = |(user, at): (i64, Instant)| (UserId(user), at.0);
    Ok(rows.into_iter().map(position).collect())
}

/// What was found in one session.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) records: u64,
    pub(crate) problems: Vec<Problem>,
}

/// Checks one session or tombstone, in a snapshot.
pub(crate) async fn verify(
    connection: &mut PgConnection,
    (user, created_at): SessionPosition,
) -> Result<Findings> {
    let row = match SessionRow::at(connection, user.0, created_at).await {
        Ok(Some(row)) => row,
        Ok(None) => return Ok(Findings::default()),
        Err(failure) if failure.is_unreadable_value() => {
            return unreadable(connection, (user, created_at), &failure).await;
        }
        Err(failure) => return Err(failure),
    };
    if let Some(is_erased) = erase::is_erased(connection, user).await? {
        return Ok(remains(user, row.state.id, is_erased));
    }
    let clock = UserTotals::read(connection, user).await?.clock;
    let mut check = Check {
        user,
        row,
        seen: SeriesMap::new(),
        bytes: 0,
        is_damaged: false,
        findings: Findings::default(),
    };
    check.clocks(clock);
    check.blocks(connection).await?;
    check.counts();
    Ok(check.findings)
}

/// What is said of a session of a user who was deleted: nothing, while it is still to be removed.
fn remains(user: UserId, session: SessionId, is_erased: bool) -> Findings {
    let problem = Problem {
        user,
        session,
        sensor_type: None,
        message: "its user was deleted, and it was left".to_owned(),
    };
    Findings {
        records: 0,
        problems: Some(problem).filter(|_| is_erased).into_iter().collect(),
    }
}

/// What the blocks of a session say of its series, and their `data_bytes`; `None` where one cannot be read.
pub(crate) async fn series_of(
    connection: &mut PgConnection,
    user: UserId,
    row: SessionRow,
) -> Result<Option<(SeriesMap, u64)>> {
    let mut check = Check {
        user,
        row,
        seen: SeriesMap::new(),
        bytes: 0,
        is_damaged: false,
        findings: Findings::default(),
    };
    check.blocks(connection).await?;
    let mut seen = std::mem::take(&mut check.seen);
    for (sensor_type, series) in &mut seen {
        // One that is not what is remembered may be long: its blocks are left as they are.
        series.open = series
            .open
            .filter(|&open| check.remembered_end(sensor_type) == Some(open));
    }
    Ok(Some((seen, check.bytes)).filter(|_| !check.is_damaged))
}

/// What is said of a session whose row cannot be read. The check of the others goes on.
async fn unreadable(
    connection: &mut PgConnection,
    (user, created_at): SessionPosition,
    failure: &Failure,
) -> Result<Findings> {
    let session = sqlx::query_scalar(statements::SESSION_ID_AT)
        .bind(user.0)
        .bind(Instant(created_at))
        .fetch_one(connection)
        .await?;
    Ok(Findings {
        records: 0,
        problems: vec![Problem {
            user,
            session: SessionId(session),
            sensor_type: None,
            message: format!("its row cannot be read: {failure}"),
        }],
    })
}

struct Check {
    user: UserId,
    row: SessionRow,
    /// What the blocks say of the series.
    seen: SeriesMap,
    /// What the records count towards a quota.
    bytes: u64,
    /// A block could not be read, so no count is known.
    is_damaged: bool,
    findings: Findings,
}

impl Check {
    fn report(&mut self, sensor_type: Option<SensorType>, message: String) {
        self.findings.problems.push(Problem {
            user: self.user,
            session: self.row.state.id,
            sensor_type,
            message,
        });
    }

    fn remembered_end(&self, sensor_type: &SensorType) -> Option<OpenEnd> {
        self.row.series.get(sensor_type)?.open
    }

    fn clocks(&mut self, clock: Timestamp) {
        let state = &self.row.state;
        let latest = state
            .deleted_at
            .map_or(state.created_at, |at| at.max(state.created_at));
        if latest > state.updated_at || state.updated_at > clock {
            let message = format!(
                "a clock of it is {}, ahead of its last change {} or of the user clock {clock}",
                latest.max(state.updated_at),
                state.updated_at
            );
            self.report(None, message);
        }
    }

    /// Checks all blocks.
    async fn blocks(&mut self, connection: &mut PgConnection) -> Result<()> {
        let mut behind = (String::new(), i64::MIN);
        loop {
            let rows = sqlx::query(statements::BLOCKS_SCAN)
                .bind(self.user.0)
                .bind(self.row.state.id.0)
                .bind(behind.0.as_str())
                .bind(behind.1)
                .bind(STEP_BLOCKS_COUNT as i64)
                .fetch_all(&mut *connection)
                .await?;
            for row in &rows {
                behind = (row.try_get(0)?, row.try_get(1)?);
                self.block(&behind.0, behind.1, row)?;
            }
            if rows.len() < STEP_BLOCKS_COUNT {
                break;
            }
        }
        Ok(())
    }

    /// Checks the block that begins at `first`.
    fn block(&mut self, sensor_type: &str, first: i64, row: &PgRow) -> Result<()> {
        let at = Timestamp::from_micros(first);
        let sensor_type = match SensorType::new(sensor_type) {
            Ok(sensor_type) => sensor_type,
            Err(error) => {
                self.is_damaged = true;
                self.report(
                    None,
                    format!("the block at {at} of {sensor_type:?}: {error}"),
                );
                return Ok(());
            }
        };
        let block = match block_of(row, 0) {
            Ok(block) => block,
            Err(Failure::Corrupt(reason)) => {
                self.is_damaged = true;
                self.report(Some(sensor_type), format!("the block at {at}: {reason}"));
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        let digest = digest_of(row.try_get("digest")?, row.try_get("checksum")?);
        if digest.is_some() && digest != block.digest() {
            self.is_damaged = true;
            let message = format!("the block at {at}: its digest is not that of its records");
            self.report(Some(sensor_type), message);
            return Ok(());
        }
        self.records(sensor_type, &block);
        Ok(())
    }

    /// Takes in the records of a block that is whole.
    fn records(&mut self, sensor_type: SensorType, block: &Block) {
        let Some(meta) = block.meta() else {
            return;
        };
        self.findings.records += u64::from(meta.count);
        self.bytes += block.data_bytes();
        let before = self.seen.get(&sensor_type).copied();
        let mut wrong = Vec::new();
        if before.is_some_and(|before| before.last >= meta.first.as_micros()) {
            wrong.push("overlaps the one before it");
        }
        if meta.changed > self.row.state.updated_at {
            wrong.push("changed after the session did");
        }
        for what in wrong {
            let message = format!("the block at {} {what}", meta.first);
            self.report(Some(sensor_type.clone()), message);
        }
        let remembered = self.remembered_end(&sensor_type);
        let open = before.and_then(|before| before.open);
        let is_open = remembered.is_some_and(|open| open.first <= meta.first);
        let seen = SeriesSummary {
            count: before.map_or(0, |before| before.count) + u64::from(meta.count),
            first: before.map_or(meta.first.as_micros(), |before| before.first),
            last: meta.last.as_micros(),
            open: if is_open {
                OpenEnd::of_blocks(open, block)
            } else {
                open
            },
        };
        self.seen.insert(sensor_type, seen);
    }

    fn counts(&mut self) {
        let SessionRow { state, series } = self.row.clone();
        let has_records = !self.seen.is_empty() || !series.is_empty() || state.data_count > 0;
        if has_records && !state.live {
            self.report(None, "it is deleted and has records".to_owned());
        }
        if state.series_count != series.len() as u64 {
            let message = format!(
                "it counts {} series and has {}",
                state.series_count,
                series.len()
            );
            self.report(None, message);
        }
        // How much a damaged block has is not known.
        if self.is_damaged {
            return;
        }
        if state.data_count != self.findings.records {
            let message = format!(
                "it counts {} records and has {}",
                state.data_count, self.findings.records
            );
            self.report(None, message);
        }
        if state.data_bytes != self.bytes {
            let message = format!(
                "it counts {} bytes of samples and has {}",
                state.data_bytes, self.bytes
            );
            self.report(None, message);
        }
        let seen = std::mem::take(&mut self.seen);
        let names = series
            .keys()
            .chain(seen.keys().filter(|name| !series.contains_key(*name)));
        for name in names {
            if series.get(name) != seen.get(name) {
                self.report(
                    Some(name.clone()),
                    "its count, its range or its open end is wrong".to_owned(),
                );
            }
        }
    }
}
