//! Requests as clients send them, to be broken.

use reqwest::Method;
use serde_json::{Value, json};

/// A request that is fine.
#[derive(Clone, Debug)]
pub struct Seed {
    pub method: Method,
    pub path: &'static str,
    /// Null where the request has no body.
    pub body: Value,
}

const ID: &str = "0f81a4f3-c125-5dbf-ba8e-668c0884d7ac";

/// At least one for every endpoint; more for those that read much.
pub fn all() -> Vec<Seed> {
    let post = |path, body| Seed {
        method: Method::POST,
        path,
        body,
    };
    let get = |path| Seed {
        method: Method::GET,
        path,
        body: Value::Null,
    };
    vec![
        post("/api/auth/register", register()),
        post(
            "/api/auth/login",
            json!({ "username": "ann", "password": "correct horse battery" }),
        ),
        post("/api/auth/refresh", Value::Null),
        post("/api/auth/logout", Value::Null),
        get("/api/auth/me"),
        post("/api/sync/push", push()),
        post("/api/sync/push", push()),
        post("/api/sync/push", push_of_odd_values()),
        post(
            "/api/sync/push",
            json!({ "sensor_data": [], "session": metadata() }),
        ),
        post("/api/sync/pull", pull()),
        post(
            "/api/sync/pull",
            json!({ "page": 2, "page_size": 1, "session_ids": [ID] }),
        ),
        get("/api/sync/status"),
        get("/api/sessions?limit=10"),
        get("/api/sessions?limit=1&cursor=AAAA"),
        get("/api/sessions/0f81a4f3-c125-5dbf-ba8e-668c0884d7ac"),
        Seed {
            method: Method::DELETE,
            path: "/api/sessions/0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
            body: Value::Null,
        },
        get("/health"),
        get("/"),
        get("/docs"),
        get("/openapi.json"),
    ]
}

fn register() -> Value {
    json!({
        "username": "bob", "email": "bob@example.com", "password": "correct horse battery",
        "device_id": "bobs-phone",
    })
}

fn metadata() -> Value {
    json!({
        "session_id": ID, "start_time": "2025-11-13T00:00:00Z", "end_time": "2025-11-13T01:00:00+01:00",
        "is_active": false, "enabled_sensors": ["accelerometer", "gps"], "sample_rate": 100,
        "notes": "Morning workout \u{1f3c3}", "updated_at": "2025-11-13T01:00:01.250Z",
    })
}

fn push() -> Value {
    let records: Vec<_> = (0..20)
        .map(|index| {
            let timestamp = 1_699_876_543_210_i64 + index * 10;
            let data = json!({ "x": index as f64 / 7.0, "y": -index, "z": 9.8 });
            json!({ "sensor_type": "accelerometer", "timestamp": timestamp, "data": data })
        })
        .collect();
    json!({ "session": metadata(), "sensor_data": records })
}

fn push_of_odd_values() -> Value {
    json!({
        "session": metadata(),
        "sensor_data": [
            { "sensor_type": "gps", "timestamp": 1_699_876_543_210.125, "data": {} },
            { "sensor_type": "gps", "timestamp": 0, "data": { "a": [1, [2, { "b": null }]] },
              "updated_at": "2025-11-13T01:00:01Z" },
            { "sensor_type": "\u{e9}tat", "timestamp": 253_402_300_799_999_i64,
              "data": { "": "", "big": 9_007_199_254_740_993_i64, "tiny": 5e-324, "yes": true } },
            { "sensor_type": "accelerometer", "timestamp": 5, "data": { "x": "text", "y": 1.5 } },
        ],
    })
}

fn pull() -> Value {
    json!({
        "last_sync_time": "2025-11-13T01:00:01.250Z", "page": 1, "page_size": 5, "include_data": true,
        "changes_only": true, "max_records": 3, "session_ids": [ID], "cursor": null,
    })
}
