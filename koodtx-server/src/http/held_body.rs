//! Bodies of answers that keep something until they are sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use poem::http::header;
use poem::{Body, Response};

/// Has `held` dropped when the answer was sent, or given up.
///
/// An answer that says its length is whole already: nothing more is done for it, so `held` is dropped
/// at once.
pub(super) fn hold<T: Send + Sync + Unpin + 'static>(response: &mut Response, held: T) {
    if response.headers().contains_key(header::CONTENT_LENGTH) {
        return;
    }
    let inner = BoxBody::from(response.take_body());
    let held = Some(held);
    response.set_body(Body::from(BoxBody::new(HeldBody { inner, held })));
}

struct HeldBody<T> {
    inner: BoxBody<Bytes, io::Error>,
    held: Option<T>,
}

impl<T: Send + Sync + Unpin> HttpBody for HeldBody<T> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = std::task::ready!(Pin::new(&mut self.inner).poll_frame(context));
        if !matches!(next, Some(Ok(_))) {
            self.held = None;
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::{StreamExt, stream};

    use super::*;

    #[tokio::test]
    async fn what_a_stream_holds_is_there_until_its_end_and_not_longer() {
        let held = Arc::new(());
        let parts = stream::iter([1, 2]).map(|_| Ok::<_, io::Error>(Bytes::from_static(b"part")));
        let mut response = Response::builder().body(Body::from_bytes_stream(parts));
        hold(&mut response, held.clone());
        let mut body = response.into_body().into_bytes_stream();
        for _ in 0..2 {
            assert_eq!(body.next().await.unwrap().unwrap(), "part");
            assert_eq!(Arc::strong_count(&held), 2);
        }
        assert!(body.next().await.is_none());
        assert_eq!(Arc::strong_count(&held), 1);
        drop(body);
    }

    #[tokio::test]
    async fn what_is_whole_holds_nothing_and_what_is_given_up_lets_go() {
        let held = Arc::new(());
        let mut whole = Response::builder()
            .header(header::CONTENT_LENGTH, 4)
            .body("four");
        hold(&mut whole, held.clone());
        assert_eq!(Arc::strong_count(&held), 1);

        let never = stream::pending::<io::Result<Bytes>>();
        let mut endless = Response::builder().body(Body::from_bytes_stream(never));
        hold(&mut endless, held.clone());
        assert_eq!(Arc::strong_count(&held), 2);
        drop(endless);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
