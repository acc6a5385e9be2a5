//! The streaming analysis equals the naive one, however the records came and are read.

use std::collections::BTreeMap;

use koodtx_core::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::naive::{self, Records};
use super::support::{SESSION, TestStore, assert_alike};

/// Largest relative distance to the naive results. Sums of numbers that cancel lose digits naively.
const TOLERANCE: f64 = 1e-9;

/// Numbers whose sums hardly round: multiples of 2^-6 of one sign.
fn number() -> impl Strategy<Value = Value> {
    (64_i32..64_000).prop_map(|n| json!(f64::from(n) / 64.0))
}

fn value() -> impl Strategy<Value = Value> {
    let other = select(vec![
        json!("text"),
        json!(null),
        json!(true),
        json!([1, 2]),
        json!({"x": 1}),
    ]);
    prop_oneof![9 => number(), 1 => other]
}

/// Three axes, loose fields, or nothing.
fn data() -> impl Strategy<Value = Value> {
    let name = select(vec!["x", "y", "z", "a", "b", "magnitude", "ü"]);
    let loose = prop::collection::btree_map(name, value(), 0..5);
    prop_oneof![
        3 => (number(), number(), number()).prop_map(|(x, y, z)| json!({"x": x, "y": y, "z": z})),
        2 => loose.prop_map(|fields| json!(fields)),
    ]
}

type Row = (&'static str, i64, Value);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let sensor = select(vec!["accelerometer", "light", "zeta"]);
    let micros = prop_oneof![0..1_000_000_000_i64, (0..200_i64).prop_map(|n| n * 10_000)];
    prop::collection::vec((sensor, micros, data()), 1..120)
}

async fn stored(rows: &[Row], push: usize, read: usize) -> TestStore {
    let store = TestStore::with_limit(read);
    for (number, rows) in (0..).zip(rows.chunks(push)) {
        let records: Vec<Value> = rows
            .iter()
            .map(|(sensor, micros, data)| {
                let millis = *micros as f64 / 1000.0;
                json!({"sensor_type": sensor, "timestamp": millis, "data": data})
            })
            .collect();
        let body = json!({
            "session": {"session_id": SESSION, "start_time": "1970-01-01T00:00:00Z"},
            "sensor_data": records,
        });
        // Later pushes win, as later rows do.
        let now = Timestamp::from_millis(1_800_000_000_000 + number);
        store.push_body(body.to_string().as_bytes(), now).await;
    }
    store
}

fn by_sensor(rows: &[Row]) -> BTreeMap<&'static str, Records> {
    let mut sensors: BTreeMap<_, Records> = BTreeMap::new();
    for (sensor, micros, data) in rows {
        let records = sensors.entry(*sensor).or_default();
        records.insert(*micros, data.clone());
    }
    sensors
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn analysis(rows in rows(), push in 1..50_usize, read in 1..50_usize) {
        let analysis = block_on(async { stored(&rows, push, read).await.analyse().await });
        let sensors = by_sensor(&rows);
        let total: usize = sensors.values().map(BTreeMap::len).sum();
        prop_assert_eq!(analysis.total_records, total as u64);
        let expected: BTreeMap<_, _> = sensors
            .iter()
            .map(|(sensor, records)| (sensor, naive::analysis(records)))
            .collect();
        let actual = serde_json::to_value(&analysis.analysis).unwrap();
        // A standard deviation of 0 is exact here, and what naive rounding leaves there.
        assert_alike(&clean(actual), &clean(json!(expected)), TOLERANCE, "");
    }

    #[test]
    fn results_do_not_depend_on_how_records_are_cut(
        rows in rows(), push in 1..50_usize, read in 1..50_usize,
    ) {
        let (one, other) = block_on(async {
            let one = stored(&rows, rows.len(), usize::MAX).await;
            let other = stored(&rows, push, read).await;
            (
                (one.analyse().await.analysis, one.anomalies(2.0).await),
                (other.analyse().await.analysis, other.anomalies(2.0).await),
            )
        });
        prop_assert_eq!(one, other);
    }

    #[test]
    fn anomalies(rows in rows(), sensitivity in 0.5..3.0_f64, read in 1..50_usize) {
        let found = block_on(async {
            stored(&rows, 50, read).await.anomalies(sensitivity).await
        });
        let expected: BTreeMap<_, _> = by_sensor(&rows)
            .into_iter()
            .filter_map(|(sensor, records)| Some((sensor, naive::anomalies(&records, sensitivity)?)))
            .collect();
        prop_assert_eq!(found.anomalies.len(), expected.len());
        for (sensor, times) in expected {
            let found = &found.anomalies[sensor];
            prop_assert_eq!(found.count, times.len() as u64);
            let named: Vec<i64> = found.timestamps.iter().map(|time| time.as_micros()).collect();
            prop_assert_eq!(&named[..], &times[..times.len().min(10)]);
            prop_assert_eq!(found.more_timestamps, times.len().saturating_sub(10) as u64);
        }
    }
}

/// Takes what the naive way rounds to almost nothing as nothing.
fn clean(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => members.values_mut().for_each(|v| *v = clean(v.take())),
        Value::Number(number) if number.as_f64().is_some_and(|x| x.abs() < 1e-9) => {
            value = json!(0);
        }
        _ => {}
    }
    value
}
