//! Requests a minute, by address and by account.

use serde_json::json;

use crate::support::{Account, Connection, Exposition, Reply, TestServer, push_body, push_head};

/// Asserts a 429 of that kind, which says when to come back.
#[track_caller]
fn is_limited(reply: &Reply, by: &str, per_minute: u64) {
    reply.is(429, "rate_limited");
    let details = json!({
        "reason": format!("requests_of_{by}"), "by": by, "per_minute": per_minute,
    });
    assert_eq!(reply.json["details"], details);
    let wait: u64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

async fn me(server: &TestServer, account: &Account) -> Reply {
    server.get("/api/auth/me").by(account).send().await
}

#[tokio::test]
async fn an_account_is_limited_on_all_its_devices_together_and_no_other_is() {
    let server = TestServer::with(&[("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "4")]).await;
    let (ann, bob) = (server.register("ann").await, server.register("bob").await);
    let tablet = server.login("ann", "tablet").await;
    me(&server, &ann).await.ok();
    me(&server, &tablet).await.ok();
    let push = |account: &Account| {
        let request = server.post("/api/sync/push").by(account);
        request.json(&push_body(1, 1)).send()
    };
    push(&ann).await.ok();
    server.post("/api/sync/pull").by(&tablet).send().await.ok();
    for account in [&ann, &tablet] {
        is_limited(&me(&server, account).await, "account", 4);
        is_limited(&push(account).await, "account", 4);
    }
    push(&bob).await.ok();
    // What carries no access token is not the account's doing.
    server.login("ann", "watch").await;
    let refreshed = server.post("/api/auth/refresh").bearer(&ann.refresh).send();
    refreshed.await.ok();
    for _ in 0..5 {
        let forged = server.get("/api/auth/me").bearer("nonsense").send().await;
        forged.is(401, "token_invalid");
    }
}

#[tokio::test]
async fn an_address_is_limited_before_anything_else_is_looked_at() {
    let settings = [
        ("KOODTX_REQUESTS_PER_MINUTE_ADDRESS", "5"),
        ("KOODTX_METRICS_LISTEN", "127.0.0.1:0"),
    ];
    let server = TestServer::with(&settings).await;
    let ann = server.register("ann").await;
    // Whatever comes counts.
    me(&server, &ann).await.ok();
    server
        .get("/nowhere")
        .send()
        .await
        .is(404, "route_not_found");
    server
        .get("/api/auth/me")
        .send()
        .await
        .is(401, "token_missing");
    server.get("/api/limits").send().await.ok();
    for path in ["/api/auth/me", "/api/limits", "/nowhere", "/docs"] {
        let url = format!("http://{}{path}", server.address);
        let reply = server.http.get(url).send().await.unwrap();
        assert_eq!(reply.status(), 429, "{path}");
    }
    is_limited(&me(&server, &ann).await, "address", 5);

    // The body was not waited for, and the connection goes on.
    let mut connection = Connection::to(server.address).await;
    let body = push_body(1, 1).to_string();
    let head = push_head(&ann, &format!("content-length: {}", body.len()));
    assert!(connection.send(&head).await);
    connection
        .answer()
        .await
        .unwrap()
        .is_shed(429, "rate_limited");
    assert!(connection.send(&body).await);
    assert!(
        connection
            .send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
    );
    assert_eq!(connection.answer().await.unwrap().status, 200);

    for path in ["/", "/health", "/ready"] {
        server.get(path).send().await.ok();
    }
    let scrape = Exposition::of(&server).await;
    let shed = |reason: &str| {
        let labels = format!("code=\"rate_limited\",reason=\"{reason}\"");
        scrape.value(&format!("koodtx_http_requests_shed_total{{{labels}}}"))
    };
    assert_eq!(shed("requests_of_address"), 6.0);
    assert_eq!(shed("requests_of_account"), 0.0);
}

#[tokio::test]
async fn a_claimed_address_counts_only_behind_a_proxy() {
    let from = async |server: &TestServer, address: &str| {
        let request = server.get("/api/limits").header("x-forwarded-for", address);
        request.send().await.status
    };
    let limit = ("KOODTX_REQUESTS_PER_MINUTE_ADDRESS", "1");
    let server = TestServer::with(&[limit]).await;
    assert_eq!(from(&server, "203.0.113.1").await, 200);
    assert_eq!(from(&server, "203.0.113.2").await, 429);

    let server = TestServer::with(&[limit, ("KOODTX_BEHIND_PROXY", "true")]).await;
    assert_eq!(from(&server, "203.0.113.1").await, 200);
    assert_eq!(from(&server, "203.0.113.2").await, 200);
    // What a client writes there itself comes before what the proxy adds.
    assert_eq!(from(&server, "203.0.113.3, 203.0.113.2").await, 429);
    // One customer of a provider has many addresses of IPv6.
    assert_eq!(from(&server, "2001:db8::1").await, 200);
    assert_eq!(from(&server, "2001:db8::2").await, 429);
    assert_eq!(from(&server, "2001:db8:0:1::1").await, 200);
}
