//! Merge is commutative, associative and idempotent: of registers, of sessions, of blocks; and what
//! a store does with blocks equals what a record-by-record merge would do.

mod support;

use std::collections::BTreeMap;
use std::convert::Infallible;

use koodtx_core::block::{
    BLOCK_RAW_MAX_BYTES, BLOCK_RECORDS_MAX_COUNT, Block, BlockSummary, IncomingSeries, Leaf,
    MergeCounts, OPEN_BLOCKS_MAX_COUNT, OpenEnd, Record, SeriesEnd, Stored, join_blocks,
    merge_series,
};
use koodtx_core::json::{Json, Number, canonical_text};
use koodtx_core::push::PushBatch;
use koodtx_core::register::{Effect, Register, Stamp};
use koodtx_core::session::{SampleRate, SessionFields};
use koodtx_core::time::{Tick, Timestamp};
use proptest::prelude::*;

/// What the laws speak of: times, stamps and values, in canonical form.
fn replica(block: &Block) -> Vec<(Timestamp, Timestamp, String)> {
    block
        .records()
        .map(|record| (record.timestamp, record.stamp, canonical_text(&record.data)))
        .collect()
}

fn register<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Register<T>>> {
    proptest::option::of((0..4_i64, value).prop_map(|(stamp, value)| Register {
        stamp: Timestamp::from_micros(stamp),
        value,
    }))
}

fn fields() -> impl Strategy<Value = SessionFields> {
    let time = || (0..3_i64).prop_map(Timestamp::from_micros);
    (
        register(time()),
        register(proptest::option::of(time())),
        register(any::<bool>()),
        register(proptest::collection::vec("[ab]", 0..2)),
        register((1..3_u8).prop_map(|rate| SampleRate::new(f64::from(rate)).unwrap())),
        register(proptest::option::of("[ab]{0,2}")),
    )
        .prop_map(
            |(start_time, end_time, is_active, enabled_sensors, sample_rate, notes)| {
                SessionFields {
                    start_time,
                    end_time,
                    is_active,
                    enabled_sensors,
                    sample_rate,
                    notes,
                }
            },
        )
}

proptest! {
    #[test]
    fn session_registers_merge(a in fields(), b in fields(), c in fields()) {
        prop_assert_eq!(a.clone().join(b.clone()), b.clone().join(a.clone()));
        prop_assert_eq!(a.clone().join(b.clone()).join(c.clone()), a.clone().join(b.join(c)));
        prop_assert_eq!(a.clone().join(a.clone()), a);
    }

    #[test]
    fn writing_a_register_equals_joining_it(
        writes in proptest::collection::vec((0..4_i64, 0..3_u8), 1..8),
    ) {
        let mut written = None;
        let mut joined: Option<Register<u8>> = None;
        for (at, value) in writes {
            let stamp = Timestamp::from_micros(at);
            let before = written.clone();
            let effect = Register::write(&mut written, value, Stamp::Client(stamp));
            let incoming = Register { stamp, value };
            joined = Some(joined.map_or(incoming.clone(), |old| old.join(incoming)));
            prop_assert_eq!(&written, &joined);
            prop_assert_eq!(effect == Effect::Kept, before == written);
        }
    }

    #[test]
    fn blocks_merge(a in support::block(), b in support::block(), c in support::block()) {
        prop_assert_eq!(replica(&join_blocks(&a, &b)), replica(&join_blocks(&b, &a)));
        prop_assert_eq!(
            replica(&join_blocks(&join_blocks(&a, &b), &c)),
            replica(&join_blocks(&a, &join_blocks(&b, &c)))
        );
        prop_assert_eq!(join_blocks(&a, &a), a);
    }

    #[test]
    fn merging_blocks_equals_merging_records(a in support::block(), b in support::block()) {
        let mut expected: BTreeMap<Timestamp, (Timestamp, String)> = BTreeMap::new();
        for (time, stamp, value) in replica(&a).into_iter().chain(replica(&b)) {
            let incoming = (stamp, value);
            let slot = expected.entry(time).or_insert_with(|| incoming.clone());
            if incoming > *slot {
                *slot = incoming;
            }
        }
        let joined = replica(&join_blocks(&a, &b));
        let expected: Vec<_> =
            expected.into_iter().map(|(time, (stamp, value))| (time, stamp, value)).collect();
        prop_assert_eq!(joined, expected);
    }
}

