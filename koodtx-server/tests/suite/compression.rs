//! Compressed requests and compressed answers.

use serde_json::{Value, json};

use crate::support::{TestServer, compressed, decompressed, push_body};

const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

#[tokio::test]
async fn requests_may_be_compressed() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    for (index, coding) in CODINGS.into_iter().enumerate() {
        let body = push_body(index as u32, 2_000).to_string();
        let small = compressed(coding, body.as_bytes()).await;
        assert!(small.len() < body.len() / 4);
        let request = server
            .post("/api/sync/push")
            .by(&ann)
            .header("content-encoding", coding);
        let answer = request.raw(small).send().await.ok();
        assert_eq!(answer["inserted"], 2_000, "{coding}");
    }
    // Names are no matter of case, and x-gzip is gzip.
    for (index, coding) in ["GZIP", "x-gzip", "Br"].into_iter().enumerate() {
        let body = push_body(10 + index as u32, 1).to_string();
        let codec = if coding == "Br" { "br" } else { "gzip" };
        let small = compressed(codec, body.as_bytes()).await;
        let request = server
            .post("/api/sync/push")
            .by(&ann)
            .header("content-encoding", coding);
        request.raw(small).send().await.ok();
    }
    let login = json!({ "username": "ann", "password": crate::support::Account::PASSWORD });
    let small = compressed("zstd", login.to_string().as_bytes()).await;
    let request = server
        .post("/api/auth/login")
        .header("content-encoding", "zstd");
    request.raw(small).send().await.ok();
    let status = server.get("/api/sync/status").by(&ann).send().await.ok();
    let bytes = push_body(3, 2_000).to_string().len();
    let logged = status["recent_syncs"].as_array().unwrap().iter();
    assert!(
        logged
            .map(|entry| entry["body_bytes"].as_u64().unwrap())
            .any(|size| size == bytes as u64)
    );
}

#[tokio::test]
async fn a_compressed_body_that_is_too_large_inside_is_a_413() {
    let server = TestServer::with(&[("KOODTX_MAX_BODY_BYTES", "20000")]).await;
    let ann = server.register("ann").await;
    let body = push_body(1, 2_000).to_string();
    for coding in CODINGS {
        let small = compressed(coding, body.as_bytes()).await;
        assert!(small.len() < 20_000, "{coding}: {}", small.len());
        let request = server
            .post("/api/sync/push")
            .by(&ann)
            .header("content-encoding", coding);
        request.raw(small).send().await.is(413, "body_too_large");
    }
}

#[tokio::test]
async fn a_body_that_does_not_decode_is_a_400() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let body = push_body(1, 500).to_string();
    for coding in CODINGS {
        let whole = compressed(coding, body.as_bytes()).await;
        let cut = whole[..whole.len() / 2].to_vec();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0xff;
        let cases = [
            cut,
            b"this is not compressed at all".to_vec(),
            vec![],
            flipped,
        ];
        for (index, bytes) in cases.into_iter().enumerate() {
            let request = server
                .post("/api/sync/push")
                .by(&ann)
                .header("content-encoding", coding);
            let reply = request.raw(bytes).send().await;
            // A flipped bit may survive in brotli and deflate and break the JSON instead.
            assert_eq!(reply.status, 400, "{coding} {index}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    server
        .post("/api/sync/push")
        .by(&ann)
        .json(&push_body(1, 3_000))
        .send()
        .await
        .ok();
    let url = format!("http://{}/api/sync/pull", server.address);
    let pull = |accept: &str| {
        let request = server.http.post(&url).bearer_auth(&ann.access);
        request.header("accept-encoding", accept.to_owned()).send()
    };
    let plain = pull("identity").await.unwrap();
    assert!(plain.headers().get("content-encoding").is_none());
    let vary: Vec<_> = plain.headers().get_all("vary").iter().collect();
    assert!(
        vary.iter().any(|vary| *vary == "accept-encoding"),
        "{vary:?}"
    );
    let plain: Value = serde_json::from_slice(&plain.bytes().await.unwrap()).unwrap();
    for coding in CODINGS {
        let response = pull(coding).await.unwrap();
        assert_eq!(response.headers()["content-encoding"], coding);
        assert_eq!(response.headers()["content-type"], "application/json");
        let bytes = response.bytes().await.unwrap();
        let text = decompressed(coding, &bytes).await;
        assert!(
            bytes.len() < text.len() / 3,
            "{coding}: {} of {}",
            bytes.len(),
            text.len()
        );
        let answer: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(answer["sessions"], plain["sessions"], "{coding}");
    }
    let both = pull("gzip;q=0.5, br;q=0.8, zstd;q=0").await.unwrap();
    assert_eq!(both.headers()["content-encoding"], "br");

    let small = server.http.get(format!("http://{}/health", server.address));
    let small = small
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert!(small.headers().get("content-encoding").is_none());
}
