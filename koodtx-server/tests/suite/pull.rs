//! Pulling over HTTP: every option, streaming, and what happens when it breaks off.

use std::sync::Arc;
use std::time::Duration;

use koodtx_core::store::SyncStore;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::start;
use crate::support::{
    Account, FaultyStore, LOG_MILLIS, TestServer, Trouble, push_body, record, session_id,
};

async fn push(server: &TestServer, account: &Account, body: &Value) -> Value {
    server
        .post("/api/sync/push")
        .by(account)
        .json(body)
        .send()
        .await
        .ok()
}

async fn pull(server: &TestServer, account: &Account, body: Value) -> Value {
    server
        .post("/api/sync/pull")
        .by(account)
        .json(&body)
        .send()
        .await
        .ok()
}

fn ids(answer: &Value) -> Vec<String> {
    let sessions = answer["sessions"].as_array().unwrap();
    sessions
        .iter()
        .map(|session| session["session_id"].as_str().unwrap().to_owned())
        .collect()
}

fn samples(answer: &Value) -> usize {
    let sessions = answer["sessions"].as_array().unwrap();
    sessions
        .iter()
        .map(|session| session["sensor_data"].as_array().unwrap().len())
        .sum()
}

#[tokio::test]
async fn what_was_pushed_comes_back_value_by_value() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let body = json!({
        "session": {
            "session_id": session_id(1).to_uppercase(), "start_time": "2025-11-13T01:00:00+01:00",
            "end_time": "2025-11-13T01:00:00.5Z", "enabled_sensors": ["gps", "ü"],
            "sample_rate": 99.5, "notes": "a\n\"b\" \u{1f600}",
        },
        "sensor_data": [
            { "sensor_type": "gps", "timestamp": 1_699_876_543_210.125, "data": {
                "lat": 0.1, "n": 9_007_199_254_740_991_i64, "s": "ü\u{1f600}\n", "b": true, "z": null,
                "o": { "deep": [1, 2.5, { "x": [] }] }, "exact": 5e-324, "minus": -0.1 } },
            { "sensor_type": "acc", "timestamp": 1_699_876_543_210_i64, "data": {} },
        ],
    });
    push(&server, &ann, &body).await;
    // A second device of the same user.
    let watch = server.login("ann", "watch").await;
    let answer = pull(&server, &watch, json!({})).await;
    let session = &answer["sessions"][0];
    assert_eq!(session["session_id"], session_id(1));
    assert_eq!(session["start_time"], "2025-11-13T00:00:00Z");
    assert_eq!(session["end_time"], "2025-11-13T01:00:00.5Z");
    assert_eq!(session["is_active"], false);
    assert_eq!(session["sample_rate"], 99.5);
    for field in ["enabled_sensors", "notes"] {
        assert_eq!(session[field], body["session"][field]);
    }
    let sent = &body["sensor_data"];
    let got = &session["sensor_data"];
    assert_eq!(
        (&got[0]["sensor_type"], &got[1]["sensor_type"]),
        (&json!("acc"), &json!("gps"))
    );
    assert_eq!(got[0]["data"], sent[1]["data"]);
    assert_eq!(got[0]["timestamp"], sent[1]["timestamp"]);
    assert_eq!(got[1]["data"], sent[0]["data"]);
    assert_eq!(got[1]["timestamp"], sent[0]["timestamp"]);
}

