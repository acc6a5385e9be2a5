//! The columnar form over HTTP: both forms mean the same, whichever way they go.

use serde_json::{Value, json};

use super::start;
use crate::support::columns::{MEDIA_TYPE as COLUMNS, records};
use crate::support::{Account, Reply, TestServer, compressed, push_body, record, session_id};

fn session(number: u32) -> Value {
    json!({ "session_id": session_id(number), "start_time": "2025-11-13T00:00:00Z" })
}

async fn push(server: &TestServer, account: &Account, kind: &str, body: &Value) -> Reply {
    let request = server.post("/api/sync/push").by(account);
    let request = request.header("content-type", kind);
    request.body(body.to_string()).send().await
}

async fn pull(server: &TestServer, account: &Account, accept: &str, request: Value) -> Reply {
    let pull = server.post("/api/sync/pull").by(account);
    pull.header("accept", accept).json(&request).send().await
}

/// Records with every kind of value, and one of a fraction of a millisecond.
fn samples() -> Vec<Value> {
    let mut samples: Vec<Value> = (0..3_000)
        .map(|n| {
            let sensor = ["accelerometer", "gps", "heart rate"][n as usize % 3];
            let data = match n % 7 {
                0 => json!({ "x": f64::from(n) / 8.0, "big": 18_446_744_073_709_551_615_u64 }),
                1 => json!({ "x": null, "tags": ["a", { "b": true }] }),
                2 => json!({}),
                _ => json!({ "x": f64::from(n) * 0.1, "y": n, "note": "ü\"\n" }),
            };
            json!({ "sensor_type": sensor, "timestamp": 1_700_000_000_000_i64 + i64::from(n), "data": data })
        })
        .collect();
    samples.push(
        json!({ "sensor_type": "gps", "timestamp": 1_700_000_000_000.125, "data": { "x": 1 } }),
    );
    samples
}

#[tokio::test]
async fn what_is_pushed_in_one_form_comes_back_in_both() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let body = json!({ "session": session(1), "sensor_data": samples() });
    push(&server, &ann, "application/json", &body).await.ok();

    let documented = pull(&server, &ann, "*/*", json!({})).await;
    assert_eq!(documented.headers["content-type"], "application/json");
    let columns = pull(&server, &ann, COLUMNS, json!({})).await;
    assert_eq!(columns.headers["content-type"], COLUMNS);
    for reply in [&documented, &columns] {
        let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|vary| *vary == "accept"), "{vary:?}");
    }
    assert!(columns.text.len() < documented.text.len() / 2);
    let (documented, columns) = (documented.ok(), columns.ok());
    let sent = &documented["sessions"][0]["sensor_data"];
    let groups = &columns["sessions"][0]["columns"];
    assert_eq!(sent.as_array().unwrap().len(), 3_001);
    assert_eq!(records(groups), *sent);

    // The groups are pushed as they are: nothing new to the same session, and a copy of it to another.
    let again = json!({ "session": session(1), "columns": groups });
    let answer = push(&server, &ann, COLUMNS, &again).await.ok();
    assert_eq!(
        (&answer["duplicates"], &answer["errors"]),
        (&json!(3_001), &json!(0))
    );
    let copy = json!({ "session": session(2), "columns": groups });
    let answer = push(&server, &ann, COLUMNS, &copy).await.ok();
    assert_eq!(
        (&answer["inserted"], &answer["errors"]),
        (&json!(3_001), &json!(0))
    );
    let request = json!({ "session_ids": [session_id(2)] });
    let copied = pull(&server, &ann, "application/json", request).await.ok();
    assert_eq!(copied["sessions"][0]["sensor_data"], *sent);
}

