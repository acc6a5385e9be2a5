//! Large pushes, long series, many sensors, large values.

mod common;
#[path = "common/script.rs"]
mod script;

use std::collections::BTreeMap;

use common::open;
use koodtx_core::pull::RecordQuery;
use koodtx_core::store::{MaintenanceStore as _, SyncStore};
use script::{NOW, USER, chunks, push, record, session};

/// Everything stored of the session: by sensor and time in microseconds.
async fn everything(store: &dyn SyncStore, limit: usize) -> BTreeMap<(String, i64), String> {
    let mut all = BTreeMap::new();
    for chunk in chunks(store, limit).await {
        assert_eq!(chunk.damaged, []);
        for (sensor_type, block) in &chunk.series {
            for one in block.records() {
                let key = (sensor_type.as_str().to_owned(), one.timestamp.as_micros());
                assert_eq!(all.insert(key, one.data), None, "a record came twice");
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_series_takes_edits_anywhere() {
    const RECORDS_COUNT: u64 = 300_000;
    const EVERY: usize = 500;
    let (_database, store) = open().await;
    let records: Vec<String> = (0..RECORDS_COUNT)
        .map(|nth| record("a", nth * 10, &format!(r#"{{"x":{nth}}}"#)))
        .collect();
    let outcome = push(&store, &records).await.unwrap();
    assert_eq!(
        (outcome.inserted, outcome.data_count),
        (RECORDS_COUNT, RECORDS_COUNT)
    );
    let again = push(&store, &records).await.unwrap();
    assert_eq!(
        (again.duplicates, again.clock),
        (RECORDS_COUNT, outcome.clock)
    );

    // One record in nearly every block, and one new one beside it.
    let edits: Vec<String> = (0..RECORDS_COUNT)
        .step_by(EVERY)
        .flat_map(|nth| {
            [
                record("a", nth * 10, r#"{"x":"edited"}"#),
                record("a", nth * 10 + 5, r#"{"x":"new"}"#),
            ]
        })
        .collect();
    let edited = push(&store, &edits).await.unwrap();
    let half = edits.len() as u64 / 2;
    assert_eq!((edited.inserted, edited.updated), (half, half));

    let all = everything(&store, 10_000).await;
    assert_eq!(all.len() as u64, RECORDS_COUNT + half);
    let with = |text: &str| all.values().filter(|data| data.contains(text)).count() as u64;
    assert_eq!((with("edited"), with("new")), (half, half));

    // Few blocks changed, then all of them: both ways of finding them give the same.
    for (since, changed) in [
        (outcome.clock, 2 * half),
        (NOW.plus_micros(-1), RECORDS_COUNT + half),
    ] {
        let mut query = RecordQuery {
            user: USER,
            session: session(),
            after: None,
            changed_after: Some(since),
            limit: 4_000,
        };
        let mut count = 0;
        loop {
            let chunk = store.read_records(query.clone()).await.unwrap();
            count += chunk.len() as u64;
            query.after = chunk.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(count, changed);
    }
    let page = store.verify(None, 10).await.unwrap();
    assert_eq!(
        (page.records, page.problems),
        (RECORDS_COUNT + half, Vec::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sensors() {
    const SENSORS_COUNT: u64 = 1_000;
    let (_database, store) = open().await;
    for round in 0..3 {
        let records: Vec<String> = (0..SENSORS_COUNT)
            .flat_map(|sensor| {
                (0..3).map(move |nth| {
                    record(&format!("sensor {sensor}"), round * 2 + nth, r#"{"x":1.5}"#)
                })
            })
            .collect();
        push(&store, &records).await.unwrap();
    }
    for limit in [1, 700, 1_000_000] {
        let all = everything(&store, limit).await;
        assert_eq!(all.len() as u64, SENSORS_COUNT * 7, "limit {limit}");
    }
}

/// What a chunk takes of each series is guessed from the whole session.
#[tokio::test(flavor = "multi_thread")]
async fn sensors_that_record_in_turns() {
    const RECORDS_COUNT: u64 = 20_000;
    let (_database, store) = open().await;
    for (turn, sensor) in ["a", "b", "a", "c"].into_iter().enumerate() {
        let first = turn as u64 * RECORDS_COUNT;
        let records: Vec<String> = (first..first + RECORDS_COUNT)
            .map(|nth| record(sensor, nth, r#"{"x":1.5}"#))
            .collect();
        push(&store, &records).await.unwrap();
    }
    for limit in [1_000, 16_384, 1_000_000] {
        let all = everything(&store, limit).await;
        assert_eq!(all.len() as u64, 4 * RECORDS_COUNT, "limit {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_as_large_as_they_may_be() {
    let (_database, store) = open().await;
    let mut expected = BTreeMap::new();
    let mut records = Vec::new();
    for nth in 0..40_i64 {
        let data = format!(r#"{{"text":"{}"}}"#, "ü".repeat(8_000 + nth as usize));
        records.push(record("large", nth, &data));
        expected.insert(("large".to_owned(), nth * 1_000), data);
    }
    push(&store, &records).await.unwrap();
    assert!(everything(&store, 7).await == expected);
    // And each of them again, between two others.
    let again: Vec<String> = records.iter().rev().cloned().collect();
    let outcome = push(&store, &again).await.unwrap();
    assert_eq!(outcome.duplicates, 40);
}
