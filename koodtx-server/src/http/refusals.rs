//! Connections that are one too many of their address.

use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::Setting;

/// Refusals that are explained at a time; whoever comes beyond is only closed. So a flood of
/// connections holds no more than these beside what its address may hold.
const EXPLAINED_MAX_COUNT: usize = 64;
/// Longest time for it: the answer goes out at once, and what the client sent is read and thrown away
/// for a while, since closing with unread bytes could take the answer back.
const EXPLAIN_MAX: Duration = Duration::from_secs(1);
/// When to come back, in seconds.
const RETRY_AFTER_SECONDS: u64 = 5;

/// Tells clients over plain HTTP why they are not served.
#[derive(Debug)]
pub(super) struct Refusals(Arc<Semaphore>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(EXPLAINED_MAX_COUNT)))
    }
}

impl Refusals {
    /// Answers what comes, whatever it is, and closes.
    pub(super) fn explain(&self, mut stream: TcpStream, max: usize) {
        let Ok(turn) = self.0.clone().try_acquire_owned() else {
            return;
        };
        let answer = answer(max);
        tokio::spawn(timeout(EXPLAIN_MAX, async move {
            let _held = turn;
            // Whoever does not want to hear it has gone.
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
            let mut thrown_away = [0; 1024];
            while stream.read(&mut thrown_away).await? > 0 {}
            std::io::Result::Ok(())
        }));
    }
}

fn answer(max: usize) -> String {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let body = json!({
        "error": format!(
            "more than {max} connections of this address at a time; use fewer, or come back later \
             (operators: {})",
            Setting::MaxConnectionsPerAddress.name()
        ),
        "code": "too_many_connections",
        "details": { "by": "address", "connections": max },
    });
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         content-length: {}\r\nretry-after: {RETRY_AFTER_SECONDS}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
