//! The merge of records into blocks: last write wins, decided in pure functions.

use std::cmp::Ordering;
use std::ops::Range;

use super::columns::{Run, push_run};
use super::compare::RowComparer;
use super::digest::BlockSummary;
use super::open_end::{OpenEnd, SeriesEnd};
use super::split::{Fill, split};
use super::{Block, BlockMeta, Columns};
use crate::register::{Effect, Stamp};
use crate::time::{Tick, Timestamp};

/// Records of one series on their way into a store: sorted by time, no two at the same time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncomingSeries {
    pub(crate) columns: Columns,
    /// Stamp that the client sent with each record, in microseconds, or [`NO_STAMP`]; empty where
    /// no record has one.
    pub(crate) stamps: Vec<i64>,
}

/// Stands for "the client sent no stamp" among the stamps of an [`IncomingSeries`].
pub(crate) const NO_STAMP: i64 = i64::MIN;

/// What the records of a push did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeCounts {
    /// Keys that were absent.
    pub inserted: u64,
    /// Keys whose value changed.
    pub updated: u64,
    /// Keys whose value did not change.
    pub duplicates: u64,
    /// By how much what is stored counts more ([`Block::data_bytes`]), in bytes; negative where values
    /// became shorter.
    pub added_bytes: i64,
}

impl MergeCounts {
    /// Adds up.
    pub fn add(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.duplicates += other.duplicates;
        self.added_bytes += other.added_bytes;
    }
}

/// What is stored where records of some time belong, and where its range ends.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The block; of the [open end](OpenEnd) of a series all its blocks, in the order of time.
    pub blocks: Vec<Block>,
    /// First time of the block behind; `None` at the end of the series.
    pub next_first: Option<Timestamp>,
}

/// What a store finds where records of a push belong.
#[derive(Clone, Debug)]
pub enum Stored {
    /// A block that has the next records as they are.
    Equal(EqualRows),
    /// The leaf to merge them into; `None` where the series has no block.
    Leaf(Option<Leaf>),
}

/// What to write in place of one leaf.
#[derive(Clone, Debug)]
pub struct LeafEdit {
    /// The blocks to remove, in the order of time.
    pub removed: Vec<BlockMeta>,
    /// The blocks to write, in the order of time. None of them is empty.
    pub written: Vec<Block>,
}

/// What merging the records of one series comes to.
#[derive(Clone, Debug)]
pub struct SeriesMerge {
    /// What to write. Blocks that stay as they are do not appear.
    pub edits: Vec<LeafEdit>,
    /// What happened to the records.
    pub counts: MergeCounts,
    /// The strongest effect. `Kept` exactly when there are no edits.
    pub effect: Effect,
    /// The open end as it is then: to be remembered.
    pub open: Option<OpenEnd>,
}

/// Records of a push that a stored block has one for one: see [`SeriesMerger::equal_rows`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EqualRows(Range<usize>);

impl EqualRows {
    /// How many they are, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "they are never none")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The merge of one series, block by block: for stores that cannot read while they merge.
///
/// Try whether [`append`](Self::append) does without reading. Otherwise ask
/// [`next_time`](Self::next_time) which records come next, read the leaf that they belong into, hand it
/// to [`apply`](Self::apply), and so on until there is no next time. [`merge_series`] does all that with
/// a function that reads. A store that keeps the digests of its blocks asks
/// [`equal_rows`](Self::equal_rows) before it reads one, and may [`skip`](Self::skip) it.
#[derive(Clone, Debug)]
pub struct SeriesMerger<'a> {
    incoming: &'a IncomingSeries,
    tick: Tick,
    /// Time of the last record that is stored, where it is known.
    stored_last: Option<Timestamp>,
    open: Option<OpenEnd>,
    /// The first record that is not merged yet.
    from: usize,
    counts: MergeCounts,
    effect: Effect,
}

impl IncomingSeries {
    /// Records in it.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it has no record.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The samples.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Time of record `row`.
    pub fn time(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.columns.times[row])
    }

    /// Stamp that the client sent with record `row`.
    pub fn updated_at(&self, row: usize) -> Option<Timestamp> {
        let stamp = *self.stamps.get(row)?;
        (stamp != NO_STAMP).then(|| Timestamp::from_micros(stamp))
    }

    /// Times of the first and the last record.
    ///
    /// # Panics
    /// If there is no record; a parsed batch holds no such series.
    pub fn range(&self) -> (Timestamp, Timestamp) {
        (self.time(0), self.time(self.len() - 1))
    }
}

