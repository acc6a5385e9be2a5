//! The order of records across the series of a chunk.

use super::{RecordChunk, RecordPosition};
use crate::block::Block;

/// Visits the rows of several blocks in the order `(timestamp, sensor_type)`.
///
/// Linear in the number of series for each row: sessions have a handful, and runs of one series
/// are taken in one step.
#[derive(Debug)]
pub(crate) struct MergedRows<'a> {
    times: Vec<&'a [i64]>,
    next: Vec<usize>,
}

impl<'a> MergedRows<'a> {
    pub(crate) fn new(blocks: impl Iterator<Item = &'a Block>) -> Self {
        let times: Vec<&[i64]> = blocks.map(|block| block.columns().times_micros()).collect();
        Self {
            next: vec![0; times.len()],
            times,
        }
    }
}

impl Iterator for MergedRows<'_> {
    /// A series and one of its rows.
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        let mut best: Option<(i64, usize)> = None;
        for (series, (times, &row)) in self.times.iter().zip(&self.next).enumerate() {
            if let Some(&time) = times.get(row)
                && best.is_none_or(|(earliest, _)| time < earliest)
            {
                best = Some((time, series));
            }
        }
        let (_, series) = best?;
        self.next[series] += 1;
        Some((series, self.next[series] - 1))
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
        for (series, row) in MergedRows::new(self.series.iter().map(|(_, block)| block)).take(limit)
        {
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
