//! When the records of a sensor were taken, and the intervals between them.

use super::distribution::Distribution;
use super::limits::GAP_MEDIANS_COUNT;
use super::quantiles::ExactBudget;

/// The times of a sensor's records, in order.
#[derive(Debug, Default)]
pub(super) struct Times {
    count: u64,
    ends: Option<(i64, i64)>,
    /// In microseconds.
    intervals: Distribution,
}

/// What there is to say of the times of a sensor that has records.
#[derive(Debug)]
pub(super) struct Timing {
    pub(super) count: u64,
    /// Time of the first record, in microseconds.
    pub(super) first_micros: i64,
    /// Time of the last record, in microseconds.
    pub(super) last_micros: i64,
    /// Population standard deviation of the intervals, in microseconds.
    pub(super) jitter_micros: Option<f64>,
    pub(super) gaps: Gaps,
}

/// The gaps among the intervals.
#[derive(Debug)]
pub(super) enum Gaps {
    /// So many.
    Counted(u64),
    /// To be counted in a second reading, since too many intervals were seen to keep.
    Uncounted(GapCounter),
}

impl Times {
    /// Takes in the times of a block, in microseconds.
    pub(super) fn add(&mut self, times: &[i64], budget: &mut ExactBudget) {
        for &time in times {
            let (first, last) = self.ends.unwrap_or((time, time));
            if self.count > 0 {
                self.intervals.add((time - last) as f64, budget);
            }
            self.ends = Some((first, time));
            self.count += 1;
        }
    }

    /// The timing; `None` without records.
    pub(super) fn finish(self) -> Option<Timing> {
        let (first_micros, last_micros) = self.ends?;
        let Distribution { moments, quantiles } = self.intervals;
        let intervals = quantiles.settle();
        let gaps = intervals.at(0.5).map_or(Gaps::Counted(0), |median| {
            let longest = median * GAP_MEDIANS_COUNT;
            intervals
                .count_above(longest)
                .map_or_else(|| Gaps::Uncounted(GapCounter::new(longest)), Gaps::Counted)
        });
        Some(Timing {
            count: self.count,
            first_micros,
            last_micros,
            jitter_micros: moments.std(),
            gaps,
        })
    }
}

/// Counts the intervals above a limit.
#[derive(Debug)]
pub(super) struct GapCounter {
    /// In microseconds.
    longest: f64,
    last: Option<i64>,
    gaps: u64,
}

impl GapCounter {
    fn new(longest: f64) -> Self {
        Self {
            longest,
            last: None,
            gaps: 0,
        }
    }

    /// Takes in the times of a block, in microseconds.
    pub(super) fn add(&mut self, times: &[i64]) {
        for &time in times {
            let interval = self.last.map_or(0, |last| time - last);
            self.gaps += u64::from(interval as f64 > self.longest);
            self.last = Some(time);
        }
    }

    /// How many there are.
    pub(super) fn gaps(&self) -> u64 {
        self.gaps
    }
}