impl<'a> SeriesMerger<'a> {
    /// Begins to merge `incoming` at `tick`. `end` is what is remembered of the series; without it every
    /// leaf has to be read, which comes to the same records.
    pub fn new(incoming: &'a IncomingSeries, end: Option<SeriesEnd>, tick: Tick) -> Self {
        Self {
            incoming,
            tick,
            stored_last: end.map(|end| end.last),
            open: end.and_then(|end| end.open),
            from: 0,
            counts: MergeCounts::default(),
            effect: Effect::Kept,
        }
    }

    /// Time of the first record that is not merged yet; `None` when all are.
    ///
    /// The leaf to read for it is the last one whose first time is not after this time, or else the
    /// first of the series, or none where the series has no block. The [open end](Self::open) is one
    /// leaf, every other block is one.
    pub fn next_time(&self) -> Option<Timestamp> {
        (self.from < self.incoming.len()).then(|| self.incoming.time(self.from))
    }

    /// Times of all records that are not merged yet, ascending, in microseconds since the epoch.
    pub fn remaining_micros(&self) -> &[i64] {
        &self.incoming.columns.times[self.from..]
    }

    /// Writes all records behind what is stored, where they belong there and the open end, if there is one, has room for
    /// them; does nothing otherwise.
    pub fn append(&mut self) -> Option<LeafEdit> {
        let first = self.next_time().filter(|_| self.from == 0)?;
        let is_behind = self.stored_last.is_some_and(|last| last < first);
        let open = self.open;
        if !is_behind || open.is_some_and(|open| !open.has_room_for(&self.incoming.columns)) {
            return None;
        }
        let edit = self.apply(None);
        if open.is_some() {
            // All of it fits into the open end, as one block more.
            let written = edit.iter().flat_map(|edit| &edit.written);
            self.open = written.fold(open, OpenEnd::of_blocks);
        }
        edit
    }

    /// Merges the records that belong into `leaf`, and returns what to write in place of it: nothing
    /// where it stays as it is.
    pub fn apply(&mut self, leaf: Option<Leaf>) -> Option<LeafEdit> {
        let times = &self.incoming.columns.times;
        let from = self.from;
        let (blocks, next_first) =
            leaf.map_or_else(Default::default, |leaf| (leaf.blocks, leaf.next_first));
        let stored_last = blocks.last().and_then(|block| block.columns.times.last());
        let appends = next_first.is_none() && stored_last.is_none_or(|&last| last < times[from]);
        // A full block behind which records are appended stays as it is.
        let blocks = if appends && self.are_closed(&blocks) {
            Vec::new()
        } else {
            blocks
        };
        let removed: Vec<BlockMeta> = blocks.iter().filter_map(Block::meta).collect();
        let stored = Block::concat(blocks);
        let to = next_first.map_or(times.len(), |next| {
            // At least one record, also should a store hand out a leaf that ends before it.
            (from + 1).max(from + times[from..].partition_point(|&time| time < next.as_micros()))
        });
        let applied = Application::new(&stored, self.incoming, from..to, self.tick).run();
        self.from = to;
        self.counts.add(applied.counts);
        self.effect = self.effect.max(applied.effect);
        if applied.effect == Effect::Kept {
            return None;
        }
        let fill = if appends { Fill::End } else { Fill::Even };
        let edit = LeafEdit {
            removed,
            written: split(applied.block, fill),
        };
        if next_first.is_none() {
            self.open = edit.written.last().and_then(OpenEnd::of);
        }
        Some(edit)
    }

    /// Whether these blocks, the last of the series, are one that counts as full and is not of the open end.
    fn are_closed(&self, blocks: &[Block]) -> bool {
        let [block] = blocks else { return false };
        let is_open = |first| self.open.is_some_and(|open| open.first <= first);
        block.meta().is_some_and(|meta| !is_open(meta.first)) && OpenEnd::of(block).is_none()
    }

    /// The records that `stored` has one for one, with the same values, where nobody sent a stamp with them:
    /// merging them would change nothing, so the block need not be read. Looks at all records, also those that
    /// are merged: ask for blocks that begin at the time of a record which is still to come.
    pub fn equal_rows(&self, stored: &BlockSummary) -> Option<EqualRows> {
        let times = &self.incoming.columns.times;
        let (first, last) = (stored.meta.first.as_micros(), stored.meta.last.as_micros());
        let from = times.partition_point(|&time| time < first);
        let rows = from..from + stored.meta.count as usize;
        let is_equal = self.incoming.stamps.is_empty()
            && !rows.is_empty()
            && times.get(rows.start) == Some(&first)
            && rows.end.checked_sub(1).and_then(|at| times.get(at)) == Some(&last)
            && self.incoming.columns.digest(rows.clone()) == stored.digest;
        is_equal.then_some(EqualRows(rows))
    }

