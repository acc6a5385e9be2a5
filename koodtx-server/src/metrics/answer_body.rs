//! Counting what is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use poem::Response;
use poem::http::header;
use prometheus_client::metrics::counter::Counter;

use super::level::Entered;

/// Counts the bytes of an answer, and lets its request end with it.
///
/// An answer that says its length is whole already: it is counted at once, and sent as it is.
pub(super) fn counted(
    mut response: Response,
    method: &'static str,
    bytes: Counter,
    entered: Option<Entered>,
) -> Response {
    if method == "HEAD" {
        return response;
    }
    let length = response.headers().get(header::CONTENT_LENGTH);
    if let Some(length) = length.and_then(|length| length.to_str().ok()?.parse().ok()) {
        bytes.inc_by(length);
        return response;
    }
    let body = response.take_body();
    if body.is_empty() {
        response.set_body(body);
        return response;
    }
    response.set_body(poem::Body::from_bytes_stream(Counted {
        stream: Box::pin(body.into_bytes_stream()),
        bytes,
        _entered: entered,
    }));
    response
}

struct Counted<S> {
    stream: Pin<Box<S>>,
    bytes: Counter,
    _entered: Option<Entered>,
}

impl<S: Stream<Item = io::Result<Bytes>>> Stream for Counted<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.stream.as_mut().poll_next(context));
        if let Some(Ok(piece)) = &next {
            self.bytes.inc_by(piece.len() as u64);
        }
        Poll::Ready(next)
    }
}
