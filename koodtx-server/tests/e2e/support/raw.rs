//! Requests that no HTTP library would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for the answer to a raw request.
const ANSWER_MAX_SECONDS: u64 = 20;

/// Sends bytes as they are, says that no more will come, and returns what came back until the
/// server closed the connection; empty where it just closed.
pub async fn exchange(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server)
        .await
        .expect("the server listens");
    // The server may have refused already and closed its side.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    read_to_end(&mut stream).await
}

/// Reads until the server closes; fails where it never does.
pub async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let reading = async {
        // A reset after the answer is no answer less.
        let _ = stream.read_to_end(&mut answer).await;
    };
    let in_time = timeout(Duration::from_secs(ANSWER_MAX_SECONDS), reading)
        .await
        .is_ok();
    assert!(
        in_time,
        "the connection stays open: {:?}",
        String::from_utf8_lossy(&answer)
    );
    answer
}

/// The status of the first answer in `bytes`, if there is one.
pub fn status(bytes: &[u8]) -> Option<u16> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    line.split(' ').nth(1)?.parse().ok()
}

/// The head of a JSON request with a token; `more` are further header lines.
pub fn head(method: &str, path: &str, token: &str, more: &[&str]) -> Vec<u8> {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\n"
    );
    for line in more {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}
