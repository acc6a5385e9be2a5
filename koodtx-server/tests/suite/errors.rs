//! Every row of the protocol's table of errors.

use koodtx_core::store::StoreErrorKind;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::{FaultyStore, TestServer, Trouble, push_body, session_id};

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

#[tokio::test]
async fn what_does_not_exist_is_a_404() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let bob = server.register("bob").await;
    let push = server
        .post("/api/sync/push")
        .by(&ann)
        .json(&push_body(1, 3));
    push.send().await.ok();

    let path = |number| format!("/api/sessions/{}", session_id(number));
    server
        .get(&path(2))
        .by(&ann)
        .send()
        .await
        .is(404, "session_not_found");
    server
        .delete(&path(2))
        .by(&ann)
        .send()
        .await
        .is(404, "session_not_found");
    // Another user's session does not exist.
    server
        .get(&path(1))
        .by(&bob)
        .send()
        .await
        .is(404, "session_not_found");
    server
        .delete(&path(1))
        .by(&bob)
        .send()
        .await
        .is(404, "session_not_found");
    server.get(&path(1)).by(&ann).send().await.ok();

    for unknown in [
        "/api",
        "/api/",
        "/api/sync/pushes",
        "/favicon.ico",
        "/api/sessions/a/b",
        "//",
    ] {
        server.get(unknown).send().await.is(404, "route_not_found");
        server
            .post(unknown)
            .json(&json!({}))
            .send()
            .await
            .is(404, "route_not_found");
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_405_that_lists_the_right_ones() {
    let server = TestServer::start().await;
    let cases = [
        ("/api/sync/push", "POST"),
        ("/api/auth/login", "POST"),
        ("/api/sessions", "GET, HEAD"),
        (
            "/api/sessions/00000000-0000-4000-8000-000000000001",
            "DELETE, GET, HEAD",
        ),
        ("/health", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
    ];
    for (path, allowed) in cases {
        let url = format!("http://{}{path}", server.address);
        let reply = server.http.put(url).body("{}").send().await.unwrap();
        assert_eq!(reply.status(), 405, "{path}");
        assert_eq!(reply.headers()["allow"], allowed, "{path}");
        let body: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
        assert_eq!(body["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_413_that_names_the_limit() {
    let server = TestServer::with(&[("KOODTX_MAX_BODY_BYTES", "20000")]).await;
    let ann = server.register("ann").await;
    let limit = |reply: &crate::support::Reply| reply.json["details"]["limit_bytes"].as_u64();

    let large = push_body(1, 400).to_string();
    assert!(large.len() > 20_000);
    let known = server
        .post("/api/sync/push")
        .by(&ann)
        .raw(large.clone())
        .send()
        .await;
    known.is(413, "body_too_large");
    assert_eq!(limit(&known), Some(20_000));
    assert!(known.text.contains("20000 bytes"));

    // Without a Content-Length: the body comes in chunks.
    let chunks: Vec<_> = large.as_bytes().chunks(1_000).map(<[u8]>::to_vec).collect();
    let stream = futures_util::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let body = reqwest::Body::wrap_stream(stream);
    let unknown = server
        .post("/api/sync/push")
        .by(&ann)
        .raw(body)
        .send()
        .await;
    unknown.is(413, "body_too_large");

    // Everything but a push has a limit of its own.
    let long = json!({ "username": "ann", "password": "x".repeat(70_000) });
    for path in ["/api/auth/login", "/api/auth/register", "/api/sync/pull"] {
        let reply = server.post(path).by(&ann).json(&long).send().await;
        reply.is(413, "body_too_large");
        assert_eq!(limit(&reply), Some(65_536));
    }
    // A body of exactly the limit passes.
    let mut exact = push_body(1, 100).to_string();
    exact.push_str(&" ".repeat(20_000 - exact.len()));
    server
        .post("/api/sync/push")
        .by(&ann)
        .raw(exact.clone())
        .send()
        .await
        .ok();
    exact.push(' ');
    server
        .post("/api/sync/push")
        .by(&ann)
        .raw(exact)
        .send()
        .await
        .is(413, "body_too_large");
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_a_413() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let records = vec!["0"; 1_000_001].join(",");
    let session = &push_body(1, 0)["session"];
    let body = format!("{{\"session\":{session},\"sensor_data\":[{records}]}}");
    let reply = server
        .post("/api/sync/push")
        .by(&ann)
        .raw(body)
        .send()
        .await;
    reply.is(413, "batch_too_large");
    assert!(
        reply.text.contains("1000000") || reply.text.contains("1,000,000"),
        "{}",
        reply.text
    );
    server
        .get(&format!("/api/sessions/{}", session_id(1)))
        .by(&ann)
        .send()
        .await
        .is(404, "session_not_found");
}

#[tokio::test]
async fn what_is_not_json_or_coded_strangely_is_a_415() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let body = push_body(1, 1).to_string();
    let push = || server.post("/api/sync/push").by(&ann).body(body.clone());
    push().send().await.is(415, "unsupported_media_type");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "json",
        "application/xml",
    ] {
        push()
            .header("content-type", kind)
            .send()
            .await
            .is(415, "unsupported_media_type");
    }
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.x+json",
    ] {
        push().header("content-type", kind).send().await.ok();
    }
    for path in ["/api/auth/login", "/api/auth/register", "/api/sync/pull"] {
        let reply = server.post(path).by(&ann).body("{}").send().await;
        reply.is(415, "unsupported_media_type");
    }
    for coding in ["compress", "gzip, br", "x", "lzma"] {
        let reply = push()
            .header("content-type", "application/json")
            .header("content-encoding", coding)
            .send()
            .await;
        reply.is(415, "unsupported_content_encoding");
        assert_eq!(
            reply.json["details"]["accepted"],
            json!(["zstd", "gzip", "br", "deflate"])
        );
    }
    let identity = push()
        .header("content-type", "application/json")
        .header("content-encoding", "identity");
    identity.send().await.ok();
}

#[tokio::test]
async fn too_many_attempts_are_a_429() {
    let server = TestServer::with(&[("KOODTX_RATE_LIMIT", "3")]).await;
    let body = json!({ "username": "ann", "password": "wrong" });
    for _ in 0..3 {
        let reply = server.post("/api/auth/login").json(&body).send().await;
        reply.is(401, "invalid_credentials");
    }
    let refused = server.post("/api/auth/login").json(&body).send().await;
    refused.is(429, "rate_limited");
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    // Registering counts as well, and all others of the address wait too.
    server
        .post("/api/auth/register")
        .json(&json!({}))
        .send()
        .await
        .is(429, "rate_limited");
    // What needs a token has no such limit.
    server.get("/health").send().await.ok();
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_count() {
    let settings = [("KOODTX_RATE_LIMIT", "1"), ("KOODTX_BEHIND_PROXY", "true")];
    let server = TestServer::with(&settings).await;
    let login = |name: &str, from: &str| {
        let body = json!({ "username": name, "password": "wrong" });
        server
            .post("/api/auth/login")
            .header("x-forwarded-for", from)
            .json(&body)
            .send()
    };
    login("a", "203.0.113.1")
        .await
        .is(401, "invalid_credentials");
    // What a client writes there itself comes before what the proxy adds.
    login("b", "203.0.113.9, 203.0.113.1")
        .await
        .is(429, "rate_limited");
    login("c", "203.0.113.2")
        .await
        .is(401, "invalid_credentials");
    // The account counts as well.
    login("a", "203.0.113.3").await.is(429, "rate_limited");

    let server = TestServer::with(&[("KOODTX_RATE_LIMIT", "1")]).await;
    let login = |name: &str, from: &str| {
        let body = json!({ "username": name, "password": "wrong" });
        server
            .post("/api/auth/login")
            .header("x-forwarded-for", from)
            .json(&body)
            .send()
    };
    login("a", "203.0.113.1")
        .await
        .is(401, "invalid_credentials");
    login("b", "203.0.113.2").await.is(429, "rate_limited");
}

#[tokio::test]
async fn a_store_that_fails_is_a_503_or_a_500_that_tells_nothing() {
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::on(store.clone(), &[]).await;
    let ann = server.register("ann").await;
    let one = format!("/api/sessions/{}", session_id(1));
    let requests = || {
        [
            server
                .post("/api/sync/push")
                .by(&ann)
                .json(&push_body(1, 1)),
            server.post("/api/sync/pull").by(&ann),
            server.get("/api/sync/status").by(&ann),
            server.get("/api/sessions").by(&ann),
            server.get(&one).by(&ann),
            server.delete(&one).by(&ann),
        ]
    };
    use StoreErrorKind::{Contention, Corrupt, Full, Internal, Unavailable};
    for kind in [Unavailable, Contention, Full] {
        store.set(Trouble::Fails(kind));
        for request in requests() {
            request.send().await.is(503, "store_unavailable");
        }
    }
    for trouble in [
        Trouble::Fails(Corrupt),
        Trouble::Fails(Internal),
        Trouble::Panics,
    ] {
        store.set(trouble);
        for request in requests() {
            request.send().await.is(500, "internal_error");
        }
    }
    store.set(Trouble::Fails(Unavailable));
    let health = server.get("/health").send().await;
    health.is(503, "store_unavailable");
    assert_eq!(health.json["details"]["status"], "unhealthy");
    assert_eq!(health.json["details"]["store"]["status"], "unavailable");
    store.set(Trouble::None);
    assert_eq!(server.get("/health").send().await.ok()["status"], "healthy");
    for request in requests().into_iter().take(4) {
        request.send().await.ok();
    }
}
