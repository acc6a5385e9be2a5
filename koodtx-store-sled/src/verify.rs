//! Checking what is stored.

use std::collections::BTreeSet;

use koodtx_core::block::{BlockMeta, OpenEnd};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::store::{Problem, SessionPosition};
use koodtx_core::time::Timestamp;
use uuid::Uuid;

use crate::blocks::{SeriesKey, first_time};
use crate::erase;
use crate::error::{Failure, Result};
use crate::key::{Key, Table};
use crate::record;
use crate::series::{self, SeriesRecord};
use crate::session::{self, Change, SessionRecord};
use crate::store::Inner;
use crate::user::UserRecord;
use crate::values::Entry;

/// The next `limit` sessions behind `after`, of all users.
pub(crate) fn positions(
    inner: &Inner,
    after: Option<SessionPosition>,
    limit: usize,
) -> Result<Vec<SessionPosition>> {
    let entries = entries(inner, after).take(limit);
    entries.map(|entry| session::place(entry?.key())).collect()
}

/// The sessions and tombstones behind `after`, of all users.
pub(crate) fn entries(
    inner: &Inner,
    after: Option<SessionPosition>,
) -> impl Iterator<Item = Result<Entry>> + use<> {
    let table = Key::table(Table::Session);
    let from = after.map_or_else(|| table.clone(), |(user, at)| Key::session(user, at).end());
    inner.values.scan(&from, &table.end())
}

/// What was found in one session.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) records: u64,
    pub(crate) problems: Vec<Problem>,
}

/// Checks one session or tombstone. The caller shares the user's lock.
pub(crate) fn verify(inner: &Inner, (user, created_at): SessionPosition) -> Result<Findings> {
    let record = match SessionRecord::at(&inner.values, user, created_at) {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(Findings::default()),
        Err(Failure::Corrupt(reason)) => {
            let id = session::id_at(&inner.values, user, created_at)?;
            let session = id.unwrap_or(SessionId(Uuid::nil()));
            let problem = Problem {
                user,
                session,
                sensor_type: None,
                message: reason,
            };
            return Ok(Findings {
                records: 0,
                problems: vec![problem],
            });
        }
        Err(failure) => return Err(failure),
    };
    if erase::is_deleted(&inner.values, user)? {
        return remains(inner, user, record.state.id);
    }
    let clock = UserRecord::read(&inner.values, user)?.clock;
    let mut check = Check {
        inner,
        user,
        clock,
        record: &record,
        damaged: false,
        blocks: 0,
        bytes: 0,
        findings: Findings::default(),
    };
    check.session(created_at)?;
    check.records()?;
    Ok(check.findings)
}

/// What is said of a session of a user who was deleted: nothing, while it is still to be removed.
fn remains(inner: &Inner, user: UserId, session: SessionId) -> Result<Findings> {
    let mut findings = Findings::default();
    if !erase::is_leaving(&inner.values, user)? {
        findings.problems.push(Problem {
            user,
            session,
            sensor_type: None,
            message: "its user was deleted, and it was left".to_owned(),
        });
    }
    Ok(findings)
}

struct Check<'a> {
    inner: &'a Inner,
    user: UserId,
    clock: Timestamp,
    record: &'a SessionRecord,
    /// A block could not be read, so no count is known.
    damaged: bool,
    blocks: u64,
    /// What the records count towards a quota.
    bytes: u64,
    findings: Findings,
}

