//! What clients are told of limits, and who may make an account.

use serde_json::{Value, json};

use crate::support::{TestServer, push_body, record};

#[tokio::test]
async fn a_client_can_ask_what_holds() {
    let settings = [
        ("KOODTX_RATE_LIMIT", "7"),
        ("KOODTX_REQUESTS_PER_MINUTE_ADDRESS", "4000"),
        ("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "500"),
        ("KOODTX_CONCURRENT_REQUESTS", "20"),
        ("KOODTX_MAX_BODY_BYTES", "1000000"),
        ("KOODTX_BODY_TIMEOUT_SECONDS", "12"),
        ("KOODTX_ACCESS_TOKEN_MINUTES", "5"),
        ("KOODTX_REFRESH_TOKEN_DAYS", "2"),
        ("KOODTX_QUOTA_SESSIONS", "12"),
        ("KOODTX_QUOTA_BYTES", "3000000000000"),
    ];
    let server = TestServer::with(&settings).await;
    let limits = server.get("/api/limits").send().await.ok();
    let expected = json!({
        "registration": "open",
        "requests": {
            "per_minute_address": 4_000,
            "per_minute_account": 500,
            "sign_ins_per_minute": 7,
            "concurrent": 20,
            "heavy_concurrent": 4,
            "heavy_concurrent_account": 2,
            "body_bytes": 65_536,
            "body_timeout_seconds": 12,
            "body_min_bytes_per_second": 500,
        },
        "push": {
            "body_bytes": 1_000_000,
            "records": 1_000_000,
            "session_bytes": 262_144,
            "notes_chars": 10_000,
            "enabled_sensors": 100,
            "sensor_types": 1_000,
            "sensor_type_chars": 50,
            "data_bytes": 16_384,
            "data_depth": 16,
        },
        "pull": { "session_ids": 1_000, "page_size": 100, "page_size_default": 50, "page": 10_000 },
        "quota": { "sessions": 12, "bytes": 3_000_000_000_000_u64 },
        "tokens": { "access_seconds": 300, "refresh_seconds": 172_800 },
    });
    assert_eq!(limits, expected);
    let root = server.get("/").send().await.ok();
    assert_eq!(root["links"]["limits"], "/api/limits");
}

#[tokio::test]
async fn what_is_off_is_null() {
    let server = TestServer::start().await;
    let limits = server.get("/api/limits").send().await.ok();
    for rate in [
        "per_minute_address",
        "per_minute_account",
        "sign_ins_per_minute",
    ] {
        assert_eq!(limits["requests"][rate], Value::Null, "{rate}");
    }
    assert_eq!(limits["quota"], json!({ "sessions": null, "bytes": null }));
}

#[tokio::test]
async fn the_limits_that_are_told_are_those_that_hold() {
    let server = TestServer::with(&[("KOODTX_MAX_BODY_BYTES", "300000")]).await;
    let ann = server.register("ann").await;
    let limits = server.get("/api/limits").send().await.ok();
    let of = |group: &str, limit: &str| limits[group][limit].as_u64().unwrap() as usize;
    let send = async |path: &str, body: Value, bytes: usize| {
        let mut text = body.to_string();
        text.extend(std::iter::repeat_n(' ', bytes.saturating_sub(text.len())));
        server.post(path).by(&ann).raw(text).send().await
    };
    let (push, pull) = ("/api/sync/push", "/api/sync/pull");

    for (path, group) in [(push, "push"), (pull, "requests")] {
        let bytes = of(group, "body_bytes");
        send(path, push_body(1, 0), bytes).await.ok();
        let reply = send(path, push_body(1, 0), bytes + 1).await;
        reply.is(413, "body_too_large");
    }
    let with_notes = |chars: usize| {
        let mut body = push_body(1, 0);
        body["session"]["notes"] = json!("ä".repeat(chars));
        body
    };
    let chars = of("push", "notes_chars");
    send(push, with_notes(chars), 0).await.ok();
    send(push, with_notes(chars + 1), 0)
        .await
        .names("session.notes");

    // A record that breaks a limit is counted; it fails nothing.
    let errors = async |record: Value| {
        let mut body = push_body(1, 0);
        body["sensor_data"] = json!([record]);
        send(push, body, 0).await.ok()["errors"].as_u64().unwrap()
    };
    let of_data = |data: Value| json!({ "sensor_type": "a", "timestamp": 1, "data": data });
    let text = |bytes: usize| json!({ "x": "y".repeat(bytes - r#"{"x":""}"#.len()) });
    let bytes = of("push", "data_bytes");
    assert_eq!(errors(of_data(text(bytes))).await, 0);
    assert_eq!(errors(of_data(text(bytes + 1))).await, 1);
    let nested = |depth: usize| (1..depth).fold(json!({}), |inner, _| json!({ "x": inner }));
    let depth = of("push", "data_depth");
    assert_eq!(errors(of_data(nested(depth))).await, 0);
    assert_eq!(errors(of_data(nested(depth + 1))).await, 1);
    let chars = of("push", "sensor_type_chars");
    assert_eq!(errors(record(&"s".repeat(chars), 1, 1.0)).await, 0);
    assert_eq!(errors(record(&"s".repeat(chars + 1), 1, 1.0)).await, 1);

    let ids = |count: usize| {
        let ids: Vec<_> = (0..count as u32).map(crate::support::session_id).collect();
        json!({ "session_ids": ids })
    };
    let count = of("pull", "session_ids");
    send(pull, ids(count), 0).await.ok();
    send(pull, ids(count + 1), 0).await.names("session_ids");
    for field in ["page_size", "page"] {
        let most = of("pull", field);
        send(pull, json!({ field: most }), 0).await.ok();
        send(pull, json!({ field: most + 1 }), 0).await.names(field);
    }
    let default = of("pull", "page_size_default");
    assert_eq!(send(pull, json!({}), 0).await.ok()["page_size"], default);
}

#[tokio::test]
async fn where_registration_is_closed_only_the_operator_makes_accounts() {
    let server = TestServer::with(&[("KOODTX_REGISTRATION", "closed")]).await;
    let limits = server.get("/api/limits").send().await.ok();
    assert_eq!(limits["registration"], "closed");
    let ann = json!({
        "username": "ann", "email": "ann@example.com", "password": "long enough",
        "device_id": "phone",
    });
    for body in [ann.to_string(), "{}".to_owned(), "nonsense".to_owned()] {
        let reply = server.post("/api/auth/register").raw(body).send().await;
        reply.is(403, "registration_closed");
        let message = reply.json["error"].as_str().unwrap();
        assert!(
            message.contains("operator") && message.contains("user create"),
            "{message}"
        );
    }
    let login = server.post("/api/auth/login").json(&ann).send().await;
    login.is(401, "invalid_credentials");
}
