//! The order of records across the series of a chunk.

use super::{RecordChunk, RecordPosition};
use crate::block::Block;

/// Stands for the time of a series that has no row left; no record is that late.
const NO_TIME: i64 = i64::MAX;

/// Visits the rows of several blocks in the order `(timestamp, sensor_type)`.
///
/// A tournament: of the next rows of all series, the earliest wins. When it was visited, only those that it
/// met on its way are compared again.
#[derive(Debug)]
pub struct MergedRows<'a> {
    times: Vec<&'a [i64]>,
    /// The next row of each series, and its time.
    rows: Vec<usize>,
    heads: Vec<i64>,
    /// A complete binary tree: the root at 1, the children of `node` at `2 * node` and the place behind it, the
    /// series as the leaves. Each node has the series that won below it.
    winners: Vec<usize>,
}

impl<'a> MergedRows<'a> {
    /// Begins at row `starts[series]` of each series.
    pub fn new(blocks: impl Iterator<Item = &'a Block>, starts: &[usize]) -> Self {
        let times: Vec<&[i64]> = blocks.map(|block| block.columns().times_micros()).collect();
        let leaves = times.len().next_power_of_two();
        let mut heads = vec![NO_TIME; leaves];
        for (head, (times, &row)) in heads.iter_mut().zip(times.iter().zip(starts)) {
            *head = times.get(row).copied().unwrap_or(NO_TIME);
        }
        let mut merged = Self {
            times,
            rows: starts.to_vec(),
            heads,
            winners: (0..leaves).chain(0..leaves).collect(),
        };
        for node in (1..leaves).rev() {
            merged.play(node);
        }
        merged
    }

    /// Finds who wins at a node. Of equal times the first series wins, which is on the left.
    #[inline]
    fn play(&mut self, node: usize) {
        let (left, right) = (self.winners[2 * node], self.winners[2 * node + 1]);
        let right_wins = self.heads[right] < self.heads[left];
        self.winners[node] = if right_wins { right } else { left };
    }
}

impl Iterator for MergedRows<'_> {
    /// A series and one of its rows.
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        let series = self.winners[1];
        let times = self.times.get(series)?;
        let row = self.rows[series];
        if row >= times.len() {
            return None;
        }
        self.rows[series] = row + 1;
        self.heads[series] = times.get(row + 1).copied().unwrap_or(NO_TIME);
        let mut node = self.heads.len() + series;
        while node > 1 {
            node /= 2;
            self.play(node);
        }
        Some((series, row))
    }
}

impl RecordChunk {
    /// Keeps the first `limit` records; `next` then points behind the last of them.
    pub fn truncate(&mut self, limit: usize) {
        if self.len() <= limit {
            return;
        }
        let mut kept = vec![0; self.series.len()];
        let mut last = None;
        let starts = kept.clone();
        let blocks = self.series.iter().map(|(_, block)| block);
        for (series, row) in MergedRows::new(blocks, &starts).take(limit) {
            kept[series] = row + 1;
            last = Some((series, row));
        }
        self.next = last.map(|(series, row)| RecordPosition {
            timestamp: self.series[series].1.time(row),
            sensor_type: self.series[series].0.clone(),
        });
        for ((_, block), kept) in self.series.iter_mut().zip(kept) {
            *block = block.slice(0..kept);
        }
        self.series.retain(|(_, block)| !block.is_empty());
        let cut = self.next.as_ref().map(|next| next.timestamp);
        self.damaged.retain(|damage| Some(damage.from) <= cut);
    }
}
