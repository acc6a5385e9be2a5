//! Pages of other origins.

use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::support::TestServer;

const APP: &str = "https://app.example";

fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

fn has_cors(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name.as_str().starts_with("access-control-"))
}

/// What a browser asks before a page's request.
async fn preflight(server: &TestServer, path: &str, origin: &str) -> (u16, HeaderMap) {
    let url = format!("http://{}{path}", server.address);
    let request = server
        .http
        .request(Method::OPTIONS, url)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        );
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.headers().clone())
}

#[tokio::test]
async fn without_the_setting_there_is_no_cors() {
    let server = TestServer::start().await;
    let reply = server.get("/health").header("origin", APP).send().await;
    assert!(!has_cors(&reply.headers) && !value(&reply.headers, "vary").contains("origin"));
    let (status, headers) = preflight(&server, "/api/sync/push", APP).await;
    assert!(status == 405 && !has_cors(&headers));
}

#[tokio::test]
async fn listed_origins_are_allowed_and_no_others() {
    let both = format!("{APP}, http://localhost:3000");
    let server = TestServer::with(&[("KOODTX_CORS_ORIGINS", &both)]).await;
    let (status, headers) = preflight(&server, "/api/sync/push", APP).await;
    assert_eq!(status, 204);
    assert_eq!(value(&headers, "access-control-allow-origin"), APP);
    assert_eq!(value(&headers, "access-control-allow-methods"), "POST");
    let allowed = value(&headers, "access-control-allow-headers");
    for name in ["authorization", "content-type", "content-encoding"] {
        assert!(
            allowed.split(", ").any(|allowed| allowed == name),
            "{allowed}"
        );
    }
    assert_eq!(value(&headers, "access-control-max-age"), "3600");
    assert!(headers.contains_key("x-request-id") && value(&headers, "vary").contains("origin"));
    let (_, headers) = preflight(&server, "/api/sessions/x", "http://localhost:3000").await;
    assert_eq!(
        value(&headers, "access-control-allow-methods"),
        "DELETE, GET, HEAD"
    );
    assert_eq!(preflight(&server, "/nowhere", APP).await.0, 404);

    // Errors as well: the page has to learn what was wrong.
    for path in ["/health", "/api/auth/me"] {
        let reply = server.get(path).header("origin", APP).send().await;
        assert_eq!(value(&reply.headers, "access-control-allow-origin"), APP);
        let exposed = value(&reply.headers, "access-control-expose-headers");
        assert_eq!(exposed, "x-request-id, retry-after, content-disposition");
        assert!(
            !reply
                .headers
                .contains_key("access-control-allow-credentials")
        );
    }
    for origin in [
        "https://evil.example",
        "https://app.example.evil",
        "null",
        "http://app.example",
    ] {
        let (status, headers) = preflight(&server, "/api/sync/push", origin).await;
        assert!(status == 405 && !has_cors(&headers), "{origin}");
        let reply = server.get("/health").header("origin", origin).send().await;
        assert!(reply.status == 200 && !has_cors(&reply.headers), "{origin}");
        assert!(value(&reply.headers, "vary").contains("origin"));
    }
    // An OPTIONS that is no question of a browser is what it was.
    let url = format!("http://{}/health", server.address);
    let options = server
        .http
        .request(Method::OPTIONS, url)
        .header("origin", APP);
    assert_eq!(options.send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn any_origin_never_comes_with_credentials() {
    let server = TestServer::with(&[("KOODTX_CORS_ORIGINS", "*")]).await;
    let (status, mut all) = preflight(&server, "/api/auth/login", "https://any.example").await;
    assert_eq!(status, 204);
    assert_eq!(value(&all, "access-control-allow-origin"), "*");
    let reply = server.get("/health").header("origin", APP).send().await;
    assert_eq!(value(&reply.headers, "access-control-allow-origin"), "*");
    all.extend(reply.headers);
    assert!(!all.contains_key("access-control-allow-credentials"));
    let same = server.get("/health").send().await;
    assert!(!has_cors(&same.headers));
}