/// One record as a client pushes it.
#[derive(Clone, Debug)]
struct Pushed {
    time_millis: i64,
    stamp_micros: Option<i64>,
    data: String,
}

fn pushed(times: std::ops::Range<i64>) -> impl Strategy<Value = Pushed> {
    (
        times,
        proptest::option::of(0..8_000_000_i64),
        support::data(),
    )
        .prop_map(|(time_millis, stamp_micros, data)| Pushed {
            time_millis,
            stamp_micros,
            data,
        })
}

fn incoming(records: &[Pushed]) -> Option<IncomingSeries> {
    let records: Vec<String> = records
        .iter()
        .map(|record| {
            let stamp = record.stamp_micros.map_or("null".to_owned(), |stamp| {
                format!("\"{}\"", Timestamp::from_micros(stamp))
            });
            format!(
                r#"{{"updated_at":{stamp},"sensor_type":"s","timestamp":{},"data":{}}}"#,
                record.time_millis, record.data
            )
        })
        .collect();
    let body = format!(
        r#"{{"session":{{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
            "start_time":"2025-11-13T00:00:00Z"}},"sensor_data":[{}]}}"#,
        records.join(",")
    );
    let batch = PushBatch::parse(body.as_bytes()).unwrap();
    assert_eq!(batch.errors, 0, "{:?}", batch.error_details);
    batch.series.into_iter().next().map(|series| series.records)
}

/// Whether a block is filled to two thirds of one of its limits.
fn counts_as_full(block: &Block) -> bool {
    let of = OpenEnd::of_blocks(None, block).unwrap();
    of.records as usize * 3 >= BLOCK_RECORDS_MAX_COUNT * 2
        || of.raw_bytes as usize * 3 >= BLOCK_RAW_MAX_BYTES * 2
}

/// What a store knows of a block without reading it; here of small ones too.
fn summary(block: &Block) -> Option<BlockSummary> {
    Some(BlockSummary {
        meta: block.meta()?,
        digest: block.columns().digest(0..block.len()),
    })
}

/// A store of one series, as small as it can be.
#[derive(Default)]
struct Series {
    blocks: BTreeMap<Timestamp, Block>,
    reads: usize,
    written: usize,
    open: Option<OpenEnd>,
    /// Whether it forgets what it should remember of its end.
    is_forgetful: bool,
    /// Whether it knows the digests of its blocks.
    knows_digests: bool,
    /// Records that it did not read a block for.
    skipped: usize,
}

impl Series {
    fn push(&mut self, incoming: &IncomingSeries, tick: Tick) -> (MergeCounts, Effect) {
        let blocks = &self.blocks;
        let mut reads = 0;
        let last = blocks
            .values()
            .next_back()
            .map(|block| block.time(block.len() - 1));
        let open = self.open;
        let end = last.map(|last| SeriesEnd { last, open });
        let end = end.filter(|_| !self.is_forgetful);
        let open = open.filter(|_| !self.is_forgetful);
        let leaf_at = |time| {
            let found = blocks
                .range(..=time)
                .next_back()
                .or_else(|| blocks.iter().next());
            found.map(|(first, block)| {
                if let Some(open) = open.filter(|open| open.first <= *first) {
                    return Leaf {
                        blocks: blocks
                            .range(open.first..)
                            .map(|(_, block)| block.clone())
                            .collect(),
                        next_first: None,
                    };
                }
                Leaf {
                    blocks: vec![block.clone()],
                    next_first: blocks
                        .range((
                            std::ops::Bound::Excluded(*first),
                            std::ops::Bound::Unbounded,
                        ))
                        .next()
                        .map(|(next, _)| *next),
                }
            })
        };
        let mut skipped = 0;
        let merge = merge_series(incoming, end, tick, |merger, time| {
            let known = blocks.get(&time).filter(|_| self.knows_digests);
            if let Some(rows) = known.and_then(|block| merger.equal_rows(&summary(block)?)) {
                skipped += rows.len();
                return Ok::<_, Infallible>(Stored::Equal(rows));
            }
            reads += 1;
            Ok(Stored::Leaf(leaf_at(time)))
        })
        .unwrap();
        self.skipped += skipped;
        self.reads += reads;
        assert_eq!(merge.edits.is_empty(), merge.effect == Effect::Kept);
        for edit in merge.edits {
            for removed in edit.removed {
                self.blocks
                    .remove(&removed.first)
                    .expect("only what is stored is removed");
            }
            for block in edit.written {
                self.written += block.len();
                let first = block.meta().expect("no empty block is written").first;
                assert!(
                    self.blocks.insert(first, block).is_none(),
                    "no block replaces another silently"
                );
            }
        }
        if merge.effect != Effect::Kept {
            self.open = merge.open;
        }
        assert!(
            self.is_forgetful || self.open == merge.open,
            "what changes nothing leaves the end"
        );
        (merge.counts, merge.effect)
    }

