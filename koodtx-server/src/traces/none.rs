//! In place of traces, where the program was built without them.

use poem::Response;
use poem::http::{HeaderMap, Method};
use tracing::Metadata;
use tracing_subscriber::layer::Identity;

use super::{OtlpEndpoint, TracesError};

/// There are none.
pub(crate) enum Traces {}

impl Traces {
    pub(crate) fn start(_: &OtlpEndpoint) -> Result<Self, TracesError> {
        Err(TracesError::new(
            "this program was built without traces; build it with `--features otlp`, or set it to `off`",
        ))
    }

    pub(crate) fn is_ours(_: &Metadata<'_>) -> bool {
        false
    }

    pub(crate) fn layer(&self) -> Identity {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "as with the feature")]
    pub(crate) async fn end(self) {
        match self {}
    }
}

/// Nothing at all.
pub(crate) struct RequestSpan;

impl RequestSpan {
    pub(crate) fn begin(_: &Method, _: &HeaderMap, _: &str) -> Self {
        Self
    }

    pub(crate) async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        work.await
    }

    pub(crate) fn end(self, _: &Response) {}
}
