//! Pulls in the columnar form against those in the documented one.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::PullRequest;
use koodtx_core::push::PushBatch;
use koodtx_core::service::{Caller, SyncService};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use uuid::Uuid;

const SESSION: &str =
    r#"{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac","start_time":"2025-11-13T00:00:00Z"}"#;

fn caller() -> Caller {
    Caller {
        user: UserId(1),
        device_id: None,
        sign_in: SignInId(Uuid::from_u128(7)),
        request_id: None,
    }
}

async fn push(service: &SyncService, records: &str) {
    let body = format!(r#"{{"session":{SESSION},"sensor_data":[{records}]}}"#);
    let batch = PushBatch::parse(body.as_bytes()).unwrap();
    assert_eq!(batch.errors, 0, "{:?}", batch.error_details);
    service
        .push(&caller(), Arc::new(batch), 0, service.now())
        .await
        .unwrap();
}

/// The text of an answer, and the size of its largest piece.
async fn pull(service: &SyncService, request: &Value, in_columns: bool) -> (String, usize) {
    let request = PullRequest::from_json(request.to_string().as_bytes()).unwrap();
    let mut stream = service.pull(&caller(), request, 0).await.unwrap();
    if in_columns {
        stream = stream.in_columns();
    }
    let (mut text, mut largest) = (Vec::new(), 0);
    while let Some(piece) = stream.next_chunk().await.unwrap() {
        largest = largest.max(piece.len());
        text.extend(piece);
    }
    (String::from_utf8(text).unwrap(), largest)
}

/// What stands between the brackets of the samples of an answer with one session.
fn samples<'a>(answer: &'a str, member: &str) -> &'a str {
    let from = answer.find(member).unwrap() + member.len() + 3;
    let to = answer.rfind("]}],\"deleted_session_ids\"").unwrap();
    &answer[from..to]
}

/// The answer without its samples.
fn rest(answer: &str, member: &str) -> Value {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    answer.as_object_mut().unwrap().remove("sync_log_id");
    answer["sessions"][0]
        .as_object_mut()
        .unwrap()
        .remove(member)
        .unwrap();
    answer
}

