//! Bytes of the wire.

use std::net::SocketAddr;
use std::time::Duration;

use async_compression::tokio::bufread as codec;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::Account;

/// The id of a session, by number.
pub fn session_id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// One record.
pub fn record(sensor: &str, millis: i64, x: f64) -> Value {
    json!({ "sensor_type": sensor, "timestamp": millis, "data": { "x": x } })
}

/// A push of the records `0..count` of one sensor.
pub fn push_body(session: u32, count: i64) -> Value {
    let records: Vec<_> = (0..count)
        .map(|index| record("gyro", 1_700_000_000_000 + index, index as f64))
        .collect();
    json!({
        "session": { "session_id": session_id(session), "start_time": "2025-11-13T00:00:00Z" },
        "sensor_data": records,
    })
}

/// What the texts of [`long_push_body`] come to, in bytes.
pub const LONG_TEXTS_BYTES: usize = LONG_RECORDS_COUNT as usize * LONG_TEXT_BYTES;
const LONG_RECORDS_COUNT: i64 = 2_000;
const LONG_TEXT_BYTES: usize = 16_000;

/// A push that is more, when it is pulled, than fits into the buffers of a connection.
pub fn long_push_body() -> Value {
    let text = "x".repeat(LONG_TEXT_BYTES);
    let records: Vec<_> = (0..LONG_RECORDS_COUNT)
        .map(|millis| {
            let mut record = record("note", millis, 0.0);
            record["data"]["text"] = json!(text);
            record
        })
        .collect();
    let mut body = push_body(1, 0);
    body["sensor_data"] = json!(records);
    body
}

pub async fn compressed(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "gzip" => codec::GzipEncoder::new(bytes).read_to_end(&mut out).await,
        "deflate" => codec::ZlibEncoder::new(bytes).read_to_end(&mut out).await,
        "br" => codec::BrotliEncoder::new(bytes).read_to_end(&mut out).await,
        "zstd" => codec::ZstdEncoder::new(bytes).read_to_end(&mut out).await,
        other => panic!("{other}"),
    }
    .unwrap();
    out
}

pub async fn decompressed(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "gzip" => codec::GzipDecoder::new(bytes).read_to_end(&mut out).await,
        "deflate" => codec::ZlibDecoder::new(bytes).read_to_end(&mut out).await,
        "br" => codec::BrotliDecoder::new(bytes).read_to_end(&mut out).await,
        "zstd" => codec::ZstdDecoder::new(bytes).read_to_end(&mut out).await,
        other => panic!("{other}"),
    }
    .unwrap();
    out
}

/// Sends bytes as they are and returns all that comes back until the server closes, or for
/// `patience`.
pub async fn exchange(address: SocketAddr, request: &[u8], patience: Duration) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read all.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..count]);
        }
    };
    let _ = tokio::time::timeout(patience, read).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// A connection that is spoken to byte by byte.
pub struct Connection(TcpStream);

impl Connection {
    pub async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends bytes as they are; false where the server has closed.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// The next answer, which says its length; `None` where the server closes instead.
    pub async fn answer(&mut self) -> Option<RawAnswer> {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = RawAnswer::of(&bytes) {
                return Some(answer);
            }
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer).await {
                Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
                _ => return None,
            }
        }
    }

    /// Waits until the server closes, and returns how many bytes came until then.
    pub async fn closed(mut self) -> usize {
        let mut bytes = Vec::new();
        // A reset is an end, too.
        let _ = self.0.read_to_end(&mut bytes).await;
        bytes.len()
    }
}

/// An answer as it came.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub json: Value,
}

impl RawAnswer {
    fn of(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let head = head.to_ascii_lowercase();
        let length: usize = header(&head, "content-length").unwrap().parse().unwrap();
        if body.len() < length {
            return None;
        }
        Some(Self {
            status: head.split(' ').nth(1)?.parse().unwrap(),
            json: serde_json::from_str(&body[..length]).unwrap_or_default(),
            head,
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Asserts status and code of an error that says when to come back.
    #[track_caller]
    pub fn is_shed(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.json["code"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
        let wait: u64 = self.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .into_iter()
        .find(|(field, _)| *field == name)
        .map(|(_, value)| value)
}

/// The head of a push of that account, with these lines on top.
pub fn push_head(account: &Account, lines: &str) -> String {
    format!(
        "POST /api/sync/push HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         authorization: Bearer {}\r\n{lines}\r\n\r\n",
        account.access
    )
}
