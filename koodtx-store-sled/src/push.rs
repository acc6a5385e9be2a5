//! Merging a push.

use koodtx_core::block::{MergeCounts, merge_series};
use koodtx_core::push::SeriesBatch;
use koodtx_core::register::Effect;
use koodtx_core::session::{Admission, SessionMerge, SessionState};
use koodtx_core::store::{PushCommand, PushOutcome};
use koodtx_core::time::{Tick, Timestamp};

use crate::blocks::SeriesKey;
use crate::error::Result;
use crate::log;
use crate::series::{self, SeriesRecord};
use crate::session::SessionRecord;
use crate::store::{Answer, Inner};
use crate::user::UserRecord;
use crate::values::WriteSet;

/// Merges a batch, logs it, and answers as soon as that is on disk. The caller holds the user's lock
/// alone.
pub(crate) fn push(
    inner: &Inner,
    command: PushCommand,
    now: Timestamp,
    answer: &mut Answer<PushOutcome>,
) -> Result<()> {
    let mut user = UserRecord::read_for("push", &inner.values, command.user)?;
    let tick = Tick::after(user.clock, now);
    let mut merge = Merge {
        inner,
        command: &command,
        tick,
        set: WriteSet::new(&inner.values),
    };
    let (counts, data_count) = merge.run(&mut user)?;

    let mut set = merge.set;
    let log_id = log::append(
        &mut set,
        command.user,
        &mut user,
        command.log_entry(counts),
        now,
    )?;
    user.write(&mut set, command.user)?;
    let outcome = PushOutcome {
        inserted: counts.inserted,
        updated: counts.updated,
        duplicates: counts.duplicates,
        data_count,
        clock: user.clock,
        log_id,
    };
    // What was pushed is in the set now.
    drop(command);
    inner.journal.commit_telling(set, || answer.give(outcome))
}

struct Merge<'s, 'c> {
    inner: &'s Inner,
    command: &'c PushCommand,
    tick: Tick,
    set: WriteSet<'s>,
}

impl Merge<'_, '_> {
    /// Collects what has to be written; returns what happened to the records, and how many the
    /// session has now.
    fn run(&mut self, user: &mut UserRecord) -> Result<(MergeCounts, u64)> {
        let batch = &*self.command.batch;
        let stored = SessionRecord::find(
            &self.inner.values,
            self.command.user,
            batch.session.session_id,
        )?;
        let old = stored.as_ref().map(|record| record.state.clone());
        let mut counts = MergeCounts {
            duplicates: batch.replaced,
            ..MergeCounts::default()
        };

        let mut admitted = match SessionState::admit(old.clone(), &batch.session, self.tick) {
            Admission::Admitted(merge) => merge,
            Admission::Stale(state) => {
                counts.duplicates = batch.valid_records();
                return Ok((counts, state.data_count));
            }
        };
        let life = match stored {
            Some(record) if record.state.live => record.life,
            _ => self.tick.at(),
        };
        counts.add(self.merge_records(life, &mut admitted)?);

        let write = admitted.finish(self.command.quota, user.held())?;
        if write.effect == Effect::Changed {
            user.clock = self.tick.at();
        }
        if write.effect != Effect::Kept {
            user.recount(old.as_ref(), &write.state);
            let record = SessionRecord {
                state: write.state.clone(),
                life,
            };
            record.write(&mut self.set, self.command.user, old.as_ref())?;
        }
        Ok((counts, write.state.data_count))
    }

    fn merge_records(
        &mut self,
        life: Timestamp,
        admitted: &mut SessionMerge,
    ) -> Result<MergeCounts> {
        let mut counts = MergeCounts::default();
        let mut next_number = None;
        for batch in &self.command.batch.series {
            let stored = SeriesRecord::read(
                &self.inner.values,
                self.command.user,
                life,
                &batch.sensor_type,
            )?;
            let number = match (&stored, next_number) {
                (Some(record), _) => record.number,
                (None, Some(next)) => next,
                (None, None) => self.first_free_number(life)?,
            };
            if stored.is_none() {
                next_number = Some(number + 1);
            }
            counts.add(self.merge_one(life, number, stored.as_ref(), batch, admitted)?);
        }
        Ok(counts)
    }

    fn first_free_number(&self, life: Timestamp) -> Result<u32> {
        let known = series::all(&self.inner.values, self.command.user, life)?;
        Ok(known
            .iter()
            .map(|(_, record)| record.number + 1)
            .max()
            .unwrap_or(0))
    }

    fn merge_one(
        &mut self,
        life: Timestamp,
        number: u32,
        stored: Option<&SeriesRecord>,
        batch: &SeriesBatch,
        admitted: &mut SessionMerge,
    ) -> Result<MergeCounts> {
        let key = SeriesKey {
            user: self.command.user,
            session: self.command.batch.session.session_id,
            sensor_type: &batch.sensor_type,
            life,
            number,
            open: stored.and_then(|stored| stored.open),
        };
        let end = stored.map(SeriesRecord::end);
        let merge = merge_series(&batch.records, end, self.tick, |merger, time| {
            key.stored_at(&self.inner.values, time, merger)
        })?;
        admitted.count_records(&merge.counts, merge.effect, stored.is_none());
        for edit in &merge.edits {
            key.edit(&mut self.set, edit, merge.open)?;
        }
        let range @ (first, last) = batch.records.range();
        let mut record = stored.cloned().unwrap_or(SeriesRecord {
            number,
            count: 0,
            first,
            last,
            open: None,
        });
        record.open = merge.open;
        record.extend(&merge.counts, range);
        if stored != Some(&record) {
            record.write(&mut self.set, key.user, life, &batch.sensor_type)?;
        }
        Ok(merge.counts)
    }
}
