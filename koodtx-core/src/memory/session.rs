//! One session and its records.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::block::{Block, IncomingSeries, MergeCounts, Record, data_bytes_of};
use crate::id::SensorType;
use crate::json::{JsonError, canonical_text};
use crate::pull::{RecordChunk, RecordPosition, RecordQuery};
use crate::register::{Effect, Register, Stamp};
use crate::session::SessionState;
use crate::store::{SeriesStats, SessionDetail};
use crate::time::{Tick, Timestamp};

/// A session or tombstone as it is kept.
#[derive(Clone, Debug)]
pub(super) struct StoredSession {
    pub(super) state: SessionState,
    /// Keyed by the place in which a pull returns a record, so reading needs no sorting.
    pub(super) records: BTreeMap<RecordPosition, Record>,
    /// One entry a sensor type that has records.
    pub(super) series: BTreeMap<SensorType, SeriesStats>,
}

/// What merging the records of one series comes to: decided, not yet written.
#[derive(Debug)]
pub(super) struct Decision {
    /// The records to write, with whether the key is new.
    pub(super) writes: Vec<(Record, bool)>,
    pub(super) counts: MergeCounts,
    /// The strongest effect.
    pub(super) effect: Effect,
}

impl StoredSession {
    pub(super) fn new(state: SessionState) -> Self {
        Self {
            state,
            records: BTreeMap::new(),
            series: BTreeMap::new(),
        }
    }

    /// Decides what the records of one series of a push do; `stored` is the session, if there is
    /// one.
    pub(super) fn decide(
        stored: Option<&Self>,
        sensor_type: &SensorType,
        incoming: &IncomingSeries,
        tick: Tick,
    ) -> Decision {
        let mut decision = Decision {
            writes: Vec::new(),
            counts: MergeCounts::default(),
            effect: Effect::Kept,
        };
        for row in 0..incoming.len() {
            let timestamp = incoming.time(row);
            let position = RecordPosition {
                timestamp,
                sensor_type: sensor_type.clone(),
            };
            let stored = stored.and_then(|session| session.records.get(&position));
            decision.add(
                stored,
                timestamp,
                incoming.data(row),
                incoming.updated_at(row),
                tick,
            );
        }
        decision
    }

    /// Writes what was decided.
    pub(super) fn write(&mut self, sensor_type: &SensorType, writes: Vec<(Record, bool)>) {
        for (record, is_new) in writes {
            if is_new {
                self.count(sensor_type, record.timestamp);
            }
            let position = RecordPosition {
                timestamp: record.timestamp,
                sensor_type: sensor_type.clone(),
            };
            self.records.insert(position, record);
        }
    }

    fn count(&mut self, sensor_type: &SensorType, time: Timestamp) {
        let stats = self
            .series
            .entry(sensor_type.clone())
            .or_insert_with(|| SeriesStats {
                sensor_type: sensor_type.clone(),
                count: 0,
                first: time,
                last: time,
            });
        stats.count += 1;
        stats.first = stats.first.min(time);
        stats.last = stats.last.max(time);
    }

    /// What the records count towards a quota, counted anew.
    pub(super) fn data_bytes(&self) -> u64 {
        let records = self.records.values();
        records.map(|record| data_bytes_of(&record.data)).sum()
    }

    /// Turns the session into a tombstone, without records.
    pub(super) fn delete(&mut self, tick: Tick) {
        *self = Self::new(self.state.clone().delete(tick));
    }

    pub(super) fn detail(&self) -> SessionDetail {
        SessionDetail {
            state: self.state.clone(),
            series: self.series.values().cloned().collect(),
        }
    }

    /// The records that match `query`, at most as many as it asks for.
    pub(super) fn read(&self, query: &RecordQuery) -> Result<RecordChunk, JsonError> {
        let from = query
            .after
            .as_ref()
            .map_or(Bound::Unbounded, Bound::Excluded);
        let mut matching = self
            .records
            .range((from, Bound::Unbounded))
            .filter(|(_, record)| {
                query
                    .changed_after
                    .is_none_or(|clock| record.changed > clock)
            });
        // A chunk without records could make a caller go on for ever.
        let taken: Vec<_> = matching.by_ref().take(query.limit.max(1)).collect();
        let more_follow = matching.next().is_some();

        let next = taken
            .last()
            .filter(|_| more_follow)
            .map(|(position, _)| (*position).clone());
        let mut rows: BTreeMap<SensorType, Vec<&Record>> = BTreeMap::new();
        for (position, record) in taken {
            rows.entry(position.sensor_type.clone())
                .or_default()
                .push(record);
        }
        let series = rows
            .into_iter()
            .map(|(sensor_type, records)| Ok((sensor_type, Block::from_records(records)?)))
            .collect::<Result<_, JsonError>>()?;
        Ok(RecordChunk {
            series,
            next,
            damaged: Vec::new(),
        })
    }
}

impl Decision {
    /// Decides one record by last write wins.
    fn add(
        &mut self,
        stored: Option<&Record>,
        timestamp: Timestamp,
        data: String,
        updated_at: Option<Timestamp>,
        tick: Tick,
    ) {
        let stamp = Stamp::new(updated_at, tick);
        let Some(stored) = stored else {
            let record = Record {
                timestamp,
                changed: tick.at(),
                stamp: stamp.at(),
                data,
            };
            self.counts.inserted += 1;
            self.counts.added_bytes += data_bytes_of(&record.data) as i64;
            self.effect = Effect::Changed;
            self.writes.push((record, true));
            return;
        };
        // Values are compared in canonical form (1 equals 1.0) and kept as they were sent.
        let mut register = Some(Register {
            stamp: stored.stamp,
            value: canonical_text(&stored.data),
        });
        let effect = Register::write(&mut register, canonical_text(&data), stamp);
        self.effect = self.effect.max(effect);
        match effect {
            Effect::Kept => self.counts.duplicates += 1,
            Effect::Raised => {
                self.counts.duplicates += 1;
                self.writes.push((
                    Record {
                        stamp: stamp.at(),
                        ..stored.clone()
                    },
                    false,
                ));
            }
            Effect::Changed => {
                let record = Record {
                    timestamp,
                    changed: tick.at(),
                    stamp: stamp.at(),
                    data,
                };
                self.counts.updated += 1;
                self.counts.added_bytes +=
                    data_bytes_of(&record.data) as i64 - data_bytes_of(&stored.data) as i64;
                self.writes.push((record, false));
            }
        }
    }
}
