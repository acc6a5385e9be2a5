//! Compressed bodies.

use async_compression::Level;
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, BufReader};

/// The codings that the server takes, by their names in headers.
pub const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// Compresses as one of [`CODINGS`].
pub async fn compress(coding: &str, body: &[u8]) -> Vec<u8> {
    encode(coding, body).await
}

/// A body that is small on the wire and `bytes` long when it is decompressed: spaces, which are
/// valid before any JSON.
pub async fn bomb(coding: &str, bytes: u64) -> Vec<u8> {
    encode(coding, BufReader::new(tokio::io::repeat(b' ').take(bytes))).await
}

async fn encode(coding: &str, source: impl AsyncBufRead + Send + Unpin) -> Vec<u8> {
    let mut encoder: Box<dyn AsyncRead + Send + Unpin + '_> = match coding {
        "gzip" => Box::new(GzipEncoder::with_quality(source, Level::Fastest)),
        "deflate" => Box::new(ZlibEncoder::with_quality(source, Level::Fastest)),
        "br" => Box::new(BrotliEncoder::with_quality(source, Level::Fastest)),
        "zstd" => Box::new(ZstdEncoder::with_quality(source, Level::Fastest)),
        other => panic!("{other} is no coding of the server"),
    };
    let mut encoded = Vec::new();
    encoder
        .read_to_end(&mut encoded)
        .await
        .expect("memory does not fail");
    encoded
}
