//! Percentiles of a stream of numbers in bounded memory.

use tdigest::TDigest;

use super::limits::{
    EXACT_VALUES_MAX_COUNT, SESSION_EXACT_VALUES_MAX_COUNT, SKETCH_CENTROIDS_MAX_COUNT,
};

/// How many more values may be held exactly, over all streams of an analysis.
#[derive(Debug)]
pub(super) struct ExactBudget {
    left: usize,
}

impl Default for ExactBudget {
    fn default() -> Self {
        Self {
            left: SESSION_EXACT_VALUES_MAX_COUNT,
        }
    }
}

/// A stream of numbers, kept for its quantiles.
///
/// All values are kept while there are few. Then a t-digest takes over: its error is one of rank, not
/// of value, so it serves signals that vary little around a large offset, which sketches with a
/// relative error of value do not.
#[derive(Debug)]
pub(super) enum Quantiles {
    /// All values, in the order seen.
    Exact(Vec<f64>),
    /// The distances to `origin`, so that their digits are not lost in averages.
    Sketch { digest: Box<TDigest>, origin: f64 },
}

/// Quantiles at the end of the stream. Values are sorted, the digest has nothing pending.
#[derive(Debug)]
pub(super) struct Settled(Quantiles);

impl Default for Quantiles {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

/// Room for values that a stream asks for first.
const FIRST_VALUES_COUNT: usize = 16;

impl Quantiles {
    /// Takes in a finite value.
    #[inline]
    pub(super) fn add(&mut self, value: f64, budget: &mut ExactBudget) {
        match self {
            Self::Exact(values) => {
                if values.len() < values.capacity() || grow(values, budget) {
                    values.push(value);
                } else {
                    self.sketch(budget);
                    self.add(value, budget);
                }
            }
            Self::Sketch { digest, origin } => push(digest, value - *origin),
        }
    }

    /// Hands the values over to a digest.
    fn sketch(&mut self, budget: &mut ExactBudget) {
        let Self::Exact(values) = self else { return };
        let origin = values.first().copied().unwrap_or_default();
        let mut digest = Box::new(TDigest::new_with_size(SKETCH_CENTROIDS_MAX_COUNT));
        for value in values.iter() {
            push(&mut digest, value - origin);
        }
        budget.left += values.capacity();
        *self = Self::Sketch { digest, origin };
    }

    /// Ends the stream.
    pub(super) fn settle(mut self) -> Settled {
        match &mut self {
            Self::Exact(values) => values.sort_unstable_by(f64::total_cmp),
            Self::Sketch { digest, .. } => digest.flush(),
        }
        Settled(self)
    }
}

/// Makes room for as many values again, within both limits.
#[cold]
fn grow(values: &mut Vec<f64>, budget: &mut ExactBudget) -> bool {
    let room = EXACT_VALUES_MAX_COUNT.saturating_sub(values.len());
    let more = values.len().max(FIRST_VALUES_COUNT).min(room);
    if more == 0 || more > budget.left {
        return false;
    }
    let held = values.capacity();
    values.reserve_exact(more);
    budget.left = budget.left.saturating_sub(values.capacity() - held);
    true
}

/// A digest takes finite values only. A distance that no double holds is left out.
#[inline]
fn push(digest: &mut TDigest, distance: f64) {
    if distance.is_finite() {
        digest.push(distance);
    }
}

impl Settled {
    /// The value at `level` (0 to 1): with numpy's `linear` interpolation where all values are kept,
    /// else an estimate. `None` of an empty stream.
    pub(super) fn at(&self, level: f64) -> Option<f64> {
        match &self.0 {
            Quantiles::Exact(values) => interpolate(values, level),
            Quantiles::Sketch { digest, origin } => Some(digest.estimate_quantile(level)? + origin),
        }
        .filter(|value| value.is_finite())
    }

    /// How many values are greater than `value`; `None` where not all values are kept.
    pub(super) fn count_above(&self, value: f64) -> Option<u64> {
        match &self.0 {
            Quantiles::Exact(values) => {
                Some((values.len() - values.partition_point(|&other| other <= value)) as u64)
            }
            Quantiles::Sketch { .. } => None,
        }
    }
}

/// The quantile as numpy computes it, rounding included.
fn interpolate(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = level * last as f64;
    let below = (place.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let share = place - below as f64;
    let distance = high - low;
    Some(if share < 0.5 {
        low + distance * share
    } else {
        high - distance * (1.0 - share)
    })
}

#[cfg(test)]
mod tests;
