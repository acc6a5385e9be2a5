//! Compressing bodies.

use std::io;
use std::str::FromStr;

use async_compression::Level;
use async_compression::tokio::bufread::{GzipEncoder, ZstdDecoder, ZstdEncoder};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, BufReader};

/// How bodies are compressed on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard: smaller and faster than gzip.
    Zstd,
}

impl FromStr for Compression {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "none" => Ok(Self::None),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err("use none, gzip or zstd"),
        }
    }
}

impl Compression {
    /// The value of `Content-Encoding`.
    pub fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// The compressed form of `body`. A phone's bodies are small enough to be compressed in place.
    ///
    /// # Errors
    /// None in practice: both ends are memory.
    pub async fn compress(self, body: &[u8]) -> io::Result<Bytes> {
        let mut compressed = Vec::new();
        match self {
            Self::None => compressed.extend_from_slice(body),
            Self::Gzip => {
                GzipEncoder::with_quality(body, Level::Fastest)
                    .read_to_end(&mut compressed)
                    .await?;
            }
            Self::Zstd => {
                ZstdEncoder::with_quality(body, Level::Fastest)
                    .read_to_end(&mut compressed)
                    .await?;
            }
        }
        Ok(compressed.into())
    }
}

/// What a zstd-compressed answer says.
pub(super) async fn unzstd(compressed: &[u8]) -> io::Result<Bytes> {
    let mut plain = Vec::new();
    ZstdDecoder::new(BufReader::new(compressed))
        .read_to_end(&mut plain)
        .await?;
    Ok(plain.into())
}
