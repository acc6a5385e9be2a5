//! The columnar form, turned into the documented one.

use serde_json::{Map, Value, json};

/// Its media type.
pub const MEDIA_TYPE: &str = "application/vnd.koodtx.columns+json";

/// The records of groups, one by one, in the order of time and sensor.
pub fn records(groups: &Value) -> Value {
    let mut records: Vec<Value> = groups
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| {
            let times = times(&group["timestamp"]);
            let mut rows = vec![Map::new(); times.len()];
            for (name, list) in group["data"].as_object().unwrap() {
                let present = match list["rows"].as_array() {
                    None => (0..times.len()).collect(),
                    Some(rows) => rows
                        .iter()
                        .map(|row| row.as_u64().unwrap() as usize)
                        .collect(),
                };
                let present: Vec<usize> = present;
                let values = list.as_array().or(list["values"].as_array()).unwrap();
                assert_eq!(values.len(), present.len());
                for (row, value) in present.iter().zip(values) {
                    rows[*row].insert(name.clone(), value.clone());
                }
            }
            let sensor = group["sensor_type"].clone();
            times.into_iter().zip(rows).map(move |(time, data)| {
                json!({ "sensor_type": sensor, "timestamp": time, "data": data })
            })
        })
        .collect();
    records.sort_by(|left, right| {
        let key = |record: &Value| {
            let time = record["timestamp"].as_f64().unwrap();
            (time, record["sensor_type"].as_str().unwrap().to_owned())
        };
        key(left).partial_cmp(&key(right)).unwrap()
    });
    records.into()
}

fn times(timestamp: &Value) -> Vec<Value> {
    if let Some(times) = timestamp.as_array() {
        return times.clone();
    }
    let mut time = timestamp["first"].as_i64().unwrap();
    let mut times = vec![json!(time)];
    for step in timestamp["steps"].as_array().unwrap() {
        time += step.as_i64().unwrap();
        times.push(json!(time));
    }
    times
}