    fn records(&self) -> Vec<koodtx_core::block::Record> {
        self.blocks
            .values()
            .flat_map(|block| block.records().collect::<Vec<_>>())
            .collect()
    }

    fn check(&self) {
        if !self.is_forgetful {
            let from = self.open.map_or(Timestamp::MAX, |open| open.first);
            let counted = self.blocks.range(from..).map(|(_, block)| block);
            assert_eq!(counted.fold(None, OpenEnd::of_blocks), self.open);
            let last = self.blocks.values().last();
            assert!(
                self.open.is_some() || last.is_none_or(counts_as_full),
                "only a full block ends a series whose end is closed"
            );
        }
        assert!(
            self.open
                .is_none_or(|open| open.blocks <= OPEN_BLOCKS_MAX_COUNT)
        );
        let mut last = Timestamp::MIN;
        for block in self.blocks.values() {
            assert!(block.len() <= BLOCK_RECORDS_MAX_COUNT);
            for row in 0..block.len() {
                assert!(block.time(row) > last, "blocks are disjoint and in order");
                last = block.time(row);
            }
        }
    }
}

/// The rule of the contract, one record at a time: `(stamp, changed, canonical value)` by time.
#[derive(Default)]
struct Oracle {
    records: BTreeMap<Timestamp, (Timestamp, Timestamp, String)>,
    /// What each record counts towards a quota, as it was sent.
    weights: BTreeMap<Timestamp, i64>,
}

/// What a sample with this `data` counts towards a quota.
fn weight(data: &str) -> i64 {
    const DEPTH_MAX: usize = 16;
    let Ok(Json::Object(members)) = Json::parse(data, DEPTH_MAX) else {
        panic!("{data} is no object");
    };
    let fields = members.iter().map(|(name, value)| {
        let of_value = match value {
            Json::Number(Number::Double(_)) => 8,
            other => other.stored_text().len(),
        };
        name.len() + of_value
    });
    16 + fields.sum::<usize>() as i64
}

