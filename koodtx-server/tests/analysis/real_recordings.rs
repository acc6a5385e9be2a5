//! Real recordings come out as numpy has them.

use koodtx_core::id::SessionId;
use koodtx_server::analysis::{SessionAnalysis, analyse, anomalies};
use serde_json::{Value, json};

use super::support::{EXPECTED, NOW, RECORDINGS, TestStore, USER, assert_alike};

/// Largest relative distance to numpy.
const TOLERANCE: f64 = 1e-9;

async fn recordings() -> TestStore {
    let store = TestStore::new();
    for path in RECORDINGS {
        for body in std::fs::read_to_string(path).unwrap().lines() {
            store.push_body(body.as_bytes(), NOW).await;
        }
    }
    store
}

fn expected() -> serde_json::Map<String, Value> {
    serde_json::from_str(EXPECTED).unwrap()
}

#[tokio::test]
async fn every_statistic_equals_numpy() {
    let store = recordings().await;
    let expected = expected();
    assert_eq!(expected.len(), 83);
    for (id, expected) in &expected {
        let session: SessionId = id.parse().unwrap();
        let analysis = analyse(&store, USER, session, NOW).await.unwrap().unwrap();
        let clock = analysis.computed_at_clock;
        let expected = json!({
            "session_id": id,
            "total_records": expected["total_records"],
            "sensor_types": expected["sensor_types"],
            "analysis": expected["analysis"],
            "analyzed_at": NOW.to_string(),
            "computed_at_clock": clock.to_string(),
        });
        let actual = serde_json::to_value(&analysis).unwrap();
        assert_alike(&actual, &expected, TOLERANCE, id);
        let again: SessionAnalysis = serde_json::from_value(actual).unwrap();
        assert_eq!(again, analysis);
    }
}

#[tokio::test]
async fn every_anomaly_equals_numpy() {
    let store = recordings().await;
    let mut total = 0;
    for (id, expected) in &expected() {
        let session: SessionId = id.parse().unwrap();
        for expected in expected["anomalies"].as_array().unwrap() {
            let sensitivity = expected["sensitivity"].as_f64().unwrap();
            let found = anomalies(&store, USER, session, sensitivity).await;
            let found = found.unwrap().unwrap();
            let count: u64 = found.anomalies.values().map(|sensor| sensor.count).sum();
            assert_eq!(found.total_anomalies, count);
            total += count;
            let expected = json!({
                "session_id": id,
                "sensitivity": sensitivity,
                "anomalies": expected["anomalies"],
                "total_anomalies": count,
            });
            let actual = serde_json::to_value(&found).unwrap();
            assert_alike(&actual, &expected, TOLERANCE, id);
        }
    }
    assert!(total > 0, "the recordings have anomalies to find");
}
