//! Requests that mean no good: never a 5xx, never a panic, never more memory than is allowed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::support::{TestServer, compressed, exchange, push_body};

const PATHS: [&str; 4] = [
    "/api/auth/register",
    "/api/auth/login",
    "/api/sync/push",
    "/api/sync/pull",
];
/// Broken bodies tried at random, for each path.
const RANDOM_BODIES_COUNT: usize = 60;

#[tokio::test]
async fn brackets_without_end() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let brackets = [
        "[".repeat(60_000),
        "{\"a\":".repeat(12_000),
        "[{\"a\":".repeat(9_000),
    ];
    for path in PATHS {
        for body in &brackets {
            let reply = server.post(path).by(&ann).raw(body.clone()).send().await;
            assert_eq!(reply.status, 400, "{path}: {}", reply.text);
        }
    }
    let session = &push_body(1, 0)["session"];
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let data = format!(
            "{{\"session\":{session},\"sensor_data\":[{{\"sensor_type\":\"a\",\"timestamp\":1,\
             \"data\":{{\"x\":{nested}}}}}]}}"
        );
        let answer = server
            .post("/api/sync/push")
            .by(&ann)
            .raw(data)
            .send()
            .await;
        // One bad record, or a bad body: both are the client's.
        assert!(
            answer.status == 200 && answer.json["errors"] == 1 || answer.status == 400,
            "{}",
            answer.text
        );
        let unknown = format!("{{\"session\":{session},\"sensor_data\":[],\"x\":{nested}}}");
        let answer = server
            .post("/api/sync/push")
            .by(&ann)
            .raw(unknown)
            .send()
            .await;
        assert!(matches!(answer.status, 200 | 400), "{}", answer.text);
        let whole = server
            .post("/api/sync/push")
            .by(&ann)
            .raw(nested)
            .send()
            .await;
        assert_eq!(whole.status, 400);
    }
}

#[tokio::test]
async fn wrong_types_in_every_place() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let good = json!({
        "session": {
            "session_id": crate::support::session_id(1), "start_time": "2025-11-13T00:00:00Z",
            "end_time": null, "is_active": true, "enabled_sensors": ["a"], "sample_rate": 1,
            "notes": "n", "updated_at": "2025-11-13T00:00:00Z",
        },
        "sensor_data": [{ "sensor_type": "a", "timestamp": 1, "data": { "x": 1 }, "updated_at": "2025-11-13T00:00:00Z" }],
    });
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(""),
        json!("x".repeat(300)),
        json!([]),
        json!([[]]),
        json!({}),
        json!({ "x": {} }),
        json!("\u{0}"),
        json!(u64::MAX),
        json!("9999-99-99"),
    ];
    let places = [
        "/session",
        "/session/session_id",
        "/session/start_time",
        "/session/end_time",
        "/session/is_active",
        "/session/enabled_sensors",
        "/session/enabled_sensors/0",
        "/session/sample_rate",
        "/session/notes",
        "/session/updated_at",
        "/sensor_data",
        "/sensor_data/0",
        "/sensor_data/0/sensor_type",
        "/sensor_data/0/timestamp",
        "/sensor_data/0/data",
        "/sensor_data/0/data/x",
        "/sensor_data/0/updated_at",
    ];
    for place in places {
        for value in &wrong {
            let mut body = good.clone();
            *body.pointer_mut(place).unwrap() = value.clone();
            let reply = server
                .post("/api/sync/push")
                .by(&ann)
                .json(&body)
                .send()
                .await;
            assert!(
                matches!(reply.status, 200 | 400),
                "{place} {value}: {}",
                reply.text
            );
        }
    }
    let pull = [
        "last_sync_time",
        "session_ids",
        "page",
        "page_size",
        "include_data",
        "changes_only",
        "cursor",
        "max_records",
    ];
    for field in pull {
        for value in &wrong {
            let reply = server
                .post("/api/sync/pull")
                .by(&ann)
                .json(&json!({ field: value }))
                .send()
                .await;
            assert!(
                matches!(reply.status, 200 | 400),
                "{field} {value}: {}",
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn bodies_that_are_broken_at_random() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let samples = [
        json!({ "username": "bob", "email": "b@example.com", "password": "long enough", "device_id": "d" }),
        json!({ "username": "ann", "password": "x" }),
        push_body(1, 3),
        json!({ "page": 1, "page_size": 5, "last_sync_time": "2025-01-01T00:00:00Z" }),
    ];
    let mut rng = StdRng::seed_from_u64(20_251_113);
    for (path, sample) in PATHS.into_iter().zip(samples) {
        for _ in 0..RANDOM_BODIES_COUNT {
            let body = break_at_random(&sample, &mut rng);
            let shown = String::from_utf8_lossy(&body).into_owned();
            let reply = server.post(path).by(&ann).raw(body).send().await;
            assert!(reply.status < 500, "{path} {shown}: {}", reply.text);
        }
    }
}

fn break_at_random(sample: &Value, rng: &mut StdRng) -> Vec<u8> {
    const SPECIAL: &[u8] = b"{}[]\",:\\\x000-.eEu+ tn\xff\xc3";
    let mut bytes = sample.to_string().into_bytes();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..5) {
            0 => bytes.truncate(at.max(1)),
            1 => bytes[at] = SPECIAL[rng.random_range(0..SPECIAL.len())],
            2 => bytes.insert(at, SPECIAL[rng.random_range(0..SPECIAL.len())]),
            3 => bytes[at] = rng.random(),
            _ => {
                let part = bytes[at..].to_vec();
                bytes.extend(part);
            }
        }
    }
    bytes
}