#[tokio::test]
async fn a_delta_holds_what_changed_and_deletions() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    for session in 1..=3 {
        push(&server, &ann, &push_body(session, 4)).await;
    }
    let all = pull(&server, &ann, json!({})).await;
    assert_eq!(ids(&all), [session_id(1), session_id(2), session_id(3)]);
    assert_eq!((samples(&all), &all["total"]), (12, &json!(3)));
    let since = all["server_timestamp"].clone();

    let nothing = pull(&server, &ann, json!({ "last_sync_time": since })).await;
    assert_eq!(
        (ids(&nothing).len(), &nothing["server_timestamp"]),
        (0, &since)
    );

    let mut more = push_body(2, 0);
    more["sensor_data"] = json!([record("gyro", 1_700_000_009_000, 1.0)]);
    push(&server, &ann, &more).await;
    server
        .delete(&format!("/api/sessions/{}", session_id(3)))
        .by(&ann)
        .send()
        .await
        .ok();

    let delta = pull(&server, &ann, json!({ "last_sync_time": since })).await;
    assert_eq!(ids(&delta), [session_id(2)]);
    assert_eq!(samples(&delta), 5);
    assert_eq!(delta["deleted_session_ids"], json!([session_id(3)]));
    let changes = json!({ "last_sync_time": since, "changes_only": true });
    assert_eq!(samples(&pull(&server, &ann, changes).await), 1);
    let bare = json!({ "last_sync_time": since, "include_data": false });
    let bare = pull(&server, &ann, bare).await;
    assert_eq!(
        (samples(&bare), &bare["sessions"][0]["data_count"]),
        (0, &json!(5))
    );
}

#[tokio::test]
async fn pages_filters_and_cursors() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    for session in 1..=5 {
        push(&server, &ann, &push_body(session, 10)).await;
    }
    let page = pull(&server, &ann, json!({ "page": 2, "page_size": 2 })).await;
    assert_eq!(ids(&page), [session_id(3), session_id(4)]);
    assert_eq!(
        (&page["page"], &page["page_size"], &page["total"]),
        (&json!(2), &json!(2), &json!(5))
    );
    assert_eq!(page["has_more"], true);
    let last = pull(&server, &ann, json!({ "page": 3, "page_size": 2 })).await;
    assert_eq!(
        (ids(&last), &last["has_more"]),
        (vec![session_id(5)], &json!(false))
    );

    let some = json!({ "session_ids": [session_id(4), session_id(2), session_id(99)] });
    assert_eq!(
        ids(&pull(&server, &ann, some).await),
        [session_id(2), session_id(4)]
    );

    // Following cursors with few records a page ends with everything, once each.
    let mut cursor = Value::Null;
    let mut seen = Vec::new();
    for _ in 0..100 {
        let request = json!({ "max_records": 7, "cursor": cursor });
        let answer = pull(&server, &ann, request).await;
        assert!(samples(&answer) <= 7);
        for session in answer["sessions"].as_array().unwrap() {
            for record in session["sensor_data"].as_array().unwrap() {
                seen.push((
                    session["session_id"].to_string(),
                    record["timestamp"].to_string(),
                ));
            }
        }
        cursor = answer["next_cursor"].clone();
        if answer["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen.len(), 50);
    let total = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), total);
}

#[tokio::test]
async fn every_way_to_say_nothing_pulls_everything() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &push_body(1, 3)).await;
    let request = || server.post("/api/sync/pull").by(&ann);
    let nulls = json!({ "last_sync_time": null, "session_ids": null, "cursor": null });
    for request in [
        request(),
        request().raw(""),
        request().body(""),
        request().raw("{}"),
        request().json(&nulls),
        request().json(&json!({ "unknown": 1 })),
    ] {
        let answer = request.send().await;
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(samples(&answer.ok()), 3);
    }
}

#[tokio::test]
async fn two_users_never_see_each_other() {
    let server = start(&[]).await;
    let (ann, bob) = (server.register("ann").await, server.register("bob").await);
    push(&server, &ann, &push_body(1, 3)).await;
    push(&server, &bob, &push_body(1, 5)).await;
    assert_eq!(samples(&pull(&server, &ann, json!({})).await), 3);
    assert_eq!(samples(&pull(&server, &bob, json!({})).await), 5);
    server
        .delete(&format!("/api/sessions/{}", session_id(1)))
        .by(&ann)
        .send()
        .await
        .ok();
    assert_eq!(samples(&pull(&server, &bob, json!({})).await), 5);
}

/// More than fits into the socket buffers of both sides.
async fn push_much(server: &TestServer, account: &Account) {
    for part in 0..10_i64 {
        let mut body = push_body(1, 0);
        let records = (0..10_000).map(|index| {
            let millis = 1_700_000_000_000 + part * 10_000 + index;
            json!({ "sensor_type": "gyro", "timestamp": millis,
                    "data": { "x": 0.123_456_789, "text": "a text that takes up room, a text that takes up room" } })
        });
        body["sensor_data"] = records.collect();
        push(server, account, &body).await;
    }
}

