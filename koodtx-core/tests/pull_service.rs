//! Pulls through the service: pages, cursors, `max_records`, changes only, and what a device that
//! follows the protocol ends up with.

use std::collections::BTreeMap;
use std::sync::Arc;

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::PullRequest;
use koodtx_core::push::PushBatch;
use koodtx_core::service::{Caller, PullError, PushResponse, SyncService};
use koodtx_core::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

fn caller() -> Caller {
    Caller {
        user: UserId(1),
        device_id: Some("phone".into()),
        sign_in: SignInId(Uuid::from_u128(7)),
        request_id: None,
    }
}

fn session_id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn service() -> SyncService {
    SyncService::new(Arc::new(MemoryStore::new()))
}

async fn push(service: &SyncService, session: u128, records: Value) -> PushResponse {
    let body = json!({
        "session": {"session_id": session_id(session), "start_time": "2025-11-13T00:00:00Z"},
        "sensor_data": records,
    });
    let batch = PushBatch::parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(batch.errors, 0);
    service
        .push(&caller(), Arc::new(batch), 0, service.now())
        .await
        .unwrap()
}

/// `count` samples of three sensors, a millisecond apart.
fn samples(from: i64, count: i64) -> Value {
    (from..from + count)
        .map(|n| {
            let sensor_type = ["a", "b", "c"][n.rem_euclid(3) as usize];
            json!({"sensor_type": sensor_type, "timestamp": n / 2, "data": {"n": n}})
        })
        .collect()
}

async fn pull(service: &SyncService, request: Value) -> Value {
    let request = PullRequest::from_json(request.to_string().as_bytes()).unwrap();
    let mut stream = service.pull(&caller(), request, 0).await.unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = stream.next_chunk().await.unwrap() {
        text.extend(chunk);
    }
    serde_json::from_slice(&text).unwrap()
}

type Session = BTreeMap<(i64, String), Value>;

/// What a device keeps.
#[derive(Debug, Default, PartialEq)]
struct Device {
    sessions: BTreeMap<String, Session>,
}

impl Device {
    /// Applies an answer as the protocol says: deletions first; a session that does not continue an
    /// earlier page replaces what was known, unless only changes were asked for.
    fn apply(&mut self, answer: &Value, changes_only: bool) {
        for id in answer["deleted_session_ids"].as_array().unwrap() {
            self.sessions.remove(id.as_str().unwrap());
        }
        for session in answer["sessions"].as_array().unwrap() {
            let known = self
                .sessions
                .entry(session["session_id"].as_str().unwrap().into())
                .or_default();
            if !changes_only && session.get("continues").is_none() {
                known.clear();
            }
            for record in session["sensor_data"].as_array().unwrap() {
                let key = (
                    record["timestamp"].as_i64().unwrap(),
                    record["sensor_type"].as_str().unwrap().into(),
                );
                known.insert(key, record["data"].clone());
            }
        }
    }

    /// One round by page numbers; returns the `last_sync_time` of the next.
    async fn round_by_pages(
        &mut self,
        service: &SyncService,
        since: Value,
        page_size: u64,
    ) -> Value {
        for page in 1.. {
            let request = json!({"last_sync_time": since, "page": page, "page_size": page_size});
            let answer = pull(service, request).await;
            self.apply(&answer, false);
            if answer["has_more"] == false {
                return answer["server_timestamp"].clone();
            }
        }
        unreachable!()
    }

    /// One round by cursors.
    async fn round_by_cursors(
        &mut self,
        service: &SyncService,
        since: Value,
        mut request: Value,
    ) -> Value {
        let changes_only = request["changes_only"] == true;
        request["last_sync_time"] = since;
        loop {
            let answer = pull(service, request.clone()).await;
            self.apply(&answer, changes_only);
            if let Some(max) = request["max_records"].as_u64() {
                let sent: usize = answer["sessions"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|session| session["sensor_data"].as_array().unwrap().len())
                    .sum();
                assert!(sent as u64 <= max);
            }
            if answer["has_more"] == false {
                assert_eq!(answer["next_cursor"], Value::Null);
                return answer["server_timestamp"].clone();
            }
            request["cursor"] = answer["next_cursor"].clone();
        }
    }
}

async fn server_state(service: &SyncService) -> Device {
    let mut device = Device::default();
    device.apply(&pull(service, json!({"page_size": 100})).await, false);
    device
}

