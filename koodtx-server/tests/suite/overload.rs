//! Slow bodies, full memory, stopping.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Account, TestServer, compressed, exchange, push_body, push_head};

/// Idle requests of each kind: their windows together would be far more than either budget.
const IDLE_COUNT: usize = 40;

#[tokio::test]
async fn a_body_that_stops_coming_is_a_408() {
    let server = TestServer::with(&[("KOODTX_BODY_TIMEOUT_SECONDS", "1")]).await;
    let ann = server.register("ann").await;
    for lines in ["content-length: 1000", "transfer-encoding: chunked"] {
        let mut request = push_head(&ann, lines);
        request.push_str(if lines.contains("chunked") {
            "5\r\n{\"ses\r\n"
        } else {
            "{\"ses"
        });
        let answer = exchange(server.address, request.as_bytes(), Duration::from_secs(4)).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("body_timeout"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_server_well() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = push_head(&ann, "content-length: 100000") + "{\"session\":";
    stream.write_all(request.as_bytes()).await.unwrap();
    drop(stream);
    // Chunks that are none.
    let request = push_head(&ann, "transfer-encoding: chunked") + "zzz\r\nnonsense\r\n";
    let answer = exchange(server.address, request.as_bytes(), Duration::from_secs(2)).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    server.get("/health").send().await.ok();
}

#[tokio::test]
async fn with_no_memory_left_for_bodies_a_push_is_a_503() {
    // The smallest memory that the settings allow: one large push, and 32 MiB.
    let settings = [
        ("KOODTX_MAX_BODY_BYTES", "1000"),
        ("KOODTX_BODY_MEMORY_BYTES", "33555432"),
    ];
    let server = TestServer::with(&settings).await;
    let ann = server.register("ann").await;
    // Each holds the window of its decompression while it waits for the rest of its body.
    let body = compressed("br", push_body(1, 1).to_string().as_bytes()).await;
    let mut holding = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = push_head(&ann, "content-length: 500\r\ncontent-encoding: br");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(&body[..body.len() / 2]).await.unwrap();
        holding.push(stream);
    }
    let refused = async {
        loop {
            let request = server
                .post("/api/sync/push")
                .by(&ann)
                .header("content-encoding", "br");
            let reply = request.raw("x").send().await;
            if reply.status == 503 {
                return reply;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reply = tokio::time::timeout(Duration::from_secs(10), refused)
        .await
        .unwrap();
    reply.is(503, "overloaded");
    // What needs little still has room.
    server
        .post("/api/sync/push")
        .by(&ann)
        .json(&push_body(1, 1))
        .send()
        .await
        .ok();

    drop(holding);
    let freed = async {
        loop {
            let request = server
                .post("/api/sync/push")
                .by(&ann)
                .header("content-encoding", "br");
            if request.raw(body.clone()).send().await.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), freed)
        .await
        .unwrap();
}

#[tokio::test]
async fn idle_compressed_bodies_shut_nobody_out() {
    // Room for one window of a push; what comes in for a login has a budget of its own.
    let settings = [
        ("KOODTX_MAX_BODY_BYTES", "1000"),
        ("KOODTX_BODY_MEMORY_BYTES", "33555432"),
    ];
    let server = TestServer::with(&settings).await;
    let (ann, bob) = (server.register("ann").await, server.register("bob").await);
    let lines = "content-length: 500\r\ncontent-encoding: br";
    let push = push_head(&ann, lines);
    let login = format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         {lines}\r\n\r\n"
    );
    let start = &compressed("br", br#"{"username":"ann","password":"wrong"}"#).await[..10];
    let mut idle = Vec::new();
    for _ in 0..IDLE_COUNT {
        // A push that sends nothing, and a login that sends nearly nothing.
        for (request, start) in [(&push, &[][..]), (&login, start)] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.write_all(start).await.unwrap();
            idle.push(stream);
        }
    }
    // Until the server has read what they sent.
    tokio::time::sleep(Duration::from_millis(300)).await;

    let send = async |path: &str, account: Option<&Account>, body: serde_json::Value| {
        let request = server.post(path).header("content-encoding", "br");
        let request = match account {
            Some(account) => request.by(account),
            None => request,
        };
        let body = compressed("br", body.to_string().as_bytes()).await;
        request.raw(body).send().await.ok();
    };
    send("/api/sync/push", Some(&bob), push_body(1, 1)).await;
    let body = json!({ "username": "bob", "password": Account::PASSWORD });
    send("/api/auth/login", None, body).await;
    drop(idle);
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight_and_refuses_the_rest() {
    let server = TestServer::start().await;
    let ann = server.register("ann").await;
    let body = push_body(1, 10).to_string();
    let (start, rest) = body.split_at(20);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = push_head(&ann, &format!("content-length: {}", body.len())) + start;
    stream.write_all(request.as_bytes()).await.unwrap();
    // An idle connection does not hold the server up.
    let idle = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let address = server.address;
    let began = Instant::now();
    let stopping = tokio::spawn(server.stop());
    while TcpStream::connect(address).await.is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the server still accepts"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!stopping.is_finished());
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"inserted\":10"),
        "{answer}"
    );
    tokio::time::timeout(Duration::from_secs(10), stopping)
        .await
        .unwrap()
        .unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_refused_upload_can_read_why() {
    // Far more than fits into the socket buffers: the client is still sending when it is refused.
    let server = TestServer::with(&[("KOODTX_MAX_BODY_BYTES", "1000")]).await;
    let ann = server.register("ann").await;
    let large = vec![b' '; 20 * 1024 * 1024];
    let reply = server
        .post("/api/sync/push")
        .by(&ann)
        .raw(large.clone())
        .send()
        .await;
    reply.is(413, "body_too_large");
    // The same without a token, and where nothing is.
    server
        .post("/api/sync/push")
        .raw(large.clone())
        .send()
        .await
        .is(401, "token_missing");
    server
        .post("/nowhere")
        .raw(large)
        .send()
        .await
        .is(404, "route_not_found");
    server
        .post("/api/sync/push")
        .by(&ann)
        .json(&json!({}))
        .send()
        .await
        .names("session");
}
