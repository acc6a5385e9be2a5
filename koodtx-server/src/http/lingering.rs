//! Reading on for a while after a request was refused.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::http::header;
use poem::{Body, Request};

/// How long the rest of a refused body is read and thrown away.
///
/// Closing a connection that still holds unread bytes resets it, and the reset can overtake the
/// answer: the client would see a broken connection instead of the 413 that explains it.
const LINGER_MAX_SECONDS: u64 = 10;

/// Makes the request's body linger when it is dropped before its end.
pub(super) fn linger(request: &mut Request) {
    // Who sent `Expect: 100-continue` sends nothing before being asked to.
    if request.headers().contains_key(header::EXPECT) {
        return;
    }
    let body = request.take_body();
    if body.is_empty() {
        return;
    }
    let stream: ByteStream = Box::pin(body.into_bytes_stream());
    request.set_body(Body::from_bytes_stream(Lingering(Some(stream))));
}

type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

struct Lingering(Option<ByteStream>);

impl Stream for Lingering {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let next = std::task::ready!(stream.as_mut().poll_next(context));
        if !matches!(next, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(next)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let (Some(mut stream), Ok(runtime)) =
            (self.0.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(tokio::time::timeout(
            Duration::from_secs(LINGER_MAX_SECONDS),
            async move { while let Some(Ok(_)) = stream.next().await {} },
        ));
    }
}
