//! What parsing a push takes with the usual tools, to compare with.

use serde::Deserialize;

/// A push as a service would declare it that knows its sensors beforehand.
///
/// The fastest that a derived deserialiser reaches: texts are borrowed, and no map is built. It
/// refuses the whole push for one faulty record, knows no other fields, and ignores repeated keys.
#[derive(Debug, Deserialize)]
pub struct TypedPush<'a> {
    /// Metadata of the session.
    #[serde(borrow)]
    pub session: TypedSession<'a>,
    /// The records.
    pub sensor_data: Vec<TypedRecord<'a>>,
}

/// Metadata of the session.
#[derive(Debug, Deserialize)]
pub struct TypedSession<'a> {
    /// The session.
    pub session_id: &'a str,
    /// When the recording began.
    pub start_time: &'a str,
}

/// One record.
#[derive(Debug, Deserialize)]
pub struct TypedRecord<'a> {
    /// The sensor.
    pub sensor_type: &'a str,
    /// When the sample was taken, in milliseconds since the epoch.
    pub timestamp: f64,
    /// What was read.
    #[serde(borrow)]
    pub data: TypedData<'a>,
}

/// The fields of all sensors.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the sensors")]
pub struct TypedData<'a> {
    pub x: Option<f64>,
    pub y: Option<f64>,
    pub z: Option<f64>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub altitude: Option<f64>,
    pub accuracy: Option<f64>,
    pub speed: Option<f64>,
    pub provider: Option<&'a str>,
}

/// Parses a push into structs that fit its sensors.
///
/// # Errors
/// Those of `serde_json`.
pub fn parse_typed(body: &[u8]) -> serde_json::Result<TypedPush<'_>> {
    serde_json::from_slice(body)
}

/// Parses a push into a document tree.
///
/// # Errors
/// Those of `serde_json`.
pub fn parse_tree(body: &[u8]) -> serde_json::Result<serde_json::Value> {
    serde_json::from_slice(body)
}

#[cfg(test)]
mod tests {
    use koodtx_core::push::PushBatch;

    use super::*;
    use crate::workload::{Body, Digits, Recording, SEED, session_id};

    #[test]
    fn all_parsers_read_the_same() {
        const COUNT: usize = 602;
        let body = Body::new(
            session_id(1),
            &Recording::new(SEED, Digits::Single).samples(COUNT),
        );
        let batch = PushBatch::parse(body.text()).unwrap();
        let typed = parse_typed(body.text()).unwrap();
        let tree = parse_tree(body.text()).unwrap();
        assert_eq!(typed.sensor_data.len(), COUNT);
        assert_eq!(tree["sensor_data"].as_array().unwrap().len(), COUNT);
        for series in &batch.series {
            let records: Vec<_> = typed
                .sensor_data
                .iter()
                .filter(|record| record.sensor_type == series.sensor_type.as_str())
                .collect();
            assert_eq!(records.len(), series.records.len());
            for column in series.records.columns().numbers() {
                let field = |data: &TypedData<'_>| match column.name() {
                    "x" => data.x,
                    "y" => data.y,
                    "z" => data.z,
                    "latitude" => data.latitude,
                    "longitude" => data.longitude,
                    "altitude" => data.altitude,
                    "accuracy" => data.accuracy,
                    "speed" => data.speed,
                    _ => None,
                };
                let values: Vec<f64> = records
                    .iter()
                    .filter_map(|record| field(&record.data))
                    .collect();
                assert_eq!(&values, column.values(), "{}", column.name());
            }
        }
    }
}