#[tokio::test]
async fn changes_and_pages_are_the_same_in_both_forms() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let first = push_body(1, 50);
    push(&server, &ann, "application/json", &first).await.ok();
    let since = pull(&server, &ann, COLUMNS, json!({})).await.ok();
    let since = &since["server_timestamp"];
    let group = json!({ "sensor_type": "gyro", "data": { "x": [-1, 50.0] }, "updated_at": null,
        "timestamp": { "first": 1_700_000_000_003_i64, "steps": [47] } });
    let more = json!({ "session": session(1), "columns": [group] });
    let answer = push(&server, &ann, COLUMNS, &more).await.ok();
    assert_eq!(
        (&answer["inserted"], &answer["updated"]),
        (&json!(1), &json!(1))
    );

    let changes = json!({ "last_sync_time": since, "changes_only": true });
    let changed = pull(&server, &ann, COLUMNS, changes).await.ok();
    assert_eq!(
        records(&changed["sessions"][0]["columns"]),
        json!([
            record("gyro", 1_700_000_000_003, -1.0),
            record("gyro", 1_700_000_000_050, 50.0)
        ])
        .as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let mut record = record.clone();
            let x = record["data"]["x"].as_f64().unwrap() as i64;
            record["data"]["x"] = json!(x);
            record
        })
        .collect::<Value>()
    );

    let mut request = json!({ "max_records": 20 });
    let mut all = Vec::new();
    for page in 0.. {
        let answer = pull(&server, &ann, COLUMNS, request.clone()).await.ok();
        let session = &answer["sessions"][0];
        assert_eq!(session["continues"] == true, page > 0);
        all.extend(records(&session["columns"]).as_array().unwrap().clone());
        if answer["has_more"] == false {
            break;
        }
        request["cursor"] = answer["next_cursor"].clone();
    }
    let documented = pull(&server, &ann, "application/json", json!({}))
        .await
        .ok();
    assert_eq!(json!(all), documented["sessions"][0]["sensor_data"]);
    assert_eq!(all.len(), 51);
}

#[tokio::test]
async fn what_is_wrong_is_refused_as_in_the_documented_form() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    // One row of four is wrong, and one group has no sensor.
    let body = json!({ "session": session(1), "columns": [
        { "sensor_type": "a", "timestamp": [1, 2, 1_700_000_000_000_000_i64, 4], "data": { "x": [1, 2, 3, 4] } },
        { "sensor_type": "", "timestamp": [1], "data": {} },
    ] });
    let answer = push(&server, &ann, COLUMNS, &body).await.ok();
    assert_eq!(
        (&answer["inserted"], &answer["errors"]),
        (&json!(3), &json!(2))
    );
    let details = answer["error_details"].as_array().unwrap();
    let details: Vec<_> = details
        .iter()
        .map(|one| (&one["index"], &one["code"]))
        .collect();
    assert_eq!(
        details,
        [
            (&json!(2), &json!("timestamp_out_of_range")),
            (&json!(4), &json!("invalid_sensor_type"))
        ]
    );

    let uneven = json!({ "session": session(1), "columns": [
        { "sensor_type": "a", "timestamp": [5], "data": { "x": [1, 2] } },
    ] });
    let reply = push(&server, &ann, COLUMNS, &uneven).await;
    reply.names("columns[0].data.x");
    let error = reply.json["error"].as_str().unwrap();
    assert!(
        error.contains("has 2 values") && error.contains("1 rows"),
        "{error}"
    );
    // A body of the one form under the name of the other.
    push(&server, &ann, COLUMNS, &push_body(1, 1))
        .await
        .names("sensor_data");
    push(&server, &ann, "application/json", &uneven)
        .await
        .names("sensor_data");

    let status = server.get("/api/sync/status").by(&ann).send().await.ok();
    let log = status["recent_syncs"].as_array().unwrap();
    let statuses: Vec<_> = log
        .iter()
        .map(|entry| entry["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["failed", "failed", "failed", "partial"]);
    assert_eq!(log[3]["body_bytes"], body.to_string().len());
    assert_eq!(
        (&log[3]["records_count"], &log[3]["errors_count"]),
        (&json!(5), &json!(2))
    );
    assert!(
        log[2]["error"]
            .as_str()
            .unwrap()
            .contains("columns[0].data.x")
    );
}

#[tokio::test]
async fn too_many_rows_are_a_413() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let zeros = vec!["0"; 1_000_000].join(",");
    let body = format!(
        r#"{{"session":{},"columns":[{{"sensor_type":"a","data":{{}},"timestamp":{{"first":0,"steps":[{zeros}]}}}}]}}"#,
        session(1)
    );
    let request = server
        .post("/api/sync/push")
        .by(&ann)
        .header("content-type", COLUMNS);
    let reply = request.body(body).send().await;
    reply.is(413, "batch_too_large");
    assert_eq!(reply.field(), "columns");
}

