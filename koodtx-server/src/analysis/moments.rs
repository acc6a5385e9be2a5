//! Mean and standard deviation of a stream of numbers.

/// Count, mean, standard deviation, least and greatest of the values seen.
///
/// Welford's recurrence on the distance to the first value. The distance of close values is exact,
/// so a small spread on a large offset keeps all its digits, and a constant signal has a standard
/// deviation of exactly 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Moments {
    count: u64,
    /// The first value.
    origin: f64,
    /// Mean distance to `origin`.
    mean: f64,
    /// Sum of the squared distances to the mean.
    squares: f64,
    min: f64,
    max: f64,
}

/// A standard deviation up to this share of the largest value is what rounding makes of a constant
/// signal, like the length of a vector that only turns.
const ROUNDING_NOISE: f64 = 4.0 * f64::EPSILON;

impl Moments {
    /// Takes in a finite value.
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        if self.count == 0 {
            (self.origin, self.min, self.max) = (value, value, value);
        }
        self.count += 1;
        let shifted = value - self.origin;
        let delta = shifted - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (shifted - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Values seen.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The least value.
    pub(super) fn min(&self) -> Option<f64> {
        self.known(self.min)
    }

    /// The greatest value.
    pub(super) fn max(&self) -> Option<f64> {
        self.known(self.max)
    }

    /// The distance between the least and the greatest value.
    pub(super) fn peak_to_peak(&self) -> Option<f64> {
        self.known(self.max - self.min)
    }

    /// The arithmetic mean.
    pub(super) fn mean(&self) -> Option<f64> {
        self.known(self.origin + self.mean)
    }

    /// The population standard deviation.
    pub(super) fn std(&self) -> Option<f64> {
        self.known((self.squares / self.count as f64).sqrt())
    }

    /// The scale of z-scores; `None` where the signal is constant but for rounding.
    pub(super) fn scale(&self) -> Option<Scale> {
        let std = self.std()?;
        let largest = self.min.abs().max(self.max.abs());
        (std > largest * ROUNDING_NOISE).then_some(Scale {
            origin: self.origin,
            mean: self.mean,
            std,
        })
    }

    fn known(&self, value: f64) -> Option<f64> {
        (self.count > 0 && value.is_finite()).then_some(value)
    }
}

/// What is normal: measures values in standard deviations from the mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    origin: f64,
    mean: f64,
    std: f64,
}

impl Scale {
    /// How many standard deviations `value` lies above the mean. Not finite where that is beyond the
    /// range of a double.
    #[inline]
    pub(super) fn z_score(self, value: f64) -> f64 {
        ((value - self.origin) - self.mean) / self.std
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Moments {
        let mut moments = Moments::default();
        values.into_iter().for_each(|value| moments.add(value));
        moments
    }

    #[test]
    fn a_small_spread_on_a_large_offset_keeps_its_digits() {
        // The distances are multiples of 2^-10, which doubles near 1e9 hold exactly.
        let step = 1.0 / 1024.0;
        let moments = of((0..100_001).map(|i| 1e9 + f64::from(i % 3 - 1) * step));
        let std = moments.std().unwrap();
        let expected = step * (66_667.0_f64 / 100_001.0 - (1.0_f64 / 100_001.0).powi(2)).sqrt();
        assert!(
            ((std - expected) / expected).abs() < 1e-9,
            "{std} {expected}"
        );
        assert!((moments.mean().unwrap() - 1e9).abs() < 1e-6);
    }

    #[test]
    fn a_constant_signal_does_not_scatter() {
        let moments = of([0.1; 1_000]);
        assert_eq!(moments.std(), Some(0.0));
        assert_eq!(moments.mean(), Some(0.1));
        assert!(moments.scale().is_none());
    }

    #[test]
    fn rounding_noise_is_no_signal() {
        let next = f64::from_bits(9.81_f64.to_bits() + 1);
        let mut values = vec![9.81; 1_000];
        values[500] = next;
        assert!(of(values).scale().is_none());
    }

    #[test]
    fn what_no_double_holds_is_unknown() {
        let moments = of([f64::MAX, f64::MIN]);
        assert_eq!((moments.std(), moments.peak_to_peak()), (None, None));
        assert!(moments.scale().is_none());
        assert_eq!(Moments::default().mean(), None);
    }
}
