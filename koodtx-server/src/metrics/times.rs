//! A histogram of times.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds of the buckets, in microseconds: from what answers at once to what a client gives up
/// on.
const SHORT_MICROS: &[u64] = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000,
];
/// The same for background work, which takes up to minutes.
const LONG_MICROS: &[u64] = &[
    10_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    15_000_000,
    60_000_000,
    150_000_000,
    300_000_000,
    600_000_000,
];

/// Times, counted by how long they are. Clones are the same histogram.
///
/// The library's own histogram takes a lock for each observation; this one adds to two numbers.
#[derive(Clone)]
pub(crate) struct Times(Arc<Inner>);

struct Inner {
    bounds_micros: &'static [u64],
    /// One more than there are bounds: the last one has none.
    counts: Box<[AtomicU64]>,
    sum_micros: AtomicU64,
}

impl fmt::Debug for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Times")
    }
}

impl Times {
    /// For requests and for operations of the store.
    pub(super) fn short() -> Self {
        Self::within(SHORT_MICROS)
    }

    /// For background work.
    pub(super) fn long() -> Self {
        Self::within(LONG_MICROS)
    }

    fn within(bounds_micros: &'static [u64]) -> Self {
        Self(Arc::new(Inner {
            bounds_micros,
            counts: (0..=bounds_micros.len())
                .map(|_| AtomicU64::new(0))
                .collect(),
            sum_micros: AtomicU64::new(0),
        }))
    }

    /// Counts a time.
    pub(super) fn observe(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let inner = &self.0;
        let bucket = inner.bounds_micros.partition_point(|bound| *bound < micros);
        inner.counts[bucket].fetch_add(1, Ordering::Relaxed);
        inner.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

impl TypedMetric for Times {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Times {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), fmt::Error> {
        let inner = &self.0;
        let bounds = inner.bounds_micros.iter().map(|micros| seconds(*micros));
        // Times that are counted meanwhile are in this scrape or in the next; the total is added up
        // here, so that it is that of the buckets.
        let counts = inner
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        let total = buckets.iter().map(|(_, count)| count).sum();
        let sum = seconds(inner.sum_micros.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum, total, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_text;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn a_time_is_counted_in_the_first_bucket_that_holds_it() {
        let times = Times::short();
        for micros in [0, 1_000, 1_001, 40_000_000] {
            times.observe(Duration::from_micros(micros));
        }
        let mut registry = Registry::default();
        registry.register("t", "Times", times);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).unwrap();
        for line in [
            "t_bucket{le=\"0.001\"} 2",
            "t_bucket{le=\"0.0025\"} 3",
            "t_bucket{le=\"30\"} 3",
            "t_bucket{le=\"+Inf\"} 4",
            "t_count 4",
            "t_sum 40.002001",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
