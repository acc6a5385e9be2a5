//! Analyses, anomalies, statistics, exports, and the jobs behind them.

use std::time::Duration;

use serde_json::{Value, json};

use super::start;
use crate::support::{Account, TestServer, push_body, session_id};

const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until the answer is what is waited for.
async fn eventually(
    server: &TestServer,
    account: &Account,
    path: &str,
    is_there: impl Fn(&Value, u16) -> bool,
) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let reply = server.get(path).by(account).send().await;
        if is_there(&reply.json, reply.status) {
            return reply.json;
        }
        assert!(begun.elapsed() < PATIENCE, "{path}: {}", reply.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn push(server: &TestServer, account: &Account, body: &Value) -> Value {
    let push = server.post("/api/sync/push").by(account).json(body);
    push.send().await.ok()
}

fn path(session: u32, rest: &str) -> String {
    format!("/api/sessions/{}/{rest}", session_id(session))
}

/// A push of that session, with an end.
fn ended(session: u32, count: i64) -> Value {
    let mut body = push_body(session, count);
    body["session"]["end_time"] = json!("2025-11-13T01:00:00Z");
    body
}

#[tokio::test]
async fn a_session_is_analysed_on_request() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &push_body(1, 100)).await;
    let analysis = path(1, "analysis");
    let none = server.get(&analysis).by(&ann).send().await;
    none.is(404, "analysis_not_found");

    let submitted = server.post(&analysis).by(&ann).send().await;
    assert_eq!(submitted.status, 202, "{}", submitted.text);
    let job = format!("/api/jobs/{}", submitted.json["job_id"].as_str().unwrap());
    let done = eventually(&server, &ann, &job, |job, _| job["state"] == "succeeded").await;
    assert_eq!(done["attempts"], 1);
    assert_eq!(done["result"]["total_records"], 100);

    let found = server.get(&analysis).by(&ann).send().await.ok();
    assert_eq!(found["total_records"], 100);
    assert_eq!(found["stale"], false);
    let gyro = &found["analysis"]["gyro"];
    assert_eq!(
        (&gyro["count"], &gyro["duration_ms"]),
        (&json!(100), &json!(99))
    );
    assert_eq!(gyro["statistics"]["x"]["mean"], 49.5);
    assert_eq!(gyro["statistics"]["x"]["p50"], 49.5);

    // What comes later makes it stale, and not wrong.
    push(&server, &ann, &push_body(1, 101)).await;
    let found = server.get(&analysis).by(&ann).send().await.ok();
    assert_eq!(
        (&found["stale"], &found["total_records"]),
        (&json!(true), &json!(100))
    );
    server.post(&analysis).by(&ann).send().await;
    eventually(&server, &ann, &analysis, |found, _| {
        found["stale"] == false && found["total_records"] == 101
    })
    .await;
}

#[tokio::test]
async fn a_session_that_ends_is_analysed_unasked() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &push_body(1, 10)).await;
    // The end comes alone, as a phone sends it when recording stops.
    push(&server, &ann, &ended(1, 0)).await;
    push(&server, &ann, &ended(2, 7)).await;
    for (session, count) in [(1, 10), (2, 7)] {
        eventually(
            &server,
            &ann,
            &path(session, "analysis"),
            |found, status| {
                status == 200 && found["total_records"] == count && found["stale"] == false
            },
        )
        .await;
    }
}

#[tokio::test]
async fn nobody_sees_the_sessions_and_jobs_of_others() {
    let server = start(&[]).await;
    let (ann, ben) = (server.register("ann").await, server.register("ben").await);
    push(&server, &ann, &push_body(1, 5)).await;
    let submitted = server.post(&path(1, "analysis")).by(&ann).send().await;
    let job = format!("/api/jobs/{}", submitted.json["job_id"].as_str().unwrap());
    eventually(&server, &ann, &job, |job, _| job["state"] == "succeeded").await;
    server
        .get(&job)
        .by(&ben)
        .send()
        .await
        .is(404, "job_not_found");
    for rest in ["analysis", "anomalies", "export?format=csv"] {
        let reply = server.get(&path(1, rest)).by(&ben).send().await;
        reply.is(404, "session_not_found");
    }
    let reply = server.post(&path(1, "analysis")).by(&ben).send().await;
    reply.is(404, "session_not_found");
    for id in ["nothing", "%00", &"x".repeat(500)] {
        let reply = server.get(&format!("/api/jobs/{id}")).by(&ann).send().await;
        reply.is(404, "job_not_found");
    }
    let totals = server.get("/api/statistics").by(&ben).send().await.ok();
    assert_eq!(totals["statistics"]["total_sessions"], 0);
}

