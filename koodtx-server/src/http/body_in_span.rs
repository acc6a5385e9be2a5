//! Bodies of answers whose making is logged under the name of their request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use poem::{Body, Response};
use tracing::Span;

/// Has what is logged while the body is read, after the request was answered, logged in `span`.
pub(super) fn body_in_span(span: Span, response: &mut Response) {
    let inner = Some(BoxBody::from(response.take_body()));
    response.set_body(Body::from(BoxBody::new(BodyInSpan { inner, span })));
}

struct BodyInSpan {
    /// There until it is dropped.
    inner: Option<BoxBody<Bytes, io::Error>>,
    span: Span,
}

impl HttpBody for BodyInSpan {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Self { inner, span } = &mut *self;
        let _entered = span.enter();
        match inner {
            Some(inner) => Pin::new(inner).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for BodyInSpan {
    /// A body that is given up early may have something to say, too.
    fn drop(&mut self) {
        let _entered = self.span.enter();
        drop(self.inner.take());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::{StreamExt, stream};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct LogsItsEnd;

    impl Drop for LogsItsEnd {
        fn drop(&mut self) {
            tracing::error!("ended");
        }
    }

    #[tokio::test]
    async fn what_is_logged_while_a_body_is_read_or_given_up_names_its_request() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let _default = tracing::subscriber::set_default(subscriber);
        let guard = LogsItsEnd;
        let parts = stream::iter([1, 2]).map(move |number| {
            let _guard = &guard;
            tracing::error!(number, "made");
            Ok::<_, io::Error>(Bytes::from_static(b"part"))
        });
        let mut response = Response::builder().body(Body::from_bytes_stream(parts));
        let span = tracing::error_span!("request", request_id = "mine");
        body_in_span(span, &mut response);
        let mut body = response.into_body().into_bytes_stream();
        assert_eq!(body.next().await.unwrap().unwrap(), "part");
        drop(body);

        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        for (line, word) in lines.iter().zip(["made", "ended"]) {
            assert!(
                line.contains("request{request_id=\"mine\"}") && line.contains(word),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn the_length_of_a_body_stays_known() {
        let mut response = Response::builder().body("four");
        body_in_span(Span::none(), &mut response);
        let body = BoxBody::from(response.take_body());
        assert_eq!(
            (body.size_hint().exact(), body.is_end_stream()),
            (Some(4), false)
        );
    }
}