    /// Counts the next records as the duplicates that they are.
    ///
    /// # Panics
    /// If they are not the next ones: that would leave records out.
    pub fn skip(&mut self, EqualRows(rows): EqualRows) {
        assert_eq!(rows.start, self.from, "only the next records are skipped");
        self.counts.duplicates += rows.len() as u64;
        self.from = rows.end;
    }

    /// The open end as it is by now.
    pub fn open(&self) -> Option<OpenEnd> {
        self.open
    }

    /// What happened to the records that are merged.
    pub fn counts(&self) -> MergeCounts {
        self.counts
    }

    /// The strongest effect so far. `Kept` exactly when nothing has to be written.
    pub fn effect(&self) -> Effect {
        self.effect
    }
}

/// Merges the records of one series into its stored blocks.
///
/// `end` is what is remembered of the series, if anything. `stored_at(merger, time)` reads the leaf that
/// records at `time` belong into: the last block whose first time is not after `time`, or else the first
/// block of the series, or `None` where the series has no block; in place of a block of the
/// [open end](OpenEnd) all of that. Where that block begins at `time`, it may ask
/// [`equal_rows`](SeriesMerger::equal_rows) first, and not read it. It is called for each leaf that gets
/// records, in the order of time, and for no other: the cost is that of what the push overlaps, however long
/// the series is. For records that only append it is mostly not called at all.
///
/// # Errors
/// Those of `stored_at`.
pub fn merge_series<E>(
    incoming: &IncomingSeries,
    end: Option<SeriesEnd>,
    tick: Tick,
    mut stored_at: impl FnMut(&SeriesMerger<'_>, Timestamp) -> Result<Stored, E>,
) -> Result<SeriesMerge, E> {
    let mut merger = SeriesMerger::new(incoming, end, tick);
    let mut edits = Vec::from_iter(merger.append());
    while let Some(time) = merger.next_time() {
        match stored_at(&merger, time)? {
            Stored::Equal(rows) => merger.skip(rows),
            Stored::Leaf(leaf) => edits.extend(merger.apply(leaf)),
        }
    }
    Ok(SeriesMerge {
        edits,
        counts: merger.counts,
        effect: merger.effect,
        open: merger.open,
    })
}

/// The merge of two replicas of a run of records: for each key the record with the greater
/// `(stamp, canonical value)`.
///
/// Commutative, associative and idempotent over times, stamps and values. `changed`, which is a
/// server's own bookkeeping, is that of the record that won.
pub fn join_blocks(left: &Block, right: &Block) -> Block {
    let comparer = RowComparer::new(&left.columns, &right.columns);
    let mut runs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        let order = match (left.columns.times.get(i), right.columns.times.get(j)) {
            (Some(l), Some(r)) => l.cmp(r),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        match order {
            Ordering::Less => push_run(&mut runs, 0, i..i + 1),
            Ordering::Greater => push_run(&mut runs, 1, j..j + 1),
            Ordering::Equal => {
                let winner = left
                    .stamp(i)
                    .cmp(&right.stamp(j))
                    .then_with(|| comparer.order(i, j));
                if winner.is_ge() {
                    push_run(&mut runs, 0, i..i + 1);
                } else {
                    push_run(&mut runs, 1, j..j + 1);
                }
            }
        }
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
    }
    Block::select(&[left, right], &runs)
}

/// The application of some records of a push to one stored block.
struct Application<'a> {
    stored: &'a Block,
    incoming: &'a IncomingSeries,
    tick: Tick,
    comparer: RowComparer<'a>,
    /// Next row of the stored block, next and last incoming row.
    at_stored: usize,
    at_incoming: usize,
    end: usize,
    runs: Vec<Run>,
    changed: Vec<i64>,
    stamps: Vec<i64>,
    counts: MergeCounts,
    effect: Effect,
}

struct Applied {
    block: Block,
    counts: MergeCounts,
    effect: Effect,
}

impl<'a> Application<'a> {
    fn new(
        stored: &'a Block,
        incoming: &'a IncomingSeries,
        rows: Range<usize>,
        tick: Tick,
    ) -> Self {
        let room = stored.len() + rows.len();
        Self {
            comparer: RowComparer::new(&stored.columns, &incoming.columns),
            stored,
            incoming,
            tick,
            at_stored: 0,
            at_incoming: rows.start,
            end: rows.end,
            runs: Vec::new(),
            changed: Vec::with_capacity(room),
            stamps: Vec::with_capacity(room),
            counts: MergeCounts::default(),
            effect: Effect::Kept,
        }
    }