#[tokio::test]
async fn anomalies_are_found_at_any_sensitivity() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let mut body = push_body(1, 200);
    for record in body["sensor_data"].as_array_mut().unwrap() {
        record["data"]["x"] = json!(1.0);
    }
    body["sensor_data"][50]["data"]["x"] = json!(9.0);
    push(&server, &ann, &body).await;
    let found = server.get(&path(1, "anomalies")).by(&ann).send().await.ok();
    assert_eq!(
        (&found["sensitivity"], &found["total_anomalies"]),
        (&json!(3.0), &json!(1))
    );
    let gyro = &found["anomalies"]["gyro"];
    assert_eq!(gyro["timestamps"], json!([1_700_000_000_050_i64]));
    assert_eq!(
        (&gyro["percentage"], &gyro["field"]),
        (&json!(0.5), &json!("x"))
    );
    let far = server
        .get(&path(1, "anomalies?sensitivity=100"))
        .by(&ann)
        .send()
        .await
        .ok();
    assert_eq!(far["total_anomalies"], 0);
    for wrong in ["0", "-1", "NaN", "inf", "1001", "many", ""] {
        let query = path(1, &format!("anomalies?sensitivity={wrong}"));
        server
            .get(&query)
            .by(&ann)
            .send()
            .await
            .names("sensitivity");
    }
}

#[tokio::test]
async fn statistics_add_up_what_began_within_a_period() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &ended(1, 5)).await;
    let mut other = ended(2, 3);
    other["session"]["start_time"] = json!("2025-11-14T00:00:00Z");
    other["session"]["end_time"] = json!("2025-11-14T02:00:00Z");
    push(&server, &ann, &other).await;
    let all = server.get("/api/statistics").by(&ann).send().await.ok();
    let totals = &all["statistics"];
    assert_eq!(
        (&totals["total_sessions"], &totals["total_data_records"]),
        (&json!(2), &json!(8))
    );
    assert_eq!(totals["total_duration_hours"], 3.0);
    assert_eq!(totals["sensor_types_usage"], json!({ "gyro": 8 }));
    for (query, sessions) in [
        ("from=2025-11-14", 1),
        ("to=2025-11-14", 1),
        ("from=2025-11-13T00:00:00Z&to=2025-11-15", 2),
        ("from=2025-11-13T01:00:00+01:00", 2),
        ("from=2025-11-13T01:00:00%2B02:00", 2),
        ("from=2026-01-01", 0),
    ] {
        let path = format!("/api/statistics?{query}");
        let found = server.get(&path).by(&ann).send().await.ok();
        assert_eq!(found["statistics"]["total_sessions"], sessions, "{query}");
    }
    let reply = server
        .get("/api/statistics?from=yesterday")
        .by(&ann)
        .send()
        .await;
    reply.names("from");
    let reply = server
        .get("/api/statistics?from=2025-11-14&to=2025-11-13")
        .by(&ann)
        .send()
        .await;
    reply.names("to");
}

