//! The order of records across the series of a chunk.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::{RecordChunk, RecordPosition};
use crate::block::Block;

/// Visits the rows of several blocks in the order `(timestamp, sensor_type)`.
#[derive(Debug)]
pub struct MergedRows<'a> {
    times: Vec<&'a [i64]>,
    /// The next row of each series that has one left: `(time, series, row)`.
    heads: BinaryHeap<Reverse<(i64, usize, usize)>>,
}

impl<'a> MergedRows<'a> {
    /// Begins at row `starts[series]` of each series.
    pub fn new(blocks: impl Iterator<Item = &'a Block>, starts: &[usize]) -> Self {
        let times: Vec<&[i64]> = blocks.map(|block| block.columns().times_micros()).collect();
        let head = |(series, &row): (usize, &usize)| {
            let time = *times[series].get(row)?;
            Some(Reverse((time, series, row)))
        };
        let heads = starts.iter().enumerate().filter_map(head).collect();
        Self { times, heads }
    }
}

impl Iterator for MergedRows<'_> {
    /// A series and one of its rows.
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        let mut head = self.heads.peek_mut()?;
        let Reverse((_, series, row)) = *head;
        match self.times[series].get(row + 1) {
            Some(&time) => *head = Reverse((time, series, row + 1)),
            None => drop(PeekMut::pop(head)),
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
