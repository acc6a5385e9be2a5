//! Tests of the quantiles.

use super::*;

const LEVELS: [f64; 5] = [0.01, 0.05, 0.5, 0.95, 0.99];

fn settled(values: impl IntoIterator<Item = f64>) -> Settled {
    let (mut quantiles, mut budget) = (Quantiles::default(), ExactBudget::default());
    for value in values {
        quantiles.add(value, &mut budget);
    }
    quantiles.settle()
}

/// Uniform in [0, 1), by xorshift: the same on every machine.
fn uniform(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 88_172_645_463_325_252_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    })
    .take(count)
}

/// The distance of an estimate's rank to the one asked for, as a share of all values.
fn rank_error(sorted: &[f64], level: f64, estimate: f64) -> f64 {
    let below = sorted.partition_point(|&value| value < estimate) as f64;
    let up_to = sorted.partition_point(|&value| value <= estimate) as f64;
    let rank = level * sorted.len() as f64;
    (rank - rank.clamp(below, up_to)).abs() / sorted.len() as f64
}

#[test]
fn a_million_values_are_off_by_less_than_half_a_percent_in_rank() {
    const COUNT: usize = 1_000_000;
    const RANK_ERROR_MAX: f64 = 0.005;
    let signals: [(&str, Vec<f64>); 6] = [
        ("uniform", uniform(COUNT).collect()),
        (
            "exponential",
            uniform(COUNT).map(|u| -(1.0 - u).ln()).collect(),
        ),
        ("rising", (0..COUNT).map(|i| i as f64).collect()),
        ("falling", (0..COUNT).rev().map(|i| i as f64).collect()),
        (
            "sine",
            (0..COUNT).map(|i| (i as f64 * 0.01).sin()).collect(),
        ),
        ("offset", uniform(COUNT).map(|u| 1e9 + u * 1e-3).collect()),
    ];
    for (name, mut values) in signals {
        let settled = settled(values.iter().copied());
        assert_eq!(settled.count_above(0.0), None, "{name} is sketched");
        values.sort_unstable_by(f64::total_cmp);
        for level in LEVELS {
            let estimate = settled.at(level).unwrap();
            let error = rank_error(&values, level, estimate);
            assert!(error < RANK_ERROR_MAX, "{name} at {level}: {error}");
        }
    }
}

#[test]
fn few_values_are_exact() {
    let settled = settled([4.0, 1.0, 3.0, 2.0]);
    assert_eq!(settled.at(0.5), Some(2.5));
    assert_eq!(settled.at(0.0), Some(1.0));
    assert_eq!(settled.at(1.0), Some(4.0));
    assert_eq!(settled.count_above(2.0), Some(2));
}

#[test]
fn the_limit_of_exact_values_is_kept_to_the_value() {
    let ascending = |count: usize| (0..count).map(|i| i as f64);
    let at_limit = settled(ascending(EXACT_VALUES_MAX_COUNT));
    assert!(at_limit.count_above(0.0).is_some());
    let beyond = settled(ascending(EXACT_VALUES_MAX_COUNT + 1));
    assert!(beyond.count_above(0.0).is_none());
}

#[test]
fn streams_share_the_budget_and_give_it_back() {
    let mut budget = ExactBudget { left: 100 };
    let (mut one, mut other) = (Quantiles::default(), Quantiles::default());
    for i in 0..64 {
        one.add(f64::from(i), &mut budget);
    }
    assert_eq!(budget.left, 36);
    for i in 0..64 {
        other.add(f64::from(i), &mut budget);
    }
    assert!(matches!(other, Quantiles::Sketch { .. }));
    one.add(64.0, &mut budget);
    assert!(matches!(one, Quantiles::Sketch { .. }));
    assert_eq!(budget.left, 100);
    assert!((one.settle().at(0.5).unwrap() - 32.0).abs() < 1.0);
}

#[test]
fn nothing_has_no_quantile_and_the_widest_values_no_wrong_one() {
    assert_eq!(settled([]).at(0.5), None);
    let wide = (0..100_000).map(|i| if i % 2 == 0 { f64::MAX } else { f64::MIN });
    if let Some(value) = settled(wide).at(0.95) {
        assert!(value.is_finite());
    }
}
