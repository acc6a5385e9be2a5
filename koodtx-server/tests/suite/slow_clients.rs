//! Clients that keep a connection and do little with it: each is cut off by a setting, and others are
//! served meanwhile.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Connection, Exposition, LONG_TEXTS_BYTES, TestServer, long_push_body, push_body, push_head,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between the bytes of a client that sends them one by one: much shorter than any time-out.
const DRIP: Duration = Duration::from_millis(100);

/// Sends one byte after the other, over and over, until the server has had enough.
async fn drip(connection: &mut Connection, bytes: &[u8]) {
    let dripping = async {
        for byte in bytes.iter().cycle() {
            if !connection.send([*byte]).await {
                return;
            }
            tokio::time::sleep(DRIP).await;
        }
    };
    tokio::time::timeout(PATIENCE, dripping)
        .await
        .expect("the server keeps a dripping client");
}

#[tokio::test]
async fn heads_that_come_slowly_or_not_at_all_are_cut_off() {
    let server = TestServer::with(&[("KOODTX_HEAD_TIMEOUT_SECONDS", "1")]).await;
    let silent = Connection::to(server.address).await;
    let mut half = Connection::to(server.address).await;
    assert!(
        half.send("GET /health HTTP/1.1\r\nhost: x\r\nx-half: ")
            .await
    );
    let mut dripping = Connection::to(server.address).await;
    assert!(dripping.send("GET /health HTTP/1.1\r\nx-drip: ").await);
    // One that was served, and then says nothing more.
    let mut idle = Connection::to(server.address).await;
    assert!(idle.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await);
    assert_eq!(idle.answer().await.unwrap().status, 200);

    let cut_off = async {
        tokio::join!(
            silent.closed(),
            half.closed(),
            idle.closed(),
            drip(&mut dripping, b"y")
        )
    };
    let others = async {
        for _ in 0..5 {
            server.get("/health").send().await.ok();
        }
    };
    let cut_off = tokio::time::timeout(PATIENCE, cut_off);
    let (cut_off, ()) = tokio::join!(cut_off, others);
    cut_off.expect("the server keeps a client without a request");
    server.get("/health").send().await.ok();
}

#[tokio::test]
async fn a_head_without_end_is_refused_before_it_takes_much_memory() {
    let server = TestServer::start().await;
    let mut connection = Connection::to(server.address).await;
    let endless = format!("GET /health HTTP/1.1\r\nx-long: {}", "y".repeat(40_000));
    assert!(connection.send(endless).await);
    let answer = tokio::time::timeout(PATIENCE, connection.answer()).await;
    assert_eq!(answer.unwrap().unwrap().status, 431);
    // Whatever a client may want to say fits.
    let long = "y".repeat(30_000);
    let reply = server.get("/health").header("x-long", &long).send().await;
    reply.ok();
}

#[tokio::test]
async fn bodies_that_drip_are_cut_off() {
    let server = TestServer::with(&[("KOODTX_BODY_TIMEOUT_SECONDS", "1")]).await;
    let ann = server.register("ann").await;
    let login = "POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 content-length: 60000\r\n\r\n";
    let heads = [
        push_head(&ann, "content-length: 60000"),
        push_head(&ann, "content-length: 60000\r\ncontent-encoding: gzip"),
        push_head(&ann, "transfer-encoding: chunked"),
        login.to_owned(),
    ];
    let attacks = heads.map(|head| {
        let address = server.address;
        async move {
            // Bytes that a body, a chunk of a body and a member of gzip may all go on with.
            let bytes: &[u8] = if head.contains("chunked") {
                b"1\r\n \r\n"
            } else {
                b" "
            };
            let mut connection = Connection::to(address).await;
            assert!(connection.send(&head).await);
            if head.contains("gzip") {
                let start = [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0xff];
                assert!(connection.send(start).await);
            }
            // It goes on while the answer is on its way.
            let dripping = drip(&mut connection, bytes);
            dripping.await;
            head
        }
    });
    let others = async {
        for session in 1..=10 {
            let push = server.post("/api/sync/push").by(&ann);
            push.json(&push_body(session, 10)).send().await.ok();
        }
    };
    tokio::join!(futures_util::future::join_all(attacks), others);

    // Who stops to listen hears why.
    let mut connection = Connection::to(server.address).await;
    assert!(
        connection
            .send(push_head(&ann, "content-length: 60000"))
            .await
    );
    for _ in 0..5 {
        assert!(connection.send(" ").await);
        tokio::time::sleep(DRIP).await;
    }
    let answer = tokio::time::timeout(PATIENCE, connection.answer());
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(
        (answer.status, &answer.json["code"]),
        (408, &json!("body_timeout"))
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let settings = [
        ("KOODTX_WRITE_TIMEOUT_SECONDS", "3"),
        ("KOODTX_CONCURRENT_REQUESTS", "2"),
        ("KOODTX_METRICS_LISTEN", "127.0.0.1:0"),
    ];
    let server = TestServer::with(&settings).await;
    let ann = server.register("ann").await;
    let body = long_push_body();
    server
        .post("/api/sync/push")
        .by(&ann)
        .json(&body)
        .send()
        .await
        .ok();

    let pull = format!(
        "POST /api/sync/pull HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: 0\r\n\r\n",
        ann.access
    );
    let mut deaf = Vec::new();
    for _ in 0..2 {
        let mut connection = Connection::to(server.address).await;
        assert!(connection.send(&pull).await);
        deaf.push(connection);
    }
    // Both places are taken until the server has had enough of them.
    let places = "koodtx_http_places";
    Exposition::until(&server, places, 2.0).await;
    server.get("/health").send().await.ok();
    Exposition::until(&server, places, 0.0).await;
    server.get("/api/auth/me").by(&ann).send().await.ok();
    for connection in deaf {
        let received = tokio::time::timeout(PATIENCE, connection.closed());
        let received = received.await.expect("the server closes");
        assert!(received < LONG_TEXTS_BYTES, "{received}");
    }
    // Pulls that broke off are known as that.
    let status = server.get("/api/sync/status").by(&ann).send().await.ok();
    let pulls = status["recent_syncs"].as_array().unwrap().iter();
    let failed = pulls.filter(|sync| sync["kind"] == "pull" && sync["status"] == "failed");
    assert_eq!(failed.count(), 2, "{status}");
}
