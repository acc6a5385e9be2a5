//! Connections that do not speak HTTP, or stop in the middle of it.

use std::net::SocketAddr;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Target;
use super::seeds;
use crate::support::compress::{CODINGS, compress};
use crate::support::raw;

const LONG_BYTES: usize = 1_000_000;
const MANY_HEADERS_COUNT: usize = 10_000;
const GARBAGE_COUNT: usize = 100;
const CUTS_OF_SEED_COUNT: usize = 5;
const IDLE_CONNECTIONS_COUNT: usize = 300;
const PIPELINED_COUNT: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_framing_is_refused_or_cut_off() {
    let target = Target::start().await;
    let (address, token) = (target.server.address(), target.device.token());
    // They hold on to the server all the while.
    let mut idle = Vec::new();
    for _ in 0..IDLE_CONNECTIONS_COUNT {
        idle.push(
            TcpStream::connect(address)
                .await
                .expect("the server accepts"),
        );
    }
    for request in heads().into_iter().chain(bodies(token)) {
        attack(address, &request).await;
    }
    for request in cut_off(token).await {
        attack(address, &request).await;
    }
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..GARBAGE_COUNT {
        let mut garbage = vec![0; random.random_range(1..2_000)];
        random.fill_bytes(&mut garbage);
        attack(address, &garbage).await;
    }
    drop(idle);
    target.assert_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_coming_is_given_up_and_pipelined_requests_are_all_answered() {
    let target = Target::start().await;
    let (address, token) = (target.server.address(), target.device.token());

    let mut stream = TcpStream::connect(address)
        .await
        .expect("the server listens");
    let mut request = raw::head("POST", "/api/sync/push", token, &["Content-Length: 1000"]);
    request.extend_from_slice(b"{\"session\":");
    stream.write_all(&request).await.expect("the server reads");
    let answer = raw::read_to_end(&mut stream).await;
    assert_eq!(
        raw::status(&answer),
        Some(408),
        "{}",
        String::from_utf8_lossy(&answer)
    );

    let mut stream = TcpStream::connect(address)
        .await
        .expect("the server listens");
    let (mut reader, mut writer) = stream.split();
    let requests = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(PIPELINED_COUNT);
    let sending = async { writer.write_all(&requests).await.expect("the server reads") };
    let receiving = async {
        let (mut answers, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        while count(&answers, b"HTTP/1.1 200 OK") < PIPELINED_COUNT {
            let read = reader.read(&mut buffer).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection early");
            answers.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::join!(sending, receiving);
    target.assert_unharmed().await;
}

/// Sends, and fails where the server blames itself for it.
async fn attack(server: SocketAddr, request: &[u8]) {
    let answer = raw::exchange(server, request).await;
    let blames_itself = raw::status(&answer).is_some_and(|status| status >= 500);
    let start = || String::from_utf8_lossy(&request[..request.len().min(500)]).into_owned();
    assert!(
        !blames_itself,
        "{:?} to {:?}",
        String::from_utf8_lossy(&answer),
        start()
    );
}

/// Heads that are no heads.
fn heads() -> Vec<Vec<u8>> {
    let long = "a".repeat(LONG_BYTES);
    let many = "X-Many: 1\r\n".repeat(MANY_HEADERS_COUNT);
    let get =
        |headers: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes();
    vec![
        b"GET / HTTP/1.1\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"GET /\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n".to_vec(),
        b"%$# / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET http://[::1:bad/ HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x04\x00\x00\x00\x00\x00garbage".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes(),
        get(&format!("X-Long: {long}\r\n")),
        get(&format!("{long}: 1\r\n")),
        get(&many),
        get("X-Null: \0\r\n"),
        get("X-Latin: \u{e9}\r\n"),
        get("no colon\r\n"),
        get(" folded: 1\r\n"),
        get("Upgrade: websocket\r\nConnection: Upgrade\r\n"),
        get("Expect: 200-ok\r\n"),
        get(&format!("Authorization: Bearer {}\r\n", &long[..10_000])),
    ]
}

/// Bodies whose framing is wrong.
fn bodies(token: &str) -> Vec<Vec<u8>> {
    let push = |headers: &[&str], body: &str| {
        let mut request = raw::head("POST", "/api/sync/push", token, headers);
        request.extend_from_slice(body.as_bytes());
        request
    };
    let chunked = |body: &str| push(&["Transfer-Encoding: chunked"], body);
    let extension = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(100_000));
    vec![
        push(&[], ""),
        push(&["Content-Length: -1"], "{}"),
        push(&["Content-Length: two"], "{}"),
        push(&["Content-Length: 18446744073709551616"], "{}"),
        push(&["Content-Length: 1000000000000000"], "{}"),
        push(&["Content-Length: 2", "Content-Length: 3"], "{}\n"),
        push(&["Content-Length: 1"], "{}{}{}{}"),
        push(&["Content-Length: 100"], "{}"),
        push(
            &["Content-Length: 2", "Transfer-Encoding: chunked"],
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        push(&["Transfer-Encoding: gzip"], "{}"),
        push(
            &["Transfer-Encoding: chunked, gzip"],
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        push(
            &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        chunked("zz\r\n{}\r\n0\r\n\r\n"),
        chunked("-2\r\n{}\r\n0\r\n\r\n"),
        chunked("ffffffffffffffff\r\n{}"),
        chunked("fffffffffffffffffffffffff\r\n{}"),
        chunked("2\r\n{}"),
        chunked("2\r\n{}\r\n"),
        chunked("2\r\n{}garbage"),
        chunked("2\r\n{}\r\n0\r\nX-Trailer"),
        chunked("5\r\n{}\r\n0\r\n\r\n"),
        chunked("2\n{}\n0\n\n"),
        chunked(&extension),
        chunked(&"1\r\n \r\n".repeat(10_000)),
    ]
}

/// Good requests that end too early, plain and compressed, by length and in chunks.
async fn cut_off(token: &str) -> Vec<Vec<u8>> {
    let mut random = StdRng::seed_from_u64(2);
    let mut requests = Vec::new();
    for seed in seeds::all().into_iter().filter(|seed| !seed.body.is_null()) {
        let body = seed.body.to_string().into_bytes();
        for cut in 0..CUTS_OF_SEED_COUNT {
            let coding = CODINGS.get(cut).copied();
            let body = match coding {
                Some(coding) => compress(coding, &body).await,
                None => body.clone(),
            };
            let encoding = coding.map(|coding| format!("Content-Encoding: {coding}"));
            let sent = &body[..random.random_range(0..body.len())];
            for is_chunked in [false, true] {
                let framing = if is_chunked {
                    "Transfer-Encoding: chunked".to_owned()
                } else {
                    format!("Content-Length: {}", body.len())
                };
                let headers: Vec<_> = encoding
                    .iter()
                    .map(String::as_str)
                    .chain([framing.as_str()])
                    .collect();
                let mut request = raw::head(seed.method.as_str(), seed.path, token, &headers);
                if is_chunked {
                    request.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
                }
                request.extend_from_slice(sent);
                requests.push(request);
            }
        }
    }
    requests
}

fn count(text: &[u8], part: &[u8]) -> usize {
    String::from_utf8_lossy(text)
        .matches(&*String::from_utf8_lossy(part))
        .count()
}
