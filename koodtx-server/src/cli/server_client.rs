//! Asking a server that runs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::CliError;

/// Longest wait for an answer: longer than the server waits for its store.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// Far more than any of these answers has.
const ANSWER_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What a server answered.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Reply {
    /// Its body, where it is JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// Asks the server at `host:port` for what is at `path`.
///
/// By HTTP/1.0, where the end of the connection is the end of the answer: that takes no library.
pub(super) async fn get(place: &str, path: &str) -> io::Result<Reply> {
    let asking = async {
        let mut stream = TcpStream::connect(place).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {place}\r\nAccept: */*\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut stream = stream.take(ANSWER_MAX_BYTES);
        stream.read_to_end(&mut answer).await?;
        parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| {
            let message = "what answers does not speak plain HTTP";
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    };
    timeout(ANSWER_TIMEOUT, asking)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn parse(answer: &str) -> Option<Reply> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let line = head.strip_prefix("HTTP/1.")?;
    let status = line.split(' ').nth(1)?.get(..3)?.parse().ok()?;
    let body = body.to_owned();
    Some(Reply { status, body })
}

/// `host:port` of a URL of a server.
pub(super) fn place_of(url: &str) -> Result<String, CliError> {
    let wrong = |why: &str| CliError::Failed(format!("--url {url}: {why}"));
    let Some(place) = url.strip_prefix("http://") else {
        return Err(wrong(
            "use a URL like http://127.0.0.1:5000; other schemes are not spoken here",
        ));
    };
    let place = place.trim_end_matches('/');
    if place.is_empty() || place.contains(['/', '?', '#', '@']) {
        return Err(wrong("use a host and a port only"));
    }
    let has_port = place
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port {
        place.to_owned()
    } else {
        format!("{place}:80")
    })
}

/// Where to reach who listens there: nobody is at the address that stands for all of them.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_addresses_are_understood() {
        let place = |url: &str| place_of(url).ok();
        assert_eq!(
            place("http://db.example/"),
            Some("db.example:80".to_owned())
        );
        assert_eq!(place("http://[::1]:5000"), Some("[::1]:5000".to_owned()));
        for url in ["https://x", "x:5000", "http://", "http://a@b", "http://x/y"] {
            assert_eq!(place(url), None, "{url}");
        }
        let all = "0.0.0.0:5000".parse().unwrap();
        assert_eq!(reachable(all).to_string(), "127.0.0.1:5000");
    }

    #[test]
    fn answers_are_told_from_anything_else() {
        let status = |text: &str| parse(text).map(|reply| reply.status);
        assert_eq!(status("HTTP/1.0 200 OK\r\n\r\n{}"), Some(200));
        assert_eq!(status("HTTP/1.1 503\r\n\r\n"), Some(503));
        for wrong in ["SSH-2.0 200\r\n\r\n", "HTTP/1.1 200 OK", ""] {
            assert_eq!(status(wrong), None, "{wrong}");
        }
    }
}