#[tokio::test]
async fn a_form_that_is_not_known_is_a_415_and_only_pushes_come_in_columns() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let body = json!({ "session": session(1), "columns": [] });
    let unknown = "application/vnd.koodtx.rows+json";
    let reply = push(&server, &ann, unknown, &body).await;
    reply.is(415, "unsupported_media_type");
    assert_eq!(
        reply.json["details"]["accepted"],
        json!(["application/json", COLUMNS])
    );
    let pull = server
        .post("/api/sync/pull")
        .by(&ann)
        .header("content-type", COLUMNS);
    let reply = pull.body("{}").send().await;
    reply.is(415, "unsupported_media_type");
    assert_eq!(
        reply.json["details"]["accepted"],
        json!(["application/json"])
    );
    // Parameters say nothing of the form.
    let kind = format!("{COLUMNS}; charset=utf-8");
    push(&server, &ann, &kind, &body).await.ok();
}

#[tokio::test]
async fn groups_may_be_compressed_both_ways() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let steps = vec![1; 4_999];
    let values: Vec<f64> = (0..5_000).map(|n| f64::from(n) / 8.0).collect();
    let body = json!({ "session": session(1), "columns": [
        { "sensor_type": "a", "timestamp": { "first": 0, "steps": steps }, "data": { "x": values } },
    ] });
    let small = compressed("gzip", body.to_string().as_bytes()).await;
    let request = server
        .post("/api/sync/push")
        .by(&ann)
        .header("content-type", COLUMNS);
    let request = request.header("content-encoding", "gzip").body(small);
    assert_eq!(request.send().await.ok()["inserted"], 5_000);
    let pulled = server
        .http
        .post(format!("http://{}/api/sync/pull", server.address))
        .bearer_auth(&ann.access)
        .header("accept", COLUMNS)
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(pulled.headers()["content-encoding"], "gzip");
    assert_eq!(pulled.headers()["content-type"], COLUMNS);
    let vary: Vec<_> = pulled.headers().get_all("vary").iter().collect();
    assert_eq!(vary, ["accept", "accept-encoding"]);
    let text = pulled.bytes().await.unwrap();
    let text = crate::support::decompressed("gzip", &text).await;
    let answer: Value = serde_json::from_slice(&text).unwrap();
    let groups = answer["sessions"][0]["columns"].as_array().unwrap();
    let pulled: Vec<Value> = groups
        .iter()
        .flat_map(|group| group["data"]["x"].as_array().unwrap().clone())
        .collect();
    let pulled: Vec<f64> = pulled.iter().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(pulled, values);
}

/// Recordings of real sensors, through the columnar form and back, every value compared.
#[tokio::test]
async fn real_recordings_survive_both_ways() {
    const FILES: [&str; 2] = [
        include_str!("../../../examples/data/basic_motions.jsonl"),
        include_str!("../../../examples/data/gps_tracks.jsonl"),
    ];
    let server = start(&[]).await;
    let (ann, ben) = (server.register("ann").await, server.register("ben").await);
    let mut compared = 0;
    for line in FILES.into_iter().flat_map(|file| file.lines()) {
        let body: Value = serde_json::from_str(line).unwrap();
        push(&server, &ann, "application/json", &body).await.ok();
        let only = json!({ "session_ids": [body["session"]["session_id"]] });
        let groups = pull(&server, &ann, COLUMNS, only.clone()).await.ok();
        let groups = &groups["sessions"][0]["columns"];
        let columns = json!({ "session": body["session"], "columns": groups });
        let answer = push(&server, &ben, COLUMNS, &columns).await.ok();
        assert_eq!(answer["errors"], 0);
        let theirs = pull(&server, &ben, "application/json", only).await.ok();
        let theirs = theirs["sessions"][0]["sensor_data"].as_array().unwrap();
        let mut sent: Vec<&Value> = body["sensor_data"].as_array().unwrap().iter().collect();
        sent.sort_by_key(|record| {
            (
                record["timestamp"].as_i64().unwrap(),
                record["sensor_type"].as_str().unwrap(),
            )
        });
        assert_eq!(theirs.len(), sent.len());
        for (theirs, sent) in theirs.iter().zip(sent) {
            assert_eq!(theirs["sensor_type"], sent["sensor_type"]);
            assert_eq!(theirs["timestamp"], sent["timestamp"]);
            let (theirs, sent) = (&theirs["data"], &sent["data"]);
            assert_eq!(
                theirs.as_object().unwrap().len(),
                sent.as_object().unwrap().len()
            );
            for (name, value) in sent.as_object().unwrap() {
                match value.as_f64() {
                    Some(number) => assert_eq!(theirs[name].as_f64(), Some(number)),
                    None => assert_eq!(theirs[name], *value),
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 48_000, "{compared}");
}
