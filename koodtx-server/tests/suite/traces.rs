//! Traces, which a collector takes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use serde_json::json;

use crate::support::{Running, push_body};

/// What a client calls the trace that its request belongs to.
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACE_PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The first request that came, as its head and its body.
type Taken = (Vec<String>, Vec<u8>);

/// A collector that takes one batch.
struct Collector {
    url: String,
    taking: JoinHandle<Taken>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taking = thread::spawn(move || take(listener.accept().unwrap().0));
        Self { url, taking }
    }
}

fn take(stream: TcpStream) -> Taken {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length = head
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
    (head, body)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[tokio::test]
async fn a_collector_takes_a_span_of_each_request() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = [("KOODTX_OTLP_ENDPOINT", collector.url.as_str())];
    let mut server = Running::with(folder.path(), &["--store", "memory:"], &settings);
    let account = json!({
        "username": "ann", "email": "ann@example.com", "password": "long enough", "device_id": "d",
    });
    let (_, ann) = server.call("/api/auth/register", None, &account).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let push = client
        .post(format!("http://{}/api/sync/push", server.address))
        .bearer_auth(ann["access_token"].as_str().unwrap())
        .header("traceparent", TRACE_PARENT)
        .header("x-request-id", "the-one")
        .json(&push_body(1, 1));
    assert_eq!(push.send().await.unwrap().status(), 200);
    // What was not sent yet is sent in the end.
    assert_eq!(server.stop(), 0);

    let (head, body) = collector.taking.join().unwrap();
    assert_eq!(head[0], "post /v1/traces http/1.1");
    let is_there = |line: &str| head.iter().any(|found| found == line);
    assert!(is_there("content-type: application/x-protobuf"), "{head:?}");
    assert!(
        is_there(&format!("host: {}", &collector.url["http://".len()..])),
        "{head:?}"
    );
    for part in [
        "koodtx-server",
        env!("CARGO_PKG_VERSION"),
        "POST /api/sync/push",
        "http.response.status_code",
        "the-one",
        "POST /api/auth/register",
    ] {
        assert!(contains(&body, part.as_bytes()), "{part}");
    }
    assert!(contains(&body, &bytes_of(TRACE_ID)));
    for secret in ["long enough", "ann@example.com", "00000000-0000-4000"] {
        assert!(!contains(&body, secret.as_bytes()), "{secret}");
    }
    // The log knows nothing of the spans.
    let log = server.log();
    let line = log.lines().find(|line| line.contains("the-one")).unwrap();
    assert!(
        line.contains(" request{request_id=\"the-one\"}: ") && !line.contains("otel"),
        "{log}"
    );
}

#[tokio::test]
async fn a_collector_that_is_away_is_told_of_once_and_disturbs_nobody() {
    let url = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", free.local_addr().unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    let settings = [("KOODTX_OTLP_ENDPOINT", url.as_str())];
    let mut server = Running::with(folder.path(), &["--store", "memory:"], &settings);
    let (status, _) = server.call("/api/auth/login", None, &json!({})).await;
    assert_eq!(status, 400);
    assert_eq!(server.stop(), 0);
    let log = server.log();
    assert_eq!(
        log.matches("the collector takes no traces").count(),
        1,
        "{log}"
    );
}