impl Oracle {
    fn push(&mut self, incoming: &IncomingSeries, tick: Tick) -> MergeCounts {
        let mut counts = MergeCounts::default();
        for row in 0..incoming.len() {
            let client = incoming.updated_at(row).map(|stamp| tick.clamp(stamp));
            let stamp = client.unwrap_or(tick.at());
            let value = canonical_text(&incoming.data(row));
            match self.records.get_mut(&incoming.time(row)) {
                None => {
                    counts.inserted += 1;
                    let weight = weight(&incoming.data(row));
                    counts.added_bytes += weight;
                    self.weights.insert(incoming.time(row), weight);
                    self.records
                        .insert(incoming.time(row), (stamp, tick.at(), value));
                }
                Some(stored) if stored.2 == value => {
                    counts.duplicates += 1;
                    stored.0 = client.map_or(stored.0, |stamp| stamp.max(stored.0));
                }
                Some(stored) if (stored.0, &stored.2) < (stamp, &value) => {
                    counts.updated += 1;
                    let weight = weight(&incoming.data(row));
                    let before = self.weights.insert(incoming.time(row), weight);
                    counts.added_bytes += weight - before.unwrap_or_default();
                    *stored = (stamp, tick.at(), value);
                }
                Some(_) => counts.duplicates += 1,
            }
        }
        counts
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn pushing_into_blocks_equals_the_rule_record_by_record(
        pushes in proptest::collection::vec(proptest::collection::vec(pushed(0..300), 0..60), 1..10),
        times_now in 0..2_i64,
        is_forgetful: bool,
        knows_digests: bool,
        has_stamps: bool,
        grows: bool,
    ) {
        let mut series = Series { is_forgetful, knows_digests, ..Series::default() };
        let mut oracle = Oracle::default();
        // Or no push would be behind all others.
        let pushes: Vec<Vec<Pushed>> = (0..).zip(pushes).map(|(nth, mut push)| {
            for record in &mut push {
                record.time_millis += if grows { nth * 250 } else { 0 };
                // Only pushes without stamps are known by digests.
                record.stamp_micros = record.stamp_micros.filter(|_| has_stamps);
            }
            push
        }).collect();
        let mut clock = Timestamp::from_micros(2_000_000);
        for push in &pushes {
            let Some(incoming) = incoming(push) else { continue };
            let tick = Tick::after(clock, clock.plus_micros(times_now * 1_000_000));
            let (counts, effect) = series.push(&incoming, tick);
            prop_assert_eq!(counts, oracle.push(&incoming, tick));
            prop_assert_eq!(counts.inserted + counts.updated + counts.duplicates, incoming.len() as u64);
            prop_assert_eq!(effect == Effect::Changed, counts.inserted + counts.updated > 0);
            clock = tick.at();
            series.check();
            // The same again changes nothing.
            let (again, effect) = series.push(&incoming, Tick::after(clock, clock));
            let unclamped = push.iter().all(|record| record.stamp_micros.is_none());
            if unclamped {
                prop_assert_eq!(effect, Effect::Kept);
            }
            oracle.push(&incoming, Tick::after(clock, clock));
            prop_assert_eq!(again.inserted, 0);
            // However the series is cut into blocks, what it counts is what its records count.
            let counted: u64 = series.blocks.values().map(Block::data_bytes).sum();
            prop_assert_eq!(counted as i64, oracle.weights.values().sum::<i64>());
        }
        let stored: Vec<_> = series
            .records()
            .into_iter()
            .map(|record| (record.timestamp, (record.stamp, record.changed, canonical_text(&record.data))))
            .collect();
        prop_assert_eq!(stored, oracle.records.into_iter().collect::<Vec<_>>());
    }
}

fn samples(times: impl Iterator<Item = i64>) -> IncomingSeries {
    let records: Vec<Pushed> = times
        .map(|time_millis| Pushed {
            time_millis,
            stamp_micros: None,
            data: format!(r#"{{"x":{}}}"#, time_millis % 97),
        })
        .collect();
    incoming(&records).unwrap()
}

#[test]
fn appends_fill_blocks_and_leave_full_ones_alone() {
    let mut series = Series::default();
    let tick = Tick::after(Timestamp::ZERO, Timestamp::from_micros(1));
    for push in 0..50 {
        series.push(&samples(push * 100..push * 100 + 100), tick);
        series.check();
    }
    let sizes: Vec<usize> = series.blocks.values().map(Block::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 5_000);
    let full = sizes
        .iter()
        .take_while(|&&size| size == BLOCK_RECORDS_MAX_COUNT);
    assert_eq!(full.count(), 10, "{sizes:?}");
    assert_eq!(
        series.reads,
        1 + 10,
        "a push reads when it is the first, or a block is full"
    );
    // Once as it came, and once more with its block.
    assert!(series.written <= 2 * 5_000, "{}", series.written);
}

#[test]
fn large_appends_are_dealt_out_evenly_and_read_nothing() {
    let mut series = Series::default();
    let tick = Tick::after(Timestamp::ZERO, Timestamp::from_micros(1));
    for push in 0..20 {
        series.push(&samples(push * 1_660..(push + 1) * 1_660), tick);
        series.check();
    }
    assert_eq!(series.reads, 1, "only the first push looks what is there");
    assert_eq!(series.written, 20 * 1_660, "each record is written once");
    assert!(series.blocks.values().all(|block| block.len() == 415));
    // Behind small pushes the end is folded once, and no more.
    series.push(&samples(40_000..40_100), tick);
    series.push(&samples(50_000..51_660), tick);
    series.push(&samples(60_000..61_660), tick);
    series.check();
    assert_eq!((series.reads, series.open), (2, None));
}

#[test]
fn a_longer_block_of_an_earlier_version_stays_until_it_is_changed() {
    let tick = Tick::after(Timestamp::ZERO, Timestamp::from_micros(1));
    let records: Vec<Record> = (0..512)
        .map(|nth| Record {
            timestamp: Timestamp::from_millis(nth * 2),
            changed: tick.at(),
            stamp: tick.at(),
            data: format!(r#"{{"x":{nth}}}"#),
        })
        .collect();
    let old = Block::from_records(&records).unwrap();
    let mut series = Series::default();
    series.blocks.insert(old.time(0), old);
    series.push(&samples(2_000..2_100), tick);
    let sizes = |series: &Series| series.blocks.values().map(Block::len).collect::<Vec<_>>();
    assert_eq!((sizes(&series), series.reads), (vec![512, 100], 0));
    series.push(&samples([501].into_iter()), tick);
    assert_eq!((sizes(&series), series.reads), (vec![257, 256, 100], 1));
    series.check();
}

#[test]
fn what_is_pushed_again_is_not_read() {
    let mut series = Series {
        knows_digests: true,
        ..Series::default()
    };
    let tick = Tick::after(Timestamp::ZERO, Timestamp::from_micros(1));
    let pushes = [0..1_660, 1_660..3_320].map(samples);
    for push in &pushes {
        series.push(push, tick);
    }
    series.reads = 0;
    for push in &pushes {
        let (counts, effect) = series.push(push, tick);
        assert_eq!((counts.duplicates, effect), (1_660, Effect::Kept));
    }
    assert_eq!((series.reads, series.skipped), (0, 3_320));
    // With one record beside them, and one in another place, two blocks are read.
    let times = (0..1_660)
        .map(|time| time + i64::from(time == 700))
        .chain([5_000]);
    let (counts, _) = series.push(&samples(times), tick);
    assert_eq!((counts.duplicates, counts.inserted), (1_659, 1));
    assert_eq!(series.reads, 2);
    series.check();
}

#[test]
fn tiny_appends_are_folded_before_they_are_many() {
    let mut series = Series::default();
    let tick = Tick::after(Timestamp::ZERO, Timestamp::from_micros(1));
    for time in 0..2_000 {
        series.push(&samples([time].into_iter()), tick);
        series.check();
    }
    assert!(series.blocks.len() <= 3 + OPEN_BLOCKS_MAX_COUNT as usize);
    assert!(
        series.reads <= 2_000 / (OPEN_BLOCKS_MAX_COUNT as usize - 1) + 4,
        "{}",
        series.reads
    );
}

#[test]
fn a_push_into_the_open_end_reads_it_once_and_folds_it() {
    let mut series = Series::default();
    let tick = Tick::after(Timestamp::ZERO, Timestamp::from_micros(1));
    for push in 0..5 {
        series.push(&samples((push * 100..push * 100 + 50).map(|n| n * 2)), tick);
    }
    assert_eq!((series.blocks.len(), series.reads), (5, 1));
    series.push(&samples([1, 501, 1_001].into_iter()), tick);
    assert_eq!((series.blocks.len(), series.reads), (1, 2));
    series.check();
}

#[test]
fn a_late_record_touches_the_one_block_it_falls_into() {
    let mut series = Series::default();
    let tick = Tick::after(Timestamp::ZERO, Timestamp::from_micros(1));
    series.push(&samples((0..10_000).map(|n| n * 2)), tick);
    let before: BTreeMap<_, _> = series
        .blocks
        .iter()
        .map(|(first, block)| (*first, block.clone()))
        .collect();
    series.reads = 0;
    series.push(&samples([5, 9_001, 19_001].into_iter()), tick);
    assert_eq!(series.reads, 3);
    let kept = before
        .iter()
        .filter(|(first, block)| series.blocks.get(first) == Some(block))
        .count();
    assert_eq!(before.len() - kept, 3);
    series.check();
}
