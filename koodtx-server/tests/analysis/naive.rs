//! The analysis written down plainly, over records that are all in memory.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The records of one sensor by time in microseconds.
pub type Records = BTreeMap<i64, Value>;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn std(values: &[f64]) -> f64 {
    let center = mean(values);
    let squares: Vec<f64> = values.iter().map(|v| (v - center).powi(2)).collect();
    mean(&squares).sqrt()
}

fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let place = percent / 100.0 * (sorted.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}

fn describe(mut values: Vec<f64>) -> Value {
    let (mean, std) = (mean(&values), std(&values));
    values.sort_by(f64::total_cmp);
    let (min, max) = (values[0], values[values.len() - 1]);
    json!({
        "mean": mean, "std": std, "min": min, "max": max, "peak_to_peak": max - min,
        "p5": percentile(&values, 5.0),
        "p50": percentile(&values, 50.0),
        "p95": percentile(&values, 95.0),
    })
}

/// The numbers of a field, as `(time, number)`.
fn field(records: &Records, name: &str) -> Vec<(i64, f64)> {
    let number = |(time, data): (&i64, &Value)| Some((*time, data.get(name)?.as_f64()?));
    records.iter().filter_map(number).collect()
}

fn magnitude(records: &Records) -> Vec<(i64, f64)> {
    let number = |data: &Value, name: &str| data.get(name)?.as_f64();
    let length = |(time, data): (&i64, &Value)| {
        let (x, y, z) = (number(data, "x")?, number(data, "y")?, number(data, "z")?);
        Some((*time, (x * x + y * y + z * z).sqrt()))
    };
    records.iter().filter_map(length).collect()
}

fn signals(records: &Records) -> BTreeMap<String, Vec<(i64, f64)>> {
    let objects = records.values().filter_map(Value::as_object);
    let names = objects.flat_map(Map::keys);
    let mut signals: BTreeMap<_, _> = names
        .map(|name| (name.clone(), field(records, name)))
        .collect();
    signals.retain(|_, values| !values.is_empty());
    let magnitude = magnitude(records);
    if !magnitude.is_empty() {
        signals.entry("magnitude".to_owned()).or_insert(magnitude);
    }
    signals
}

fn millis(micros: i64) -> Value {
    if micros % 1000 == 0 {
        json!(micros / 1000)
    } else {
        json!(micros as f64 / 1000.0)
    }
}

/// The analysis of a sensor, positions apart.
pub fn analysis(records: &Records) -> Value {
    let times: Vec<i64> = records.keys().copied().collect();
    let mut intervals: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
    let jitter = (!intervals.is_empty()).then(|| std(&intervals) / 1000.0);
    intervals.sort_by(f64::total_cmp);
    let longest = (!intervals.is_empty()).then(|| 5.0 * percentile(&intervals, 50.0));
    let duration = times[times.len() - 1] - times[0];
    let statistics: Map<String, Value> = signals(records)
        .into_iter()
        .map(|(name, values)| (name, describe(values.into_iter().map(|(_, v)| v).collect())))
        .collect();
    json!({
        "count": times.len(),
        "duration_ms": millis(duration),
        "first_timestamp": millis(times[0]),
        "last_timestamp": millis(times[times.len() - 1]),
        "sample_rate_hz": (duration > 0).then(|| (times.len() - 1) as f64 * 1e6 / duration as f64),
        "gaps": intervals.iter().filter(|&&interval| Some(interval) > longest).count(),
        "jitter_ms": jitter,
        "statistics": statistics,
    })
}

/// The times of anomalous records.
pub fn anomalies(records: &Records, sensitivity: f64) -> Option<Vec<i64>> {
    let mut signals = signals(records);
    if !magnitude(records).is_empty() {
        signals.retain(|name, _| name == "magnitude");
    }
    if signals.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for points in signals.values() {
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let (mean, std) = (mean(&values), std(&values));
        if values.iter().all(|&value| value == values[0]) {
            continue;
        }
        let far = points
            .iter()
            .filter(|(_, v)| ((v - mean) / std).abs() > sensitivity);
        found.extend(far.map(|(time, _)| *time));
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}
