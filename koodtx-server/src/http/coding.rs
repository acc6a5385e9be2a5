//! Content codings: how bodies are compressed on the wire.

use async_compression::Level;
use async_compression::tokio::bufread::{
    BrotliDecoder, BrotliEncoder, GzipDecoder, GzipEncoder, ZlibDecoder, ZlibEncoder, ZstdDecoder,
    ZstdEncoder,
};
use async_compression::zstd::DParameter;
use tokio::io::{AsyncBufRead, AsyncRead};

/// Largest zstd window that is decoded, as a power of two: 8 MiB, what every zstd decoder has to
/// support. The library's own limit would let one request claim 128 MiB.
const ZSTD_WINDOW_MAX_LOG2_BYTES: u32 = 23;

/// A content coding other than `identity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// All of them, the one that suits answers best first.
    pub(super) const ALL: [Self; 4] = [Self::Zstd, Self::Gzip, Self::Brotli, Self::Deflate];

    /// Its name in headers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of that name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("x-gzip") {
            return Some(Self::Gzip);
        }
        Self::ALL
            .into_iter()
            .find(|coding| name.eq_ignore_ascii_case(coding.name()))
    }

    /// Memory that its decoder may need for the window, in bytes.
    pub(super) fn window_max_bytes(self) -> usize {
        match self {
            Self::Gzip | Self::Deflate => 64 * 1024,
            Self::Brotli => 16 * 1024 * 1024,
            Self::Zstd => 1 << ZSTD_WINDOW_MAX_LOG2_BYTES,
        }
    }

    /// What comes out of decoding `reader`.
    pub(super) fn decode(
        self,
        reader: impl AsyncBufRead + Send + Unpin + 'static,
    ) -> Box<dyn AsyncRead + Send + Unpin> {
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(reader);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
            Self::Deflate => Box::new(ZlibDecoder::new(reader)),
            Self::Brotli => Box::new(BrotliDecoder::new(reader)),
            Self::Zstd => {
                let window = DParameter::window_log_max(ZSTD_WINDOW_MAX_LOG2_BYTES);
                Box::new(ZstdDecoder::with_params(reader, &[window]))
            }
        }
    }

    /// What comes out of encoding `reader`, at levels that keep up with the network.
    pub(super) fn encode(
        self,
        reader: impl AsyncBufRead + Send + 'static,
    ) -> std::pin::Pin<Box<dyn AsyncRead + Send>> {
        match self {
            Self::Gzip => Box::pin(GzipEncoder::with_quality(reader, Level::Fastest)),
            Self::Deflate => Box::pin(ZlibEncoder::with_quality(reader, Level::Fastest)),
            Self::Brotli => Box::pin(BrotliEncoder::with_quality(reader, Level::Precise(2))),
            Self::Zstd => Box::pin(ZstdEncoder::with_quality(reader, Level::Precise(1))),
        }
    }
}