impl Check<'_> {
    fn report(&mut self, sensor_type: Option<&SensorType>, message: String) {
        self.findings.problems.push(Problem {
            user: self.user,
            session: self.record.state.id,
            sensor_type: sensor_type.cloned(),
            message,
        });
    }

    /// Metadata, clocks and indexes.
    fn session(&mut self, created_at: Timestamp) -> Result<()> {
        let state = &self.record.state;
        if state.created_at != created_at {
            self.report(
                None,
                format!("it lies at {created_at} and says {}", state.created_at),
            );
        }
        let clocks = [Some(created_at), state.deleted_at, Some(self.record.life)];
        let latest = clocks
            .into_iter()
            .flatten()
            .fold(state.updated_at, Timestamp::max);
        if latest > state.updated_at || latest > self.clock {
            let message = format!(
                "a clock of it is {latest}, ahead of its last change {} or of the user clock {}",
                state.updated_at, self.clock
            );
            self.report(None, message);
        }
        let by_id = record::get(&self.inner.values, &Key::session_id(self.user, state.id))?;
        if by_id != Some(created_at) {
            self.report(None, "it cannot be found by its id".to_owned());
        }
        let by_change = record::get(
            &self.inner.values,
            &Key::change(self.user, state.updated_at),
        )?;
        if by_change
            != Some(Change {
                created_at,
                live: state.live,
            })
        {
            self.report(None, "delta pulls cannot find it".to_owned());
        }
        if !state.live && (state.data_count, state.data_bytes, state.series_count) != (0, 0, 0) {
            self.report(None, "it is deleted and counts records".to_owned());
        }
        Ok(())
    }

    /// Series and blocks.
    fn records(&mut self) -> Result<()> {
        // What a life that ended has left is for the janitor.
        if !self.record.state.live {
            return Ok(());
        }
        let all = series::all(&self.inner.values, self.user, self.record.life)?;
        let mut numbers = BTreeSet::new();
        for (sensor_type, series) in &all {
            if !numbers.insert(series.number) {
                self.report(
                    Some(sensor_type),
                    "another series has the same number".to_owned(),
                );
            }
            self.series(sensor_type, series)?;
        }
        let state = &self.record.state;
        if state.series_count != all.len() as u64 {
            let message = format!(
                "it counts {} series and has {}",
                state.series_count,
                all.len()
            );
            self.report(None, message);
        }
        if !self.damaged && state.data_count != self.findings.records {
            let message = format!(
                "it counts {} records and has {}",
                state.data_count, self.findings.records
            );
            self.report(None, message);
        }
        if !self.damaged && state.data_bytes != self.bytes {
            let message = format!(
                "it counts {} bytes of samples and has {}",
                state.data_bytes, self.bytes
            );
            self.report(None, message);
        }
        for (found, what) in [
            (self.count(Table::Block)?, "blocks"),
            (self.count(Table::BlockChange)?, "changes of blocks"),
        ] {
            // A damaged block hides when it changed, not that it is there.
            if found != self.blocks {
                let message = format!(
                    "its series have {} blocks before their open ends, and {found} {what} lie there",
                    self.blocks
                );
                self.report(None, message);
            }
        }
        Ok(())
    }

    fn count(&self, table: Table) -> Result<u64> {
        let mut count = 0;
        for entry in self
            .inner
            .values
            .scan_prefix(&Key::life(table, self.user, self.record.life))
        {
            entry?;
            count += 1;
        }
        Ok(count)
    }

    fn series(&mut self, sensor_type: &SensorType, series: &SeriesRecord) -> Result<()> {
        let key = SeriesKey::of(self.user, self.record, sensor_type, series);
        let mut seen: Option<SeriesRecord> = None;
        let mut damaged = false;
        for entry in key.scan(&self.inner.values) {
            let entry = entry?;
            let is_open = entry.is_in(Table::OpenBlock);
            // Those of an open end stand in no index.
            self.blocks += u64::from(!is_open);
            let first = first_time(&entry)?;
            let block = match key.decode(&self.inner.values, &entry) {
                Ok(block) => block,
                Err(Failure::Corrupt(reason)) => {
                    damaged = true;
                    self.report(Some(sensor_type), reason);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let meta = key.meta(&self.inner.values, &entry)?;
            let has_its_digest = key.has_its_digest(&self.inner.values, &entry, &block)?;
            if block.meta() != Some(meta) || meta.first != first || !has_its_digest {
                damaged = true;
                self.report(
                    Some(sensor_type),
                    format!("the block at {first} is not what it says"),
                );
                continue;
            }
            let before = seen.as_ref().map(|seen| seen.last);
            self.block(&key, &meta, is_open, before)?;
            self.bytes += block.data_bytes();
            let before = seen.take();
            let open = before.as_ref().and_then(|before| before.open);
            seen = Some(SeriesRecord {
                number: series.number,
                count: before.as_ref().map_or(0, |before| before.count) + u64::from(meta.count),
                first: before.map_or(first, |before| before.first),
                last: meta.last,
                open: if is_open {
                    OpenEnd::of_blocks(open, &block)
                } else {
                    open
                },
            });
        }
        self.findings.records += seen.as_ref().map_or(0, |seen| seen.count);
        if !damaged && seen.as_ref() != Some(series) {
            self.report(
                Some(sensor_type),
                "its count, its range or its open end is wrong".to_owned(),
            );
        }
        self.damaged |= damaged;
        Ok(())
    }

    fn block(
        &mut self,
        key: &SeriesKey<'_>,
        meta: &BlockMeta,
        is_open: bool,
        last_before: Option<Timestamp>,
    ) -> Result<()> {
        let mut wrong = Vec::new();
        if last_before.is_some_and(|last| last >= meta.first) {
            wrong.push("overlaps the one before it");
        }
        if meta.changed > self.record.state.updated_at {
            wrong.push("changed after the session did");
        }
        if !is_open && !key.is_indexed(&self.inner.values, meta)? {
            wrong.push("cannot be found by its change");
        }
        for what in wrong {
            self.report(
                Some(key.sensor_type),
                format!("the block at {} {what}", meta.first),
            );
        }
        Ok(())
    }
}
