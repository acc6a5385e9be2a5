//! What tells browsers to take no liberties, on every kind of answer.

use reqwest::header::HeaderMap;

use crate::support::TestServer;

const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

#[track_caller]
fn check(headers: &HeaderMap, policy: &str) {
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["x-frame-options"], "DENY");
    let policies: Vec<_> = headers.get_all("content-security-policy").iter().collect();
    assert!(policies.len() == 1, "{policies:?}");
    assert!(
        policies[0].to_str().unwrap().starts_with(policy),
        "{policies:?}"
    );
    // Only a server that speaks TLS may ask browsers to insist on it.
    assert!(!headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn every_answer_has_them() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let pull = server.post("/api/sync/pull").by(&ann).raw("{}");
    let bad = server.post("/api/sync/push").by(&ann).raw("{");
    for (request, status) in [
        (server.get("/health"), 200),
        (server.get("/"), 200),
        (pull, 200),
        (bad, 400),
        (server.get("/api/auth/me"), 401),
    ] {
        let reply = request.send().await;
        assert_eq!(reply.status, status);
        check(&reply.headers, API_POLICY);
    }
    let fetch = async |method: &str, path: &str| {
        let url = format!("http://{}{path}", server.address);
        let request = server.http.request(method.parse().unwrap(), url);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.headers().clone())
    };
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("PUT", "/health", 405),
        ("HEAD", "/health", 200),
        ("GET", "/openapi.json", 200),
    ] {
        let (found, headers) = fetch(method, path).await;
        assert_eq!(found, status, "{method} {path}");
        check(&headers, API_POLICY);
    }
    let (status, headers) = fetch("GET", "/docs").await;
    assert_eq!(status, 200);
    check(&headers, "default-src 'self'; ");
}
