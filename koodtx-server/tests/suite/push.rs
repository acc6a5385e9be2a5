//! Pushing over HTTP: what is answered, and what the sync log says of it.

use serde_json::{Value, json};

use super::start;
use crate::support::{Account, TestServer, push_body, record, session_id};

async fn log(server: &TestServer, account: &Account) -> Vec<Value> {
    let status = server.get("/api/sync/status").by(account).send().await.ok();
    status["recent_syncs"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_push_counts_and_its_repetition_changes_nothing() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let push = |body: &Value| server.post("/api/sync/push").by(&ann).json(body).send();

    let first = push(&push_body(1, 10)).await.ok();
    assert_eq!(first["message"], "Sync completed successfully");
    assert_eq!(first["session_id"], session_id(1));
    let counts = |answer: &Value| {
        [
            "total_records",
            "inserted",
            "updated",
            "duplicates",
            "errors",
            "session_data_count",
        ]
        .map(|field| answer[field].as_u64().unwrap())
    };
    assert_eq!(counts(&first), [10, 10, 0, 0, 0, 10]);

    let again = push(&push_body(1, 10)).await.ok();
    assert_eq!(counts(&again), [10, 0, 0, 10, 0, 10]);
    assert_eq!(again["server_timestamp"], first["server_timestamp"]);

    let mut changed = push_body(1, 12);
    changed["sensor_data"][0]["data"]["x"] = json!(-1);
    assert_eq!(counts(&push(&changed).await.ok()), [12, 2, 1, 9, 0, 12]);
}

#[tokio::test]
async fn a_refused_record_is_reported_and_the_rest_is_stored() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let mut body = push_body(1, 2);
    let records = body["sensor_data"].as_array_mut().unwrap();
    // Microseconds where milliseconds are wanted.
    records.push(record("gyro", 1_700_000_000_000_000, 0.0));
    records.push(json!(7));
    let answer = server
        .post("/api/sync/push")
        .by(&ann)
        .json(&body)
        .send()
        .await
        .ok();
    assert_eq!(
        (answer["inserted"].as_u64(), answer["errors"].as_u64()),
        (Some(2), Some(2))
    );
    let details = answer["error_details"].as_array().unwrap();
    assert_eq!(details.len(), 2);
    assert_eq!(
        (details[0]["index"].as_u64(), details[1]["index"].as_u64()),
        (Some(2), Some(3))
    );
    assert_eq!(details[0]["code"], "timestamp_out_of_range");
    let entry = &log(&server, &ann).await[0];
    assert_eq!(
        (&entry["status"], &entry["errors_count"]),
        (&json!("partial"), &json!(2))
    );
}

#[tokio::test]
async fn the_sync_log_holds_every_push_and_pull_also_the_refused() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let body = push_body(1, 5).to_string();
    server
        .post("/api/sync/push")
        .by(&ann)
        .raw(body.clone())
        .send()
        .await
        .ok();
    server.post("/api/sync/pull").by(&ann).send().await.ok();
    let refused = server
        .post("/api/sync/push")
        .by(&ann)
        .json(&json!({}))
        .send()
        .await;
    refused.names("session");
    server
        .post("/api/sync/push")
        .by(&ann)
        .raw("{")
        .send()
        .await
        .is(400, "malformed_json");
    let text = server
        .post("/api/sync/push")
        .by(&ann)
        .header("content-type", "text/plain");
    text.body("x")
        .send()
        .await
        .is(415, "unsupported_media_type");
    // Not authenticated: nobody's log.
    server
        .post("/api/sync/push")
        .json(&json!({}))
        .send()
        .await
        .is(401, "token_missing");

    let entries = log(&server, &ann).await;
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e["kind"].as_str().unwrap(), e["status"].as_str().unwrap()))
        .collect();
    let failed = ("push", "failed");
    assert_eq!(
        seen,
        [
            failed,
            failed,
            failed,
            ("pull", "success"),
            ("push", "success")
        ]
    );
    assert_eq!(entries[2]["error"], refused.json["error"]);
    let pushed = &entries[4];
    assert_eq!(pushed["body_bytes"].as_u64(), Some(body.len() as u64));
    assert_eq!(pushed["records_count"], 5);
    assert_eq!(pushed["sensor_types"], json!(["gyro"]));
    assert_eq!(pushed["device_id"], "ann-phone");
    assert_eq!(entries[3]["records_count"], 5);
}

#[tokio::test]
async fn only_the_last_10_syncs_are_shown_and_totals_are_exact() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    for session in 1..=12 {
        let mut body = push_body(session, 1);
        if session > 4 {
            body["session"]["end_time"] = json!("2025-11-13T01:00:00Z");
        }
        server
            .post("/api/sync/push")
            .by(&ann)
            .json(&body)
            .send()
            .await
            .ok();
    }
    let status = server.get("/api/sync/status").by(&ann).send().await.ok();
    assert_eq!(status["recent_syncs"].as_array().unwrap().len(), 10);
    assert_eq!(status["recent_syncs"][0]["session_id"], session_id(12));
    assert_eq!(
        (&status["total_sessions"], &status["active_sessions"]),
        (&json!(12), &json!(4))
    );
    assert_eq!(status["uploaded_sessions"], 12);
}

#[tokio::test]
async fn concurrent_pushes_of_the_same_records_insert_each_once() {
    const DEVICES: usize = 8;
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let body = push_body(1, 500);
    let pushes = (0..DEVICES).map(|_| server.post("/api/sync/push").by(&ann).json(&body).send());
    let answers = futures_util::future::join_all(pushes).await;
    let sum = |field: &str| -> u64 {
        answers
            .iter()
            .map(|answer| answer.json[field].as_u64().unwrap())
            .sum()
    };
    assert_eq!(sum("inserted"), 500);
    assert_eq!(sum("duplicates"), 500 * (DEVICES as u64 - 1));
}

#[tokio::test]
async fn the_sync_log_names_the_requests_of_pushes_refused_pushes_and_pulls() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let post = |path: &str, id: &str, body: &str| {
        let request = server.post(path).by(&ann).header("x-request-id", id);
        request.raw(body.to_owned()).send()
    };
    let push = push_body(1, 2).to_string();
    post("/api/sync/push", "stored", &push).await.ok();
    post("/api/sync/push", "refused", "{")
        .await
        .is(400, "malformed_json");
    post("/api/sync/pull", "pulled", "").await.ok();
    let own = server
        .post("/api/sync/push")
        .by(&ann)
        .raw(push)
        .send()
        .await;
    let own_id = own.headers["x-request-id"].to_str().unwrap();

    let status = server.get("/api/sync/status").by(&ann).send().await.ok();
    let entries = status["recent_syncs"].as_array().unwrap().iter();
    let logged: Vec<_> = entries
        .map(|entry| ["request_id", "kind", "status"].map(|field| entry[field].as_str().unwrap()))
        .collect();
    assert_eq!(
        logged,
        [
            [own_id, "push", "success"],
            ["pulled", "pull", "success"],
            ["refused", "push", "failed"],
            ["stored", "push", "success"],
        ]
    );
}
