//! Bodies that are too large (413) or of the wrong kind (415).

use serde_json::json;

use crate::support::{TestServer, push_body, session_id};

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
