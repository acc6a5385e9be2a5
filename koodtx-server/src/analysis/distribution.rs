//! How the values of one field are distributed.

use super::moments::Moments;
use super::quantiles::{ExactBudget, Quantiles};
use super::report::FieldStatistics;

/// A stream of numbers: moments and quantiles.
#[derive(Debug, Default)]
pub(super) struct Distribution {
    pub(super) moments: Moments,
    pub(super) quantiles: Quantiles,
}

impl Distribution {
    /// Takes in a value, unless it is not finite.
    #[inline]
    pub(super) fn add(&mut self, value: f64, budget: &mut ExactBudget) {
        if value.is_finite() {
            self.moments.add(value);
            self.quantiles.add(value, budget);
        }
    }

    /// The statistics at the end of the stream.
    pub(super) fn finish(self) -> FieldStatistics {
        let Self { moments, quantiles } = self;
        let quantiles = quantiles.settle();
        // Where the range is beyond that of a double, a digest has not seen all values.
        let range = moments.peak_to_peak().and(moments.min().zip(moments.max()));
        let percentile = |level| {
            let (min, max) = range?;
            // An estimate may round to just outside.
            Some(quantiles.at(level)?.max(min).min(max))
        };
        FieldStatistics {
            mean: moments.mean(),
            std: moments.std(),
            min: moments.min(),
            max: moments.max(),
            peak_to_peak: moments.peak_to_peak(),
            p5: percentile(0.05),
            p50: percentile(0.5),
            p95: percentile(0.95),
        }
    }
}