#[tokio::test]
async fn a_store_that_fails_in_the_middle_cuts_the_connection() {
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::on(store.clone(), &[]).await;
    let ann = server.register("ann").await;
    push_much(&server, &ann).await;
    store.set(Trouble::BreaksOff);
    let url = format!("http://{}/api/sync/pull", server.address);
    for coding in [None, Some("gzip"), Some("zstd")] {
        let mut request = server.http.post(&url).bearer_auth(&ann.access);
        if let Some(coding) = coding {
            request = request.header("accept-encoding", coding);
        }
        // How far the answer came depends on buffers; that it has no proper end does not.
        let whole = match request.send().await {
            Ok(response) => response.bytes().await.is_ok(),
            Err(_) => false,
        };
        assert!(!whole, "{coding:?}: the answer looks whole");
    }
    store.set(Trouble::None);
    wait_for_failed_pulls(&server, &ann, 3).await;
}

#[tokio::test]
async fn damaged_samples_are_named_and_the_rest_arrives() {
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::on(store.clone(), &[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &push_body(1, 5)).await;
    assert!(
        pull(&server, &ann, json!({}))
            .await
            .get("damaged")
            .is_none()
    );
    store.set(Trouble::Damaged);
    let answer = pull(&server, &ann, json!({})).await;
    assert_eq!(samples(&answer), 5);
    let damage = json!([{
        "session_id": session_id(1), "sensor_type": "gyro",
        "from": 1_700_000_000_000.125, "until": null,
    }]);
    assert_eq!(answer["damaged"], damage);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_failed_entry_in_the_log() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push_much(&server, &ann).await;
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let request = format!(
        "POST /api/sync/pull HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nauthorization: Bearer {}\r\n\r\n",
        ann.access
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 512];
    stream.read_exact(&mut start).await.unwrap();
    assert!(start.starts_with(b"HTTP/1.1 200 OK"));
    drop(stream);
    wait_for_failed_pulls(&server, &ann, 1).await;
    // Shutting down waits for such entries.
    server.stop().await;
}

#[tokio::test]
async fn a_pull_is_logged_also_when_the_client_goes_away_meanwhile() {
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::on(store.clone(), &[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &push_body(1, 3)).await;
    store.set(Trouble::LogsSlowly);
    let url = format!("http://{}/api/sync/pull", server.address);
    let pull = server.http.post(&url).bearer_auth(&ann.access);
    let pull = pull.timeout(Duration::from_millis(LOG_MILLIS / 2)).send();
    let is_whole = match pull.await {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!is_whole, "the entry took its time");
    // Shutting down waits for it.
    server.stop().await;
    let user = koodtx_core::id::UserId(ann.id);
    let status = SyncStore::status(&*store, user, 1).await.unwrap();
    let kind = status.recent_syncs[0].entry.kind;
    assert_eq!(kind, koodtx_core::sync_log::SyncKind::Pull);
}

async fn wait_for_failed_pulls(server: &TestServer, account: &Account, count: usize) {
    let user = koodtx_core::id::UserId(account.id);
    for _ in 0..200 {
        let status = server.store.status(user, 10).await.unwrap();
        let failed = status.recent_syncs.iter().filter(|entry| {
            let entry = &entry.entry;
            entry.kind == koodtx_core::sync_log::SyncKind::Pull
                && entry.status == koodtx_core::sync_log::SyncStatus::Failed
        });
        if failed.count() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("there are not {count} failed pulls in the log");
}

#[tokio::test]
async fn a_long_answer_arrives_whole() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push_much(&server, &ann).await;
    let answer = pull(&server, &ann, json!({})).await;
    assert_eq!(samples(&answer), 100_000);
    let records = answer["sessions"][0]["sensor_data"].as_array().unwrap();
    assert!(records.is_sorted_by_key(|record| record["timestamp"].as_i64()));
    let status = SyncStore::status(&*server.store, koodtx_core::id::UserId(ann.id), 1)
        .await
        .unwrap();
    assert_eq!(status.recent_syncs[0].entry.records_count, 100_000);
}