#[tokio::test]
async fn records_come_in_the_order_of_time_and_sensor() {
    let service = service();
    push(&service, 1, samples(0, 5_000)).await;
    let answer = pull(&service, json!({})).await;
    let keys: Vec<_> = answer["sessions"][0]["sensor_data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            (
                r["timestamp"].as_i64().unwrap(),
                r["sensor_type"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(keys.len(), 5_000);
    assert!(keys.is_sorted_by(|left, right| left < right));
    assert_eq!(answer["sessions"][0]["data_count"], 5_000);
    assert_eq!(answer["total"], 1);
}

#[tokio::test]
async fn every_way_to_pull_gives_the_same() {
    let service = service();
    for session in 0..7 {
        push(&service, session, samples(0, 40 * session as i64)).await;
    }
    service
        .delete_session(&caller(), session_id(3).parse().unwrap())
        .await
        .unwrap();
    let expected = server_state(&service).await;
    assert_eq!(expected.sessions.len(), 6);
    for page_size in [1, 2, 100] {
        let mut device = Device::default();
        device
            .round_by_pages(&service, Value::Null, page_size)
            .await;
        assert_eq!(device, expected);
        for max_records in [1, 7, 40, 41, 1_000] {
            for changes_only in [false, true] {
                let mut device = Device::default();
                let request = json!({"page_size": page_size, "max_records": max_records, "changes_only": changes_only});
                device
                    .round_by_cursors(&service, Value::Null, request)
                    .await;
                assert_eq!(device, expected, "{page_size} {max_records} {changes_only}");
            }
        }
    }
}

#[tokio::test]
async fn changes_only_sends_what_changed_and_nothing_else() {
    let service = service();
    push(&service, 1, samples(0, 300)).await;
    let mut device = Device::default();
    let request = json!({"changes_only": true});
    let since = device
        .round_by_cursors(&service, Value::Null, request.clone())
        .await;

    push(&service, 1, samples(290, 20)).await;
    let answer = pull(
        &service,
        json!({"changes_only": true, "last_sync_time": since}),
    )
    .await;
    assert_eq!(
        answer["sessions"][0]["sensor_data"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
    assert_eq!(answer["sessions"][0]["data_count"], 310);
    device.apply(&answer, true);
    assert_eq!(device, server_state(&service).await);

    let answer = pull(
        &service,
        json!({"changes_only": true, "last_sync_time": answer["server_timestamp"]}),
    )
    .await;
    assert_eq!(answer["sessions"], json!([]));
    assert_eq!(answer["total"], 0);
}

#[tokio::test]
async fn a_revived_session_loses_its_old_records_on_every_device() {
    let service = service();
    push(&service, 1, samples(0, 300)).await;
    let (mut whole, mut changes) = (Device::default(), Device::default());
    let since = whole.round_by_pages(&service, Value::Null, 50).await;
    changes
        .round_by_cursors(&service, Value::Null, json!({"changes_only": true}))
        .await;

    service
        .delete_session(&caller(), session_id(1).parse().unwrap())
        .await
        .unwrap();
    push(&service, 1, samples(1_000, 30)).await;
    whole.round_by_pages(&service, since.clone(), 50).await;
    // Also where the page ends inside the session again and again.
    changes
        .round_by_cursors(
            &service,
            since.clone(),
            json!({"changes_only": true, "max_records": 4}),
        )
        .await;
    let expected = server_state(&service).await;
    assert_eq!(expected.sessions[&session_id(1)].len(), 30);
    assert_eq!(whole, expected);
    assert_eq!(changes, expected);
    // Whoever pulls whole sessions is not told of a deletion that no longer holds.
    let answer = pull(&service, json!({"last_sync_time": since})).await;
    assert_eq!(answer["deleted_session_ids"], json!([]));
}

#[tokio::test]
async fn what_changes_between_two_pages_is_not_lost() {
    let service = service();
    for session in 0..6 {
        push(&service, session, samples(0, 10)).await;
    }
    let first = pull(&service, json!({"page_size": 2})).await;
    // A session of the first page changes, and a new one appears, before the second page.
    push(&service, 0, samples(10, 5)).await;
    push(&service, 9, samples(0, 5)).await;
    let second = pull(&service, json!({"page_size": 2, "page": 2})).await;
    assert_eq!(second["server_timestamp"], first["server_timestamp"]);
    assert_eq!(second["sessions"][0]["session_id"], session_id(2));
    let by_cursor = pull(
        &service,
        json!({"page_size": 2, "cursor": first["next_cursor"]}),
    )
    .await;
    assert_eq!(by_cursor["server_timestamp"], first["server_timestamp"]);
    assert_eq!(by_cursor["sessions"], second["sessions"]);
    let next = pull(
        &service,
        json!({"last_sync_time": first["server_timestamp"]}),
    )
    .await;
    let ids: Vec<_> = next["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["session_id"].clone())
        .collect();
    assert_eq!(ids, [json!(session_id(0)), json!(session_id(9))]);
}

#[tokio::test]
async fn a_page_that_nobody_remembers_repeats_the_round() {
    let service = service();
    push(&service, 0, samples(0, 10)).await;
    let since = pull(&service, json!({})).await["server_timestamp"].clone();
    push(&service, 1, samples(0, 10)).await;
    let request = json!({"last_sync_time": since, "page": 2});
    assert_eq!(pull(&service, request).await["server_timestamp"], since);
}

#[tokio::test]
async fn a_clock_ahead_of_the_server_heals() {
    let service = service();
    let clock = push(&service, 0, samples(0, 10)).await.server_timestamp;
    let answer = pull(&service, json!({"last_sync_time": "2900-01-01T00:00:00Z"})).await;
    assert_eq!(answer["sessions"], json!([]));
    assert_eq!(answer["server_timestamp"], json!(clock));
}

#[tokio::test]
async fn without_data_no_record_is_sent() {
    let service = service();
    push(&service, 0, samples(0, 10)).await;
    let answer = pull(&service, json!({"include_data": false})).await;
    assert_eq!(answer["sessions"][0]["sensor_data"], json!([]));
    assert_eq!(answer["sessions"][0]["data_count"], 10);
}

#[tokio::test]
async fn every_pull_is_logged_and_an_abandoned_one_as_failed() {
    let service = service();
    push(&service, 0, samples(0, 10)).await;
    let answer = pull(&service, json!({})).await;
    let stream = service
        .pull(&caller(), PullRequest::default(), 17)
        .await
        .unwrap();
    stream
        .abort("the client closed the connection")
        .await
        .unwrap();
    let log = service.status(&caller()).await.unwrap().recent_syncs;
    let kinds: Vec<_> = log
        .iter()
        .map(|entry| serde_json::to_value(entry).unwrap())
        .collect();
    assert_eq!(kinds.len(), 3);
    assert_eq!(kinds[0]["status"], "failed");
    assert_eq!(kinds[0]["body_bytes"], 17);
    assert_eq!(kinds[1]["status"], "success");
    assert_eq!(kinds[1]["records_count"], 10);
    assert_eq!(kinds[1]["id"], answer["sync_log_id"]);
    assert_eq!(kinds[2]["kind"], "push");
}

#[tokio::test]
async fn requests_that_contradict_themselves_are_refused() {
    let service = service();
    for session in 0..3 {
        push(&service, session, samples(0, 3)).await;
    }
    let first = pull(&service, json!({"page_size": 1})).await;
    for (request, field) in [
        (json!({"page": 0}), "page"),
        (json!({"page": 1.5}), "page"),
        (json!({"page_size": 101}), "page_size"),
        (json!({"page_size": "10"}), "page_size"),
        (json!({"max_records": 0}), "max_records"),
        (json!({"max_records": -1e30}), "max_records"),
        (json!({"last_sync_time": 5}), "last_sync_time"),
        (json!({"last_sync_time": "yesterday"}), "last_sync_time"),
        (json!({"session_ids": ["x"]}), "session_ids"),
        (json!({"session_ids": session_id(1)}), "session_ids"),
        (json!({"include_data": "no"}), "include_data"),
        (json!({"cursor": "nonsense"}), "cursor"),
        (
            json!({"cursor": first["next_cursor"], "changes_only": true}),
            "cursor",
        ),
        (json!({"cursor": first["next_cursor"], "page": 2}), "page"),
        (
            json!({"cursor": first["next_cursor"], "last_sync_time": "2025-11-13T00:00:00Z"}),
            "cursor",
        ),
        (json!({"page": 2, "max_records": 5}), "page"),
    ] {
        let error = match PullRequest::from_json(request.to_string().as_bytes()) {
            Err(error) => error,
            Ok(request) => match service.pull(&caller(), request, 0).await {
                Err(PullError::Request(error)) => error,
                other => panic!("{other:?}"),
            },
        };
        assert_eq!(error.field(), Some(field), "{request}: {error}");
    }
    assert_eq!(
        PullRequest::from_json(b"[]").unwrap_err().code(),
        "malformed_json"
    );
    assert_eq!(
        PullRequest::from_json(b"{").unwrap_err().code(),
        "malformed_json"
    );
    assert_eq!(PullRequest::from_json(b""), Ok(PullRequest::default()));
    assert_eq!(
        PullRequest::from_json(b"{\"page\":null}"),
        Ok(PullRequest::default())
    );
    // More than there can be is no bound.
    let unbounded = PullRequest::from_json(b"{\"max_records\":100000000000000000000}");
    assert_eq!(unbounded.unwrap().max_records, Some(u64::MAX));
}

#[tokio::test]
async fn values_come_back_as_they_were_pushed() {
    let service = service();
    let texts = [
        "-0.0",
        "0.1",
        "5e-324",
        "1.7976931348623157e308",
        "9007199254740992",
        "-9007199254740993",
        "18446744073709551616",
        "\"\\u00fc\\n\\\"\"",
        "true",
        "null",
        "[1,[2.5,{\"z\":[],\"a\":{}}]]",
        "1",
        "[-0.0,1e-7]",
    ];
    let members: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| format!("\"f{n:02}\":{text}"))
        .collect();
    let body = format!(
        r#"{{"session":{{"session_id":"{}","start_time":"2025-11-13T00:00:00Z"}},"sensor_data":[
            {{"sensor_type":"s","timestamp":1699876543210.125,"data":{{{}}}}},
            {{"sensor_type":"s","timestamp":1699876543210,"data":{{}}}}]}}"#,
        session_id(1),
        members.join(",")
    );
    let batch = PushBatch::parse(body.as_bytes()).unwrap();
    service
        .push(&caller(), Arc::new(batch), 0, Timestamp::ZERO)
        .await
        .unwrap();
    let mut stream = service
        .pull(&caller(), PullRequest::default(), 0)
        .await
        .unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = stream.next_chunk().await.unwrap() {
        text.extend(chunk);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains(r#""timestamp":1699876543210,"data":{}}"#),
        "{text}"
    );
    assert!(text.contains(r#""timestamp":1699876543210.125,"#), "{text}");
    for member in [
        "\"f00\":-0.0",
        "\"f01\":0.1",
        "\"f04\":9007199254740992",
        "\"f05\":-9007199254740993",
        "\"f06\":18446744073709551616",
        "\"f07\":\"ü\\n\\\"\"",
        "\"f10\":[1,[2.5,{\"a\":{},\"z\":[]}]]",
        "\"f11\":1",
        "\"f12\":[-0.0,1e-7]",
    ] {
        assert!(text.contains(member), "{member} {text}");
    }
}

#[tokio::test]
async fn an_answer_is_handed_out_in_small_pieces_however_large_its_records() {
    let service = service();
    let text = "t".repeat(10_000);
    let records: Value = (0..100)
        .map(|n| json!({"sensor_type": "s", "timestamp": n, "data": {"text": text}}))
        .collect();
    push(&service, 1, records).await;
    push(&service, 2, samples(0, 9_000)).await;
    let mut stream = service
        .pull(&caller(), PullRequest::default(), 0)
        .await
        .unwrap();
    let (mut whole, mut largest) = (Vec::new(), 0);
    while let Some(piece) = stream.next_chunk().await.unwrap() {
        largest = largest.max(piece.len());
        whole.extend(piece);
    }
    assert!(largest < 256 * 1024 + 17 * 1024, "{largest}");
    let answer: Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(
        answer["sessions"][0]["sensor_data"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    assert_eq!(
        answer["sessions"][1]["sensor_data"]
            .as_array()
            .unwrap()
            .len(),
        9_000
    );
    assert_eq!(
        answer["sessions"][1]["sensor_data"][8_999]["data"]["n"],
        8_999
    );
}

/// Numbers may be longer as they are stored than as they were sent, past the limit for what is sent.
#[tokio::test]
async fn data_that_is_longer_stored_than_sent_comes_back() {
    let service = service();
    let numbers = vec!["1e15"; 3_000].join(",");
    let body = format!(
        r#"{{"session":{{"session_id":"{}","start_time":"2025-11-13T00:00:00Z"}},
            "sensor_data":[{{"sensor_type":"s","timestamp":1,"data":{{"n":[{numbers}]}}}}]}}"#,
        session_id(1)
    );
    let batch = PushBatch::parse(body.as_bytes()).unwrap();
    assert_eq!(batch.errors, 0);
    let pushed = service
        .push(&caller(), Arc::new(batch), 0, service.now())
        .await
        .unwrap();
    assert_eq!(pushed.inserted, 1);
    let answer = pull(&service, json!({})).await;
    let data = &answer["sessions"][0]["sensor_data"][0]["data"]["n"];
    assert_eq!(*data, json!(vec![1_000_000_000_000_000_u64; 3_000]));
}
