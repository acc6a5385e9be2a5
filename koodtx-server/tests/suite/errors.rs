//! Rows of the protocol's table of errors that are not about bodies or tokens.

use std::sync::Arc;

use koodtx_core::store::StoreErrorKind::{Contention, Corrupt, Full, Internal, Unavailable};
use serde_json::{Value, json};

use crate::support::{Account, FaultyStore, TestServer, Trouble, push_body, session_id};

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
async fn who_registers_the_name_of_another_does_not_lock_them_out() {
    let settings = [("KOODTX_RATE_LIMIT", "2"), ("KOODTX_BEHIND_PROXY", "true")];
    let server = TestServer::with(&settings).await;
    let call = |path: &str, from: &str| {
        let body = json!({
            "username": "ann", "email": "ann@example.com", "password": "long enough",
            "device_id": "d",
        });
        let request = server.post(path).header("x-forwarded-for", from);
        request.json(&body).send()
    };
    let register = "/api/auth/register";
    assert_eq!(call(register, "203.0.113.1").await.status, 201);
    assert_eq!(call(register, "203.0.113.2").await.status, 409);
    assert_eq!(call(register, "203.0.113.3").await.status, 429);
    assert_eq!(call("/api/auth/login", "203.0.113.4").await.status, 200);
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
    for (kind, code) in [
        (Unavailable, "store_unavailable"),
        (Contention, "store_unavailable"),
        (Full, "store_full"),
    ] {
        store.set(Trouble::Fails(kind));
        for request in requests() {
            request.send().await.is(503, code);
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
    let password = Account::PASSWORD;
    let sign_ins = || {
        let login = json!({ "username": "ann", "password": password });
        let register = json!({
            "username": "bob", "email": "b@example.com", "password": password, "device_id": "b",
        });
        [
            server.post("/api/auth/login").json(&login),
            server.post("/api/auth/register").json(&register),
            server.post("/api/auth/refresh").bearer(&ann.refresh),
            server.post("/api/auth/logout").by(&ann),
            server.get("/api/auth/me").by(&ann),
            server
                .post("/api/sync/push")
                .by(&ann)
                .json(&push_body(1, 1)),
        ]
    };
    for (kind, status, code) in [
        (Unavailable, 503, "store_unavailable"),
        (Contention, 503, "store_unavailable"),
        (Full, 503, "store_full"),
        (Corrupt, 500, "internal_error"),
        (Internal, 500, "internal_error"),
    ] {
        store.set(Trouble::AccountsFail(kind));
        for request in sign_ins() {
            request.send().await.is(status, code);
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

#[tokio::test]
async fn a_store_without_room_refuses_pushes_and_is_read() {
    const PAGES_COUNT: u32 = 3;
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::on(store.clone(), &[]).await;
    let ann = server.register("ann").await;
    for number in 0..PAGES_COUNT {
        let push = server.post("/api/sync/push").by(&ann);
        push.json(&push_body(number, 2)).send().await.ok();
    }
    store.set(Trouble::NoRoom);
    let push = server.post("/api/sync/push").by(&ann);
    let refused = push.json(&push_body(9, 1)).send().await;
    refused.is(503, "store_full");
    assert!(refused.headers.contains_key("retry-after"));
    // Without a remembered round, and without an entry in the log.
    for page in 1..=PAGES_COUNT {
        let pull = server.post("/api/sync/pull").by(&ann);
        let pulled = pull
            .json(&json!({ "page": page, "page_size": 1 }))
            .send()
            .await
            .ok();
        let session = &pulled["sessions"][0];
        assert_eq!(session["session_id"], session_id(page - 1));
        assert_eq!(session["data_count"], 2);
        assert_eq!(pulled["has_more"], page < PAGES_COUNT);
        assert_eq!(pulled["sync_log_id"], Value::Null);
    }
    store.set(Trouble::None);
    let push = server.post("/api/sync/push").by(&ann);
    push.json(&push_body(9, 1)).send().await.ok();
}
