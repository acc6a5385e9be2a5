//! How much an account may keep.

use serde_json::{Value, json};

use super::start;
use crate::support::{Account, TestServer, push_body, session_id};

/// What each sample of [`push_body`] counts: 16, and a number named `x`.
const SAMPLE_BYTES: u64 = 16 + 1 + 8;

async fn status(server: &TestServer, account: &Account) -> Value {
    server.get("/api/sync/status").by(account).send().await.ok()
}

#[tokio::test]
async fn a_push_above_the_quota_of_bytes_is_a_413_until_there_is_room() {
    let most = (10 * SAMPLE_BYTES).to_string();
    let server = start(&[("KOODTX_QUOTA_BYTES", &most)]).await;
    let ann = server.register("ann").await;
    let push = |body: Value| server.post("/api/sync/push").by(&ann).json(&body).send();

    push(push_body(1, 6)).await.ok();
    push(push_body(2, 4)).await.ok();
    let before = status(&server, &ann).await;
    assert_eq!(before["data_bytes"], 10 * SAMPLE_BYTES);
    let reply = push(push_body(3, 1)).await;
    reply.is(413, "quota_exceeded");
    let message = reply.json["error"].as_str().unwrap();
    for part in ["250 bytes", "250 are", "275", "delete sessions"] {
        assert!(message.contains(part), "{message}");
    }
    push(push_body(2, 5)).await.is(413, "quota_exceeded");

    // Nothing of it is stored but an entry in the log.
    let after = status(&server, &ann).await;
    for total in ["total_sessions", "data_bytes"] {
        assert_eq!(after[total], before[total], "{total}");
    }
    let entry = &after["recent_syncs"][1];
    assert_eq!(
        (&entry["kind"], &entry["status"]),
        (&json!("push"), &json!("failed"))
    );
    assert_eq!(entry["error"], message);

    // What raises nothing is taken.
    let again = push(push_body(2, 4)).await.ok();
    assert_eq!(again["duplicates"], 4);
    let mut ended = push_body(1, 3);
    ended["session"]["end_time"] = json!("2025-11-13T01:00:00Z");
    push(ended).await.ok();
    let mut shorter = push_body(1, 1);
    shorter["sensor_data"][0]["data"] = json!({});
    push(shorter).await.ok();
    assert_eq!(
        status(&server, &ann).await["data_bytes"],
        10 * SAMPLE_BYTES - 9
    );

    let path = format!("/api/sessions/{}", session_id(1));
    server.delete(&path).by(&ann).send().await.ok();
    assert_eq!(status(&server, &ann).await["data_bytes"], 4 * SAMPLE_BYTES);
    push(push_body(3, 6)).await.ok();
    // What one account keeps is nothing to another.
    let bob = server.register("bob").await;
    let body = push_body(1, 10);
    server
        .post("/api/sync/push")
        .by(&bob)
        .json(&body)
        .send()
        .await
        .ok();
}

#[tokio::test]
async fn a_session_above_the_quota_is_a_413_until_one_is_deleted() {
    let server = start(&[("KOODTX_QUOTA_SESSIONS", "2")]).await;
    let ann = server.register("ann").await;
    let push = |session| {
        let body = push_body(session, 2);
        server.post("/api/sync/push").by(&ann).json(&body).send()
    };
    for session in [1, 2, 1] {
        push(session).await.ok();
    }
    let reply = push(3).await;
    reply.is(413, "quota_exceeded");
    let message = reply.json["error"].as_str().unwrap();
    assert!(
        message.contains("2 sessions") && message.contains("delete"),
        "{message}"
    );
    assert_eq!(status(&server, &ann).await["total_sessions"], 2);

    let path = format!("/api/sessions/{}", session_id(1));
    server.delete(&path).by(&ann).send().await.ok();
    push(3).await.ok();
    push(1).await.is(413, "quota_exceeded");
}

#[tokio::test]
async fn who_keeps_more_than_a_lowered_quota_can_go_on_but_not_up() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    for session in 1..=3 {
        let body = push_body(session, 20);
        server
            .post("/api/sync/push")
            .by(&ann)
            .json(&body)
            .send()
            .await
            .ok();
    }
    let lowered = [
        ("KOODTX_QUOTA_BYTES", "100"),
        ("KOODTX_QUOTA_SESSIONS", "1"),
    ];
    let second = TestServer::on(server.store.clone(), &lowered).await;
    let push = |body: Value| second.post("/api/sync/push").by(&ann).json(&body).send();
    assert_eq!(push(push_body(2, 20)).await.ok()["duplicates"], 20);
    push(push_body(2, 21)).await.is(413, "quota_exceeded");
    let mut ended = push_body(3, 0);
    ended["session"]["end_time"] = json!("2025-11-13T01:00:00Z");
    push(ended).await.ok();
    push(push_body(4, 0)).await.is(413, "quota_exceeded");
    second
        .post("/api/sync/pull")
        .by(&ann)
        .json(&json!({}))
        .send()
        .await
        .ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_pushes_at_once_only_those_are_stored_that_fit() {
    const PUSHES_COUNT: u32 = 8;
    const FIT_COUNT: usize = 3;
    let most = ((FIT_COUNT as u64 * 500 + 499) * SAMPLE_BYTES).to_string();
    let server = start(&[("KOODTX_QUOTA_BYTES", &most)]).await;
    let ann = server.register("ann").await;
    let pushes = (1..=PUSHES_COUNT).map(|session| {
        let body = push_body(session, 500);
        server.post("/api/sync/push").by(&ann).json(&body).send()
    });
    let answers = futures_util::future::join_all(pushes).await;
    let mut stored = Vec::new();
    for (session, answer) in (1..).zip(&answers) {
        if answer.status == 200 {
            stored.push(session_id(session));
        } else {
            answer.is(413, "quota_exceeded");
        }
    }
    assert_eq!(stored.len(), FIT_COUNT);
    let pulled = server
        .post("/api/sync/pull")
        .by(&ann)
        .json(&json!({}))
        .send()
        .await
        .ok();
    let mut found: Vec<_> = pulled["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["session_id"].as_str().unwrap().to_owned())
        .collect();
    found.sort_unstable();
    stored.sort_unstable();
    assert_eq!(found, stored);
    let bytes = status(&server, &ann).await["data_bytes"].as_u64();
    assert_eq!(bytes, Some(FIT_COUNT as u64 * 500 * SAMPLE_BYTES));
}
