//! From values to places along an axis.

/// Steps between ticks of a linear axis, in units of a power of ten.
const STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];
/// Most steps of a linear axis.
const STEPS_MAX_COUNT: f64 = 6.0;
/// Ticks of a logarithmic axis in each power of ten, where it spans few of them, and where many.
const FINE_TICKS: [f64; 3] = [1.0, 2.0, 5.0];
const COARSE_TICKS: [f64; 1] = [1.0];
/// Powers of ten that fine ticks have room in.
const FINE_MAX_DECADES: f64 = 2.5;

/// A scale with ticks.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    /// The values that are written beside it.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// An axis of powers of ten around positive values.
    pub(super) fn log(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values);
        let (low, high) = (low.max(f64::MIN_POSITIVE), high.max(f64::MIN_POSITIVE));
        let decades = (high / low).log10();
        let in_decade: &[f64] = if decades <= FINE_MAX_DECADES {
            &FINE_TICKS
        } else {
            &COARSE_TICKS
        };
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let all: Vec<f64> = (first..=last)
            .flat_map(|power| in_decade.iter().map(move |step| step * 10_f64.powi(power)))
            .collect();
        // From the last tick below to the first above, so that both ends are labelled.
        let low = all
            .iter()
            .copied()
            .rfind(|&tick| tick <= low * 1.000_1)
            .unwrap_or(low);
        let high = all
            .iter()
            .copied()
            .find(|&tick| tick >= high * 0.999_9)
            .unwrap_or(high);
        let high = if high > low { high } else { low * 10.0 };
        Self {
            low: low.log10(),
            high: high.log10(),
            is_log: true,
            ticks: all
                .into_iter()
                .filter(|&tick| low <= tick && tick <= high)
                .collect(),
        }
    }

    /// An axis of powers of ten from the least of some positive values to the greatest, with a tick at
    /// each.
    pub(super) fn log_at(values: impl Iterator<Item = f64>) -> Self {
        let mut ticks: Vec<f64> = values.collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        match ticks[..] {
            [low, .., high] => Self {
                low: low.log10(),
                high: high.log10(),
                is_log: true,
                ticks,
            },
            _ => Self::log(ticks.into_iter()),
        }
    }

    /// An axis from 0 to above the greatest value.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let (_, high) = range(values);
        let high = if high > 0.0 { high } else { 1.0 };
        let power = 10_f64.powf((high / STEPS_MAX_COUNT).log10().floor());
        let step = STEPS
            .iter()
            .map(|step| step * power)
            .find(|step| high / step <= STEPS_MAX_COUNT)
            .unwrap_or(power * 10.0);
        let count = (high / step).ceil() as u32;
        Self {
            low: 0.0,
            high: f64::from(count) * step,
            is_log: false,
            ticks: (0..=count).map(|tick| f64::from(tick) * step).collect(),
        }
    }

    /// Where a value is, from 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.is_log { value.log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(low, high), value| {
        (value.min(low), value.max(high))
    })
}

/// A value as it stands beside an axis.
pub(super) fn tick_label(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, "M"),
        value if value >= 1e3 => (value / 1e3, "k"),
        value => (value, ""),
    };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_axis_begins_at_0_and_ends_above_the_values() {
        let axis = Axis::linear([120_000.0, 910_000.0].into_iter());
        assert_eq!(
            axis.ticks,
            [0.0, 200_000.0, 400_000.0, 600_000.0, 800_000.0, 1_000_000.0]
        );
        assert_eq!(
            [0.0, 250_000.0, 1_000_000.0].map(|value| axis.place(value)),
            [0.0, 0.25, 1.0]
        );
    }

    #[test]
    fn a_log_axis_has_a_tick_at_both_ends() {
        let axis = Axis::log([10.0, 50_000.0].into_iter());
        assert_eq!(axis.ticks, [10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]);
        assert_eq!(axis.place(1_000.0), 0.5);
        let few = Axis::log([1.0, 64.0].into_iter());
        assert_eq!(few.ticks, [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        let chosen = Axis::log_at([64.0, 1.0, 8.0, 1.0].into_iter());
        assert_eq!(chosen.ticks, [1.0, 8.0, 64.0]);
        assert_eq!(
            [1.0, 8.0, 64.0].map(|value| chosen.place(value)),
            [0.0, 0.5, 1.0]
        );
        let one = Axis::log([100.0].into_iter());
        assert_eq!(one.place(100.0), 0.0);
    }

    #[test]
    fn labels_are_short() {
        let labels = [0.0, 5.0, 250_000.0, 1e6, 2.5e6].map(tick_label);
        assert_eq!(labels, ["0", "5", "250k", "1M", "2.5M"]);
    }
}