    fn run(mut self) -> Applied {
        let stored = &self.stored.columns.times;
        let incoming = &self.incoming.columns.times[..self.end];
        while self.at_stored < stored.len() && self.at_incoming < incoming.len() {
            let (i, j) = (self.at_stored, self.at_incoming);
            match stored[i].cmp(&incoming[j]) {
                Ordering::Less => {
                    self.keep(i + stored[i..].partition_point(|&time| time < incoming[j]));
                }
                Ordering::Greater => {
                    self.insert(j + incoming[j..].partition_point(|&time| time < stored[i]));
                }
                Ordering::Equal => {
                    let both = stored[i..].iter().zip(&incoming[j..]);
                    self.meet(both.take_while(|(left, right)| left == right).count());
                }
            }
        }
        self.keep(stored.len());
        self.insert(self.end);
        let block = if self.effect == Effect::Kept {
            Block::default()
        } else {
            let mut block = Block {
                columns: Columns::select(
                    &[&self.stored.columns, &self.incoming.columns],
                    &self.runs,
                ),
                changed: self.changed,
                stamps: self.stamps,
            };
            block.drop_implied_stamps();
            let (before, after) = (self.stored.data_bytes(), block.data_bytes());
            self.counts.added_bytes = after as i64 - before as i64;
            block
        };
        Applied {
            block,
            counts: self.counts,
            effect: self.effect,
        }
    }

    /// Keeps the stored rows up to `to` as they are.
    fn keep(&mut self, to: usize) {
        let rows = self.at_stored..to;
        self.changed
            .extend_from_slice(&self.stored.changed[rows.clone()]);
        let stamps = self.stored.effective_stamps();
        self.stamps.extend_from_slice(&stamps[rows.clone()]);
        push_run(&mut self.runs, 0, rows);
        self.at_stored = to;
    }

    /// Takes the incoming rows up to `to`, whose keys are absent.
    fn insert(&mut self, to: usize) {
        let rows = self.at_incoming..to;
        self.at_incoming = to;
        if rows.is_empty() {
            return;
        }
        self.counts.inserted += rows.len() as u64;
        self.effect = Effect::Changed;
        let now = self.tick.at().as_micros();
        self.changed.resize(self.changed.len() + rows.len(), now);
        if self.incoming.stamps.is_empty() {
            self.stamps.resize(self.stamps.len() + rows.len(), now);
        } else {
            for row in rows.clone() {
                self.stamps.push(self.stamp(row).at().as_micros());
            }
        }
        push_run(&mut self.runs, 1, rows);
    }

    /// Merges `count` incoming rows with stored rows of the same keys.
    fn meet(&mut self, count: usize) {
        let (stored, incoming) = (
            self.at_stored..self.at_stored + count,
            self.at_incoming..self.at_incoming + count,
        );
        // A plain retry: no stamps, all values equal, nothing to write.
        if self.incoming.stamps.is_empty()
            && self.comparer.all_equal(stored.clone(), incoming.clone())
        {
            self.counts.duplicates += count as u64;
            self.at_incoming = incoming.end;
            self.keep(stored.end);
            return;
        }
        for (i, j) in stored.zip(incoming) {
            self.meet_one(i, j);
        }
    }

    fn meet_one(&mut self, i: usize, j: usize) {
        let (old, new) = (self.stored.stamp(i), self.stamp(j));
        self.at_incoming = j + 1;
        if self.comparer.equal(i, j) {
            self.counts.duplicates += 1;
            self.keep(i + 1);
            if let Stamp::Client(at) = new
                && at > old
                && let Some(stamp) = self.stamps.last_mut()
            {
                *stamp = at.as_micros();
                self.effect = self.effect.max(Effect::Raised);
            }
        } else if old
            .cmp(&new.at())
            .then_with(|| self.comparer.order(i, j))
            .is_lt()
        {
            self.counts.updated += 1;
            self.effect = Effect::Changed;
            self.changed.push(self.tick.at().as_micros());
            self.stamps.push(new.at().as_micros());
            push_run(&mut self.runs, 1, j..j + 1);
            self.at_stored = i + 1;
        } else {
            self.counts.duplicates += 1;
            self.keep(i + 1);
        }
    }

    fn stamp(&self, row: usize) -> Stamp {
        Stamp::new(self.incoming.updated_at(row), self.tick)
    }
}
