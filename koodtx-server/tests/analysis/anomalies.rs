//! Anomalies of made-up signals.

use serde_json::json;

use super::support::{SESSION, store_of};

#[tokio::test]
async fn spikes_are_found_with_their_times_in_order() {
    // 1,000 samples of ±1 with twelve spikes.
    let value = |n: i32| match n % 80 {
        7 if n < 960 => 100.0,
        _ => f64::from(n % 2 * 2 - 1),
    };
    let records: Vec<_> = (0..1_000)
        .map(|n| {
            (
                "light",
                f64::from(n) + 0.5,
                json!({"dull": 1, "lux": value(n)}),
            )
        })
        .collect();
    let found = store_of(&records).await.anomalies(3.0).await;
    let light = &found.anomalies["light"];
    assert_eq!((light.count, light.more_timestamps), (12, 2));
    assert_eq!((light.percentage, light.field.as_str()), (1.2, "lux"));
    let times: Vec<i64> = light
        .timestamps
        .iter()
        .map(|time| time.as_micros())
        .collect();
    let expected: Vec<i64> = (0..10).map(|n| (n * 80 + 7) * 1_000 + 500).collect();
    assert_eq!(times, expected);
    assert_eq!(found.total_anomalies, 12);
}

#[tokio::test]
async fn of_three_axes_only_the_magnitude_counts() {
    // x jumps while the length stays the same.
    let data = |n: i32| match n {
        50 => json!({"x": 0, "y": 1, "z": 0}),
        _ => json!({"x": 1, "y": 0, "z": 0}),
    };
    let records: Vec<_> = (0..100).map(|n| ("a", f64::from(n), data(n))).collect();
    let found = store_of(&records).await.anomalies(3.0).await;
    let expected = json!({
        "session_id": SESSION, "sensitivity": 3.0, "total_anomalies": 0,
        "anomalies": {"a": {
            "count": 0, "percentage": 0.0, "mean": 1.0, "std": 0.0, "max_z_score": null,
            "field": "magnitude", "timestamps": [], "more_timestamps": 0,
        }},
    });
    assert_eq!(serde_json::to_value(&found).unwrap(), expected);
}

#[tokio::test]
async fn a_vector_that_only_turns_has_no_anomalies() {
    let records: Vec<_> = (0..1_000)
        .map(|n| {
            let (sin, cos) = (f64::from(n) * 0.1).sin_cos();
            (
                "a",
                f64::from(n),
                json!({"x": 9.81 * sin, "y": 9.81 * cos, "z": 0}),
            )
        })
        .collect();
    let found = store_of(&records).await.anomalies(0.5).await;
    assert_eq!(found.total_anomalies, 0);
}
