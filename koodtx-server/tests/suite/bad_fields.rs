//! The 400 that names the field, and the one for a body that is no JSON.

use serde_json::{Value, json};

use crate::support::{TestServer, push_body};

#[tokio::test]
async fn a_400_names_the_field() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let good_account = json!({
        "username": "bob", "email": "bob@example.com", "password": "long enough", "device_id": "x",
    });
    let without = |body: &Value, pointer: &str| {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let mut body = body.clone();
        body.pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field);
        body
    };
    let with = |body: &Value, pointer: &str, value: Value| {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let mut body = body.clone();
        body.pointer_mut(parent).unwrap()[field] = value;
        body
    };

    for field in ["username", "email", "password", "device_id"] {
        let pointer = format!("/{field}");
        let wrong = [json!(7), json!({}), json!("")];
        let mut bodies = vec![without(&good_account, &pointer)];
        bodies.extend(wrong.map(|value| with(&good_account, &pointer, value)));
        for body in bodies {
            server
                .post("/api/auth/register")
                .json(&body)
                .send()
                .await
                .names(field);
        }
    }
    let short = with(&good_account, "/password", json!("seven77"));
    server
        .post("/api/auth/register")
        .json(&short)
        .send()
        .await
        .names("password");
    for field in ["username", "password"] {
        let body = without(
            &json!({ "username": "ann", "password": "x" }),
            &format!("/{field}"),
        );
        server
            .post("/api/auth/login")
            .json(&body)
            .send()
            .await
            .names(field);
    }
    let device = json!({ "username": "ann", "password": "x", "device_id": 5 });
    server
        .post("/api/auth/login")
        .json(&device)
        .send()
        .await
        .names("device_id");

    let push = push_body(1, 1);
    let cases = [
        (without(&push, "/session"), "session"),
        (without(&push, "/sensor_data"), "sensor_data"),
        (without(&push, "/session/session_id"), "session.session_id"),
        (without(&push, "/session/start_time"), "session.start_time"),
        (with(&push, "/session", json!([])), "session"),
        (with(&push, "/sensor_data", json!({})), "sensor_data"),
        (
            with(&push, "/session/session_id", json!("no uuid")),
            "session.session_id",
        ),
        (
            with(&push, "/session/start_time", json!("yesterday")),
            "session.start_time",
        ),
        (
            with(&push, "/session/end_time", json!("2025-11-12T00:00:00Z")),
            "session.end_time",
        ),
        (
            with(&push, "/session/is_active", json!("yes")),
            "session.is_active",
        ),
        (
            with(&push, "/session/sample_rate", json!(0)),
            "session.sample_rate",
        ),
        (
            with(&push, "/session/enabled_sensors", json!("gps")),
            "session.enabled_sensors",
        ),
        (
            with(&push, "/session/notes", json!("x".repeat(10_001))),
            "session.notes",
        ),
        (
            with(&push, "/session/updated_at", json!(1)),
            "session.updated_at",
        ),
    ];
    for (body, field) in cases {
        server
            .post("/api/sync/push")
            .by(&ann)
            .json(&body)
            .send()
            .await
            .names(field);
    }

    let cases = [
        (json!({ "page": 0 }), "page"),
        (json!({ "page_size": 101 }), "page_size"),
        (json!({ "page_size": "many" }), "page_size"),
        (json!({ "last_sync_time": "yesterday" }), "last_sync_time"),
        (json!({ "session_ids": ["no uuid"] }), "session_ids"),
        (json!({ "session_ids": "x" }), "session_ids"),
        (json!({ "include_data": 1 }), "include_data"),
        (json!({ "changes_only": "x" }), "changes_only"),
        (json!({ "cursor": "forged" }), "cursor"),
        (json!({ "max_records": 0 }), "max_records"),
    ];
    for (body, field) in cases {
        server
            .post("/api/sync/pull")
            .by(&ann)
            .json(&body)
            .send()
            .await
            .names(field);
    }

    let cases = [
        ("/api/sessions?limit=0", "limit"),
        ("/api/sessions?limit=101", "limit"),
        ("/api/sessions?limit=x", "limit"),
        ("/api/sessions?limit=-1", "limit"),
        ("/api/sessions?cursor=x", "cursor"),
        ("/api/sessions/no-uuid", "session_id"),
        (
            "/api/sessions/000000000000400080000000000000ff",
            "session_id",
        ),
    ];
    for (path, field) in cases {
        server.get(path).by(&ann).send().await.names(field);
    }
    server
        .delete("/api/sessions/no-uuid")
        .by(&ann)
        .send()
        .await
        .names("session_id");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_400() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    for body in [
        "",
        "{",
        "[]",
        "nonsense",
        "{\"a\":}",
        "\u{feff}{}",
        "{\"username\":\"\u{0}\"",
    ] {
        for path in ["/api/auth/register", "/api/auth/login", "/api/sync/push"] {
            let reply = server.post(path).by(&ann).raw(body).send().await;
            assert_eq!(reply.status, 400, "{path} {body}: {}", reply.text);
        }
    }
    server
        .post("/api/sync/pull")
        .by(&ann)
        .raw("{\"page\":")
        .send()
        .await
        .is(400, "malformed_json");
    server
        .post("/api/sync/push")
        .by(&ann)
        .raw(vec![0xff, 0xfe])
        .send()
        .await
        .is(400, "malformed_json");
}