#[tokio::test]
async fn bombs_stop_at_the_limit() {
    const LIMIT_BYTES: usize = 1_000_000;
    const BOMB_BYTES: usize = 300_000_000;
    let server = TestServer::with(&[("KOODTX_MAX_BODY_BYTES", "1000000")]).await;
    let ann = server.register("ann").await;
    for coding in ["gzip", "deflate", "br", "zstd"] {
        // A bomb is cheap to make only where the same bytes repeat.
        let bytes = if coding == "br" {
            BOMB_BYTES / 100
        } else {
            BOMB_BYTES / 10
        };
        let bomb = compressed(coding, &vec![b' '; bytes]).await;
        assert!(bomb.len() < LIMIT_BYTES / 10, "{coding}: {}", bomb.len());
        let request = server
            .post("/api/sync/push")
            .by(&ann)
            .header("content-encoding", coding);
        request
            .raw(bomb.clone())
            .send()
            .await
            .is(413, "body_too_large");
        let request = server
            .post("/api/auth/login")
            .header("content-encoding", coding);
        request.raw(bomb).send().await.is(413, "body_too_large");
    }
}

#[tokio::test]
async fn a_zstd_window_beyond_8_mib_is_refused() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    // A frame header that asks for a window of 1 GiB, and a raw block of one byte.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x09, 0x00, 0x00, b' '];
    let request = server
        .post("/api/sync/push")
        .by(&ann)
        .header("content-encoding", "zstd");
    request
        .raw(frame.to_vec())
        .send()
        .await
        .is(400, "body_undecodable");
}

#[tokio::test]
async fn heads_that_are_no_http() {
    let server = TestServer::start().await;
    let large_header = format!(
        "GET /health HTTP/1.1\r\nx: {}\r\n\r\n",
        "y".repeat(1_000_000)
    );
    let many_headers = format!("GET /health HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(5_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000));
    let cases: [&[u8]; 8] = [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"POST /api/sync/push HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/sync/push HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        large_header.as_bytes(),
        many_headers.as_bytes(),
        long_path.as_bytes(),
    ];
    for case in cases {
        let answer = exchange(server.address, case, Duration::from_millis(500)).await;
        let shown = String::from_utf8_lossy(&case[..case.len().min(60)]);
        assert!(!answer.starts_with("HTTP/1.1 5"), "{shown}: {answer}");
        assert!(!answer.starts_with("HTTP/1.1 200"), "{shown}: {answer}");
    }
    server.get("/health").send().await.ok();
}

#[tokio::test]
async fn paths_and_queries_that_are_strange() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let paths = [
        "/api/sessions/%00",
        "/api/sessions/%ff%fe",
        "/api/sessions/..%2f..%2fetc%2fpasswd",
        "/api/sessions/%",
        "/api/sessions?limit=%ff",
        "/api/sessions?limit=1&limit=2",
        "/api/sessions?cursor=%00",
        "/api/sessions?=&&&=",
        "/api/sessions?limit",
        "/%2e%2e/",
        "/docs/../api",
        "/api/sessions/\u{1f600}",
    ];
    for path in paths {
        let url = format!("http://{}{path}", server.address);
        let response = server
            .http
            .get(url)
            .bearer_auth(&ann.access)
            .send()
            .await
            .unwrap();
        assert!(
            response.status().as_u16() < 500,
            "{path}: {}",
            response.status()
        );
    }
}