#[tokio::test]
async fn a_session_is_exported_in_every_format() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &push_body(1, 3)).await;
    let get = async |query: &str| {
        let url = format!("http://{}{}", server.address, path(1, query));
        let request = server.http.get(url).bearer_auth(&ann.access);
        let response = request
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        (headers, response.bytes().await.unwrap())
    };
    let (headers, text) = get("export").await;
    assert_eq!(headers["content-type"], "application/x-ndjson");
    let name = format!("attachment; filename=\"session-{}.ndjson\"", session_id(1));
    assert_eq!(headers["content-disposition"].to_str().unwrap(), name);
    // As any long answer, the text is compressed for who asks for it.
    assert_eq!(headers["content-encoding"], "gzip");
    let text = crate::support::decompressed("gzip", &text).await;
    let lines: Vec<Value> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let sample = |index: i64| {
        json!({
            "sensor_type": "gyro",
            "timestamp": 1_700_000_000_000 + index,
            "data": { "x": index },
        })
    };
    assert_eq!(lines, [0, 1, 2].map(sample));
    let (headers, _) = get("export?format=csv").await;
    assert!(
        headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/csv")
    );
    let (headers, file) = get("export?format=parquet").await;
    assert_eq!(headers["content-type"], "application/vnd.apache.parquet");
    assert!(!headers.contains_key("content-encoding"));
    assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    let wrong = server
        .get(&path(1, "export?format=xlsx"))
        .by(&ann)
        .send()
        .await;
    wrong.names("format");
}

#[tokio::test]
async fn a_server_without_jobs_says_so() {
    let server = start(&[("KOODTX_JOBS", "off")]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &ended(1, 3)).await;
    let reply = server.post(&path(1, "analysis")).by(&ann).send().await;
    reply.is(503, "jobs_off");
    let reply = server.get("/api/jobs/01K9YQ4M7Z").by(&ann).send().await;
    reply.is(503, "jobs_off");
    // What needs no queue works.
    let found = server.get(&path(1, "anomalies")).by(&ann).send().await.ok();
    assert_eq!(found["total_anomalies"], 0);
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_no_obstacle_to_syncing() {
    // Nothing listens on that port.
    let server = start(&[("KOODTX_JOBS", "redis://127.0.0.1:1")]).await;
    let ann = server.register("ann").await;
    let pushed = push(&server, &ann, &ended(1, 3)).await;
    assert_eq!(pushed["inserted"], 3);
    let reply = server.post(&path(1, "analysis")).by(&ann).send().await;
    reply.is(503, "jobs_unavailable");
}

#[tokio::test]
async fn purged_samples_show_in_every_answer_about_the_session() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &ended(1, 3)).await;
    let pull = async |body: Value| {
        let pull = server.post("/api/sync/pull").by(&ann).json(&body);
        pull.send().await.ok()
    };
    let before = pull(json!({})).await;
    assert!(before["sessions"][0].get("data_purged_at").is_none());
    let (user, session) = (
        koodtx_core::id::UserId(ann.id),
        session_id(1).parse().unwrap(),
    );
    let state = server
        .store
        .session(user, session)
        .await
        .unwrap()
        .unwrap()
        .state;
    let now = koodtx_core::time::Timestamp::now();
    let purged = server
        .store
        .purge_samples(user, session, state.updated_at, now)
        .await;
    assert_eq!(purged.unwrap(), Some(3));
    // A device that has the session hears nothing; one that comes new sees that samples are missing.
    let since = json!({ "last_sync_time": before["server_timestamp"] });
    assert_eq!(pull(since).await["sessions"], json!([]));
    let fresh = pull(json!({})).await;
    let session = &fresh["sessions"][0];
    assert_eq!(session["data_purged_at"], json!(now));
    assert_eq!(
        (&session["data_count"], &session["sensor_data"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(fresh["deleted_session_ids"], json!([]));
    let list = server.get("/api/sessions").by(&ann).send().await.ok();
    assert_eq!(list["sessions"][0]["data_purged_at"], json!(now));
}

#[tokio::test]
async fn a_user_may_ask_for_some_analyses_a_minute() {
    let server = start(&[("KOODTX_RATE_LIMIT", "3")]).await;
    let ann = server.register("ann").await;
    push(&server, &ann, &push_body(1, 3)).await;
    let ask = async || server.post(&path(1, "analysis")).by(&ann).send().await;
    for _ in 0..3 {
        assert_eq!(ask().await.status, 202);
    }
    ask().await.is(429, "rate_limited");
    // What is there may be read all the same.
    assert_eq!(
        server
            .get(&path(1, "anomalies"))
            .by(&ann)
            .send()
            .await
            .status,
        200
    );
}
