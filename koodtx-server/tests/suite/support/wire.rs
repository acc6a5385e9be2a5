//! Bytes of the wire.

use std::net::SocketAddr;
use std::time::Duration;

use async_compression::tokio::bufread as codec;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
