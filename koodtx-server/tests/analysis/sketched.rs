//! Sessions with more values than are kept for exact percentiles.

use koodtx_server::analysis::limits::EXACT_VALUES_MAX_COUNT;
use serde_json::json;

use super::support::{of, store_of};

#[tokio::test]
async fn long_series_are_estimated_and_their_gaps_counted_in_a_second_reading() {
    let count = EXACT_VALUES_MAX_COUNT + 4_000;
    // A pause of 51 ms every 1,000 samples; the others are 10 ms apart.
    let time = |n: usize| (n * 10 + n / 1_000 * 41) as f64;
    let records: Vec<_> = (0..count)
        .map(|n| {
            (
                "s",
                time(n),
                json!({"v": 1e9 + ((n * 7_919) % count) as f64 * 1e-6}),
            )
        })
        .collect();
    let analysis = store_of(&records).await.analyse().await;
    let sensor = of(&analysis, "s");
    assert_eq!(sensor.count, count as u64);
    assert_eq!(sensor.gaps, ((count - 1) / 1_000) as u64);

    let statistics = sensor.statistics["v"];
    let spread = count as f64 * 1e-6;
    for (level, estimate) in [
        (0.05, statistics.p5),
        (0.5, statistics.p50),
        (0.95, statistics.p95),
    ] {
        let share = (estimate.unwrap() - 1e9) / spread;
        assert!((share - level).abs() < 0.005, "{level}: {share}");
    }
}