/// Both answers, pushed as they are, come to the same.
fn equal(records: &str, groups: &str) {
    let documented = format!(r#"{{"session":{SESSION},"sensor_data":[{records}]}}"#);
    let columns = format!(r#"{{"session":{SESSION},"columns":[{groups}]}}"#);
    let mut expected = PushBatch::parse(documented.as_bytes()).unwrap();
    let mut batch = PushBatch::parse_columns(columns.as_bytes()).unwrap();
    // Records that are longer stored than they may be sent are refused alike, in another order.
    expected.error_details.clear();
    batch.error_details.clear();
    assert_eq!(batch, expected, "{groups}");
}

fn record() -> impl Strategy<Value = String> {
    (
        select(vec!["accelerometer", "gps", "\u{fc}\\\"s"]),
        prop_oneof![
            4 => (0..60_i64).prop_map(|time| time.to_string()),
            1 => (0..60_i64, 0..1_000_i64).prop_map(|(time, rest)| format!("{time}.{rest:03}")),
        ],
        support::data(),
    )
        .prop_map(|(sensor, time, data)| {
            let sensor = serde_json::to_string(sensor).unwrap();
            format!(r#"{{"sensor_type":{sensor},"timestamp":{time},"data":{data}}}"#)
        })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

proptest! {
    #[test]
    fn both_forms_hold_the_same_records(
        records in proptest::collection::vec(record(), 1..40),
        later in proptest::collection::vec(record(), 1..10),
        max_records in 1..50_u64,
    ) {
        runtime().block_on(async {
            let service = SyncService::new(Arc::new(MemoryStore::new()));
            push(&service, &records.join(",")).await;
            let (first, _) = pull(&service, &json!({}), true).await;
            let first: Value = serde_json::from_str(&first).unwrap();
            push(&service, &later.join(",")).await;
            let since = &first["server_timestamp"];
            for request in [
                json!({}),
                json!({"max_records": max_records}),
                json!({"last_sync_time": since, "changes_only": true}),
            ] {
                let (documented, _) = pull(&service, &request, false).await;
                let (columns, _) = pull(&service, &request, true).await;
                let has_sessions = !documented.starts_with(r#"{"sessions":[]"#);
                assert_eq!(has_sessions, !columns.starts_with(r#"{"sessions":[]"#));
                if has_sessions {
                    assert_eq!(rest(&documented, "sensor_data"), rest(&columns, "columns"));
                    equal(samples(&documented, "sensor_data"), samples(&columns, "columns"));
                }
            }
        });
    }
}

/// A client appends the groups of a series as they come.
#[tokio::test]
async fn the_groups_of_a_series_are_in_the_order_of_time_and_pages_continue() {
    let service = SyncService::new(Arc::new(MemoryStore::new()));
    let record = |n: i64| {
        let sensor = ["a", "b", "c"][n.rem_euclid(3) as usize];
        format!(r#"{{"sensor_type":"{sensor}","timestamp":{n},"data":{{"n":{n},"x":0.5}}}}"#)
    };
    let records: Vec<String> = (0..30_000).map(record).collect();
    push(&service, &records.join(",")).await;
    let mut series: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    let mut request = json!({"max_records": 12_500});
    let (mut pages, mut groups) = (0, 0);
    loop {
        let (answer, largest) = pull(&service, &request, true).await;
        assert!(largest < 160 * 1024, "{largest}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let session = &answer["sessions"][0];
        assert_eq!(session.get("continues").is_some(), pages > 0);
        for group in session["columns"].as_array().unwrap() {
            let known = series
                .entry(group["sensor_type"].as_str().unwrap().into())
                .or_default();
            let mut time = group["timestamp"]["first"].as_i64().unwrap();
            let steps = group["timestamp"]["steps"].as_array().unwrap().iter();
            let values = group["data"]["n"].as_array().unwrap();
            assert_eq!(values.len(), steps.len() + 1);
            for (value, step) in values.iter().zip(steps.chain([&json!(0)])) {
                known.push((time, value.as_i64().unwrap()));
                time += step.as_i64().unwrap();
            }
            groups += 1;
        }
        pages += 1;
        if answer["has_more"] == false {
            break;
        }
        request["cursor"] = answer["next_cursor"].clone();
    }
    assert_eq!((pages, series.len()), (3, 3));
    assert!(groups < 60, "{groups}");
    for known in series.values() {
        assert_eq!(known.len(), 10_000);
        assert!(known.is_sorted_by(|left, right| left < right));
        assert!(known.iter().all(|(time, value)| time == value));
    }
}

#[tokio::test]
async fn a_fraction_of_a_millisecond_and_records_of_many_fields_have_a_form_too() {
    let service = SyncService::new(Arc::new(MemoryStore::new()));
    let many: Vec<String> = (0..70).map(|n| format!(r#""f{n}":{n}"#)).collect();
    push(
        &service,
        &[
            r#"{"sensor_type":"s","timestamp":1,"data":{"x":1}}"#.to_owned(),
            r#"{"sensor_type":"s","timestamp":2,"data":{"x":"one","y":null}}"#.to_owned(),
            format!(
                r#"{{"sensor_type":"s","timestamp":3,"data":{{{}}}}}"#,
                many.join(",")
            ),
            r#"{"sensor_type":"s","timestamp":4.5,"data":{}}"#.to_owned(),
        ]
        .join(","),
    )
    .await;
    let (answer, _) = pull(&service, &json!({}), true).await;
    let groups = samples(&answer, "columns");
    assert!(
        groups.starts_with(
            r#"{"sensor_type":"s","timestamp":{"first":1,"steps":[1]},"data":{"x":[1,"one"],"y":{"rows":[1],"values":[null]}}},{"sensor_type":"s","timestamp":{"first":3,"steps":[]},"data":{"f0":[0],"f1":[1],"#
        ),
        "{groups}"
    );
    assert!(
        groups.ends_with(r#"{"sensor_type":"s","timestamp":[4.5],"data":{}}"#),
        "{groups}"
    );
}

#[tokio::test]
async fn pieces_stay_small_however_large_the_records() {
    let service = SyncService::new(Arc::new(MemoryStore::new()));
    let text = "t".repeat(10_000);
    let records: Vec<String> = (0..300)
        .map(|n| format!(r#"{{"sensor_type":"s","timestamp":{n},"data":{{"text":"{text}"}}}}"#))
        .collect();
    push(&service, &records.join(",")).await;
    let (answer, largest) = pull(&service, &json!({}), true).await;
    assert!(largest < 256 * 1024 + 33 * 1024, "{largest}");
    let (documented, _) = pull(&service, &json!({}), false).await;
    equal(
        samples(&documented, "sensor_data"),
        samples(&answer, "columns"),
    );
}

#[tokio::test]
async fn without_data_there_are_no_groups() {
    let service = SyncService::new(Arc::new(MemoryStore::new()));
    push(
        &service,
        r#"{"sensor_type":"s","timestamp":1,"data":{"x":1}}"#,
    )
    .await;
    let (answer, _) = pull(&service, &json!({"include_data": false}), true).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["sessions"][0]["columns"], json!([]));
    assert_eq!(answer["sessions"][0].get("sensor_data"), None);
}
