//! Compressing answers for clients that ask for it.

use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Body, Response};
use tokio_util::io::{ReaderStream, StreamReader};

use super::coding::Coding;
use crate::export::{ACCOUNT_EXPORT_CONTENT_TYPE, ExportFormat};

/// Answers known to be smaller than this are sent as they are.
const COMPRESS_MIN_BYTES: u64 = 860;
/// Size of the pieces that a compressed answer is sent in.
const PIECE_BYTES: usize = 32 * 1024;

/// Compresses a response with the coding that its request asked for. Streams.
pub(super) fn compress(requested: Option<Coding>, mut response: Response) -> Response {
    if !is_worth_it(&response) {
        return response;
    }
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().append(header::VARY, vary);
    let Some(coding) = requested else {
        return response;
    };
    let body = StreamReader::new(Box::pin(response.take_body().into_bytes_stream()));
    let encoded = ReaderStream::with_capacity(coding.encode(body), PIECE_BYTES);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static(coding.name()),
    );
    response.set_body(Body::from_bytes_stream(encoded));
    response
}

fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let known_bytes = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let compressed = [
        ExportFormat::Parquet.content_type(),
        ACCOUNT_EXPORT_CONTENT_TYPE,
    ];
    let is_compressed = headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        compressed
            .iter()
            .any(|known| kind.as_bytes() == known.as_bytes())
    });
    response.status() != StatusCode::NO_CONTENT
        && !is_compressed
        && !headers.contains_key(header::CONTENT_ENCODING)
        && known_bytes.is_none_or(|bytes| bytes >= COMPRESS_MIN_BYTES)
}

/// The coding that a request asks for: the one with the highest quality; among equals the one that suits answers best. `*` stands for
/// gzip, which everybody can read.
pub(super) fn requested_coding(accept: &HeaderMap) -> Option<Coding> {
    let mut best: Option<(Coding, f32)> = None;
    let values = accept
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for item in values.flat_map(|value| value.split(',')) {
        let mut parts = item.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let quality = parts
            .find_map(|part| part.trim().strip_prefix("q=")?.trim().parse::<f32>().ok())
            .unwrap_or(1.0);
        let coding = if name == "*" {
            Some(Coding::Gzip)
        } else {
            Coding::of_name(name)
        };
        let Some(coding) = coding.filter(|_| quality > 0.0) else {
            continue;
        };
        let rank = |coding| Coding::ALL.iter().position(|other| *other == coding);
        let better = best.is_none_or(|(held, held_quality)| {
            quality > held_quality || (quality >= held_quality && rank(coding) < rank(held))
        });
        if better {
            best = Some((coding, quality));
        }
    }
    best.map(|(coding, _)| coding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
        requested_coding(&headers).map(Coding::name)
    }

    #[test]
    fn quality_decides_and_zero_means_never() {
        assert_eq!(chosen("gzip, deflate, br, zstd"), Some("zstd"));
        assert_eq!(chosen("gzip;q=1.0, zstd;q=0.5"), Some("gzip"));
        assert_eq!(chosen("gzip;q=0, br; q=0.1"), Some("br"));
        assert_eq!(chosen("gzip;q=0"), None);
        assert_eq!(chosen("*"), Some("gzip"));
        assert_eq!(chosen("identity"), None);
        assert_eq!(chosen(""), None);
    }
}
