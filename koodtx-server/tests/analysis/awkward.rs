//! Signals and records that are easy to get wrong.

use koodtx_core::id::SensorType;
use koodtx_core::pull::Damage;
use koodtx_core::store::{ANALYSIS_MAX_BYTES, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_server::analysis::limits::{
    FIELD_NAME_MAX_BYTES, SENSOR_FIELDS_MAX_COUNT, SESSION_FIELDS_MAX_COUNT,
};
use koodtx_server::analysis::{analyse, anomalies, statistics};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{NOW, SESSION, TestStore, USER, of, session, store_of};

fn series(values: &[f64]) -> Vec<(&'static str, f64, Value)> {
    let record = |(time, value): (u32, &f64)| ("s", f64::from(time), json!({"v": value}));
    (0..).zip(values).map(record).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_small_spread_on_a_large_offset(
        sign in prop::sample::select(vec![-1.0, 1.0]),
        steps in prop::collection::vec(-8_i32..=8, 2..300),
    ) {
        // Steps of 2^-13 s, which a double near 1e9 holds exactly: a spread of about 1e-3.
        let step = 2.0_f64.powi(-13);
        let values: Vec<f64> = steps.iter().map(|&n| sign * 1e9 + f64::from(n) * step).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let analysis = runtime.block_on(async { store_of(&series(&values)).await.analyse().await });
        let statistics = of(&analysis, "s").statistics["v"];
        let count = steps.len() as f64;
        // In whole numbers, so exact.
        let sum: i64 = steps.iter().map(|&n| i64::from(n)).sum();
        let squares: i64 = steps.iter().map(|&n| i64::from(n * n)).sum();
        let variance = (squares * steps.len() as i64 - sum * sum) as f64 / count / count;
        let std = variance.sqrt() * step;
        prop_assert!((statistics.std.unwrap() - std).abs() <= 1e-9 * std);
        let mean = sign * 1e9 + sum as f64 / count * step;
        prop_assert!((statistics.mean.unwrap() - mean).abs() <= 1e-15 * mean.abs());
    }

    #[test]
    fn constant_signals_do_not_scatter(value in any::<f64>().prop_filter("finite", |x| x.is_finite()), count in 1..200_usize) {
        // Whole numbers beyond 2^53 are no numeric column.
        prop_assume!(value.abs() < 9e15);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (analysis, found) = runtime.block_on(async {
            let store = store_of(&series(&vec![value; count])).await;
            (store.analyse().await, store.anomalies(1e-9).await)
        });
        let statistics = of(&analysis, "s").statistics["v"];
        prop_assert_eq!(statistics.std, Some(0.0));
        for number in [statistics.mean, statistics.min, statistics.max, statistics.p5, statistics.p95] {
            prop_assert_eq!(number, Some(value));
        }
        prop_assert_eq!(found.total_anomalies, 0);
        prop_assert_eq!(found.anomalies["s"].max_z_score, None);
    }
}

#[tokio::test]
async fn one_record_has_no_rate_and_no_jitter() {
    let store = store_of(&[("s", 1.5, json!({"v": 2}))]).await;
    let sensor = serde_json::to_value(of(&store.analyse().await, "s")).unwrap();
    let expected = json!({
        "count": 1, "duration_ms": 0, "first_timestamp": 1.5, "last_timestamp": 1.5,
        "sample_rate_hz": null, "gaps": 0, "jitter_ms": null,
        "statistics": {"v": {
            "mean": 2.0, "std": 0.0, "min": 2.0, "max": 2.0, "peak_to_peak": 0.0,
            "p5": 2.0, "p50": 2.0, "p95": 2.0,
        }},
    });
    assert_eq!(sensor, expected);
}

#[tokio::test]
async fn records_without_numbers_count_with_their_times() {
    let store = store_of(&[
        ("s", 0.0, json!({"text": "a"})),
        ("s", 500.0, json!({})),
        (
            "s",
            1000.0,
            json!({"big": 9_007_199_254_740_993_i64, "inner": {"v": 1}}),
        ),
    ])
    .await;
    let analysis = store.analyse().await;
    let sensor = of(&analysis, "s");
    assert_eq!((sensor.count, sensor.sample_rate_hz), (3, Some(2.0)));
    assert!(sensor.statistics.is_empty());
    assert!(store.anomalies(3.0).await.anomalies.is_empty());
}

#[tokio::test]
async fn a_real_field_called_magnitude_wins() {
    let data = json!({"x": 3, "y": 4, "z": 0, "magnitude": 7});
    let store = store_of(&[("s", 0.0, data.clone()), ("s", 1.0, data)]).await;
    let analysis = store.analyse().await;
    assert_eq!(of(&analysis, "s").statistics["magnitude"].mean, Some(7.0));
    assert_eq!(store.anomalies(3.0).await.anomalies["s"].mean, Some(7.0));

    let store = store_of(&[("s", 0.0, json!({"x": 3, "y": 4, "z": 0}))]).await;
    let analysis = store.analyse().await;
    assert_eq!(of(&analysis, "s").statistics["magnitude"].mean, Some(5.0));
}

#[tokio::test]
async fn gaps_are_intervals_longer_than_five_medians() {
    let times = [0.0, 10.0, 20.0, 30.0, 80.0, 90.0, 141.0, 151.0];
    let records: Vec<_> = times
        .iter()
        .map(|&time| ("s", time, json!({"v": 1})))
        .collect();
    let analysis = store_of(&records).await.analyse().await;
    assert_eq!(of(&analysis, "s").gaps, 1);
}

#[tokio::test]
async fn fields_beyond_the_limit_are_counted() {
    let store = TestStore::with_limit(7);
    // One push a record: a push of so many fields would keep some of its records whole.
    let fields = SENSOR_FIELDS_MAX_COUNT + 6;
    for index in 0..fields {
        let data = json!({format!("f{:03}", fields - index): index, "steady": 1});
        store.push_records(&[("s", index as f64, data)]).await;
    }
    let analysis = store.analyse().await;
    let sensor = of(&analysis, "s");
    assert_eq!(sensor.statistics.len(), SENSOR_FIELDS_MAX_COUNT);
    assert_eq!(sensor.fields_omitted, 7);
    assert_eq!(sensor.count, fields as u64);
    // The first to appear stay.
    assert!(sensor.statistics.contains_key("steady"));
    assert!(sensor.statistics.contains_key(&format!("f{fields:03}")));
    assert!(!sensor.statistics.contains_key("f001"));
}

#[tokio::test]
async fn numbers_at_the_end_of_the_range_become_null_and_no_infinity() {
    let wide: Vec<f64> = (0..20_000)
        .map(|i| if i % 2 == 0 { f64::MAX } else { f64::MIN })
        .collect();
    for count in [2, 20_000] {
        let store = store_of(&series(&wide[..count])).await;
        let statistics = of(&store.analyse().await, "s").statistics["v"];
        assert_eq!((statistics.std, statistics.peak_to_peak), (None, None));
        assert_eq!(statistics.max, Some(f64::MAX));
        assert_eq!(store.anomalies(1.0).await.total_anomalies, 0);
    }
    let far = json!({"x": f64::MAX, "y": f64::MAX, "z": f64::MAX});
    let store = store_of(&[("s", 0.0, far.clone()), ("s", 1.0, far)]).await;
    let text = serde_json::to_string(&store.analyse().await).unwrap();
    assert!(!text.contains("magnitude"), "{text}");
}

#[tokio::test]
async fn positions_that_are_none_are_passed_over() {
    let at = |latitude: f64, longitude: f64| json!({"latitude": latitude, "longitude": longitude});
    let store = store_of(&[
        ("gps", 0.0, at(0.0, 0.0)),
        ("gps", 1_000.0, json!({"latitude": 1.0})),
        ("gps", 2_000.0, at(1e300, -1e300)),
        ("gps", 3_600_000.0, at(0.0, 90.0)),
        ("still", 0.0, at(5.0, 6.0)),
    ])
    .await;
    let analysis = store.analyse().await;
    let gps = of(&analysis, "gps");
    let quarter = 6371.0 * std::f64::consts::FRAC_PI_2;
    assert!((gps.distance_km.unwrap() - quarter).abs() < 1e-6);
    assert!((gps.speed.unwrap().mean_kmh - quarter).abs() < 1e-6);
    assert_eq!(gps.bounding_box.unwrap().max_latitude, 0.0);
    let still = of(&analysis, "still");
    assert_eq!((still.distance_km, still.speed), (Some(0.0), None));
}

#[tokio::test]
async fn damage_makes_a_result_incomplete() {
    let mut store = store_of(&[("s", 0.0, json!({"v": 1}))]).await;
    assert!(
        !serde_json::to_string(&store.analyse().await)
            .unwrap()
            .contains("incomplete")
    );
    store.damaged.push(Damage {
        sensor_type: SensorType::new("s").unwrap(),
        from: Timestamp::ZERO,
        until: None,
    });
    assert!(store.analyse().await.incomplete);
    assert!(store.anomalies(3.0).await.incomplete);
}

#[tokio::test]
async fn deleted_and_unknown_sessions_have_no_analysis() {
    let store = TestStore::new();
    assert_eq!(analyse(&store, USER, session(), NOW).await.unwrap(), None);
    store.push_records(&[("s", 0.0, json!({"v": 1}))]).await;
    assert_eq!(store.analyse().await.total_records, 1);
    store.delete_session(USER, session(), NOW).await.unwrap();
    assert_eq!(analyse(&store, USER, session(), NOW).await.unwrap(), None);
    assert_eq!(anomalies(&store, USER, session(), 3.0).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_without_records_is_analysed_too() {
    let store = store_of(&[]).await;
    let analysis = store.analyse().await;
    let clock = store
        .session(USER, session())
        .await
        .unwrap()
        .unwrap()
        .state
        .updated_at;
    let expected = json!({
        "session_id": SESSION, "total_records": 0, "sensor_types": [], "analysis": {},
        "analyzed_at": NOW.to_string(), "computed_at_clock": clock.to_string(),
    });
    assert_eq!(serde_json::to_value(&analysis).unwrap(), expected);
    assert_eq!(store.anomalies(3.0).await.total_anomalies, 0);
}

/// Handlers on a runtime with several threads need futures that may move between them.
#[test]
fn the_futures_are_send() {
    fn assert_send<T: Send>(_: &T) {}
    let store = TestStore::new();
    assert_send(&analyse(&store, USER, session(), NOW));
    assert_send(&anomalies(&store, USER, session(), 3.0));
    assert_send(&statistics(&store, USER, None, None));
}

/// Fields with names that are all escapes, as many as are analysed, of sensors with such names.
#[tokio::test]
async fn the_largest_analysis_fits_what_a_store_takes() {
    const FIELDS_COUNT: usize = SENSOR_FIELDS_MAX_COUNT;
    let sensors = SESSION_FIELDS_MAX_COUNT / FIELDS_COUNT;
    let store = TestStore::new();
    for sensor in 0..sensors {
        let name = format!("{sensor:02}{}", "\"".repeat(48));
        // All of them are too many for one record.
        let half = |from: usize| -> serde_json::Map<_, _> {
            (from..from + FIELDS_COUNT / 2)
                .map(|field| {
                    let key = format!("{field:02}{}", "\u{1}".repeat(FIELD_NAME_MAX_BYTES - 2));
                    (key, json!(-1.234_567_890_123_456_7e-300))
                })
                .collect()
        };
        let halves = [half(0), half(FIELDS_COUNT / 2)];
        let records: Vec<_> = (0..4)
            .map(|time| {
                let fields = json!(halves[time % 2]);
                (name.as_str(), time as f64 + 0.125, fields)
            })
            .collect();
        store.push_records(&records).await;
    }
    let analysis = store.analyse().await;
    let text = serde_json::to_string(&analysis).unwrap();
    assert_eq!(analysis.analysis.len(), sensors);
    let first = analysis.analysis.values().next().unwrap();
    assert_eq!(
        (first.statistics.len(), first.fields_omitted),
        (FIELDS_COUNT, 0)
    );
    assert!(text.len() < ANALYSIS_MAX_BYTES, "{} bytes", text.len());
    // And not by far: the limits are as wide as they may be.
    assert!(text.len() > ANALYSIS_MAX_BYTES / 4, "{} bytes", text.len());
}
