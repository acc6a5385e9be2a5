//! What was measured.

use std::collections::BTreeMap;

use super::part::{Part, Store};
use crate::load::Run;

/// What became of a row on one store.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The number.
    Value(f64),
    /// Why there is none.
    NotMeasured(String),
}

/// A number behind the rows, like a rate. What a row has is a ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// In words, with the unit.
    pub what: String,
    /// On which store.
    pub store: Store,
    /// As it is printed.
    pub value: String,
}

/// A line of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// On which store.
    pub store: Store,
    /// Where, and how many samples a second.
    pub points: Vec<(f64, f64)>,
}

/// Everything that was measured.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The rows.
    pub outcomes: BTreeMap<(Part, Store), Outcome>,
    /// What is behind them.
    pub figures: Vec<Figure>,
    /// The plots.
    pub curves: BTreeMap<Part, Vec<Curve>>,
    /// Pushes that were answered with success.
    pub pushes: u64,
    /// Pushes that failed.
    pub failed_pushes: u64,
    /// Pushes that the server counted otherwise than they were meant.
    pub unexpected_counts: u64,
    /// What was said of the first that failed.
    pub first_failure: Option<String>,
}

impl Results {
    /// Whether every push did what it was to do.
    pub fn is_clean(&self) -> bool {
        self.failed_pushes == 0 && self.unexpected_counts == 0
    }

    pub(super) fn set(&mut self, part: Part, store: Store, value: f64) {
        self.outcomes.insert((part, store), Outcome::Value(value));
    }

    pub(super) fn lacks(&mut self, part: Part, store: Store, why: &str) {
        let outcome = Outcome::NotMeasured(why.to_owned());
        self.outcomes.insert((part, store), outcome);
    }

    pub(super) fn figure(&mut self, what: &str, store: Store, value: String) {
        let what = what.to_owned();
        self.figures.push(Figure { what, store, value });
    }

    pub(super) fn curve(&mut self, part: Part, store: Store, points: Vec<(f64, f64)>) {
        let curve = Curve { store, points };
        self.curves.entry(part).or_default().push(curve);
    }

    /// Counts the pushes of a run, and says how fast they were.
    pub(super) fn rate(&mut self, run: &Run) -> f64 {
        let tally = &run.tally;
        self.pushes += tally.latencies.len() as u64;
        self.failed_pushes += tally.failures.values().sum::<u64>();
        self.unexpected_counts += tally.unexpected;
        if self.first_failure.is_none() {
            self.first_failure.clone_from(&tally.first_failure);
        }
        run.samples_per_second()
    }
}

/// The middle of some values; of an even number, the mean of the two in the middle. 0 where there are
/// none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => 0.0,
        Some(&above) if sorted.len() % 2 == 1 => above,
        Some(above) => f64::midpoint(sorted[middle - 1], *above),
    }
}

/// The median of the ratios of values that were measured one after the other.
pub(super) fn median_ratio(values: &[f64], of: &[f64]) -> f64 {
    let ratios: Vec<f64> = values
        .iter()
        .zip(of)
        .map(|(value, other)| value / other)
        .collect();
    median(&ratios)
}

/// Samples a second, or another large number, as people read it.
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median_ratio(&[2.0, 9.0, 4.0], &[1.0, 3.0, 1.0]), 3.0);
    }

    #[test]
    fn large_numbers_are_grouped() {
        let texts = [0.0, 999.4, 1_000.0, 1_234_567.0].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
