//! The span of a request.

use std::sync::atomic::Ordering;

use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use poem::http::{HeaderMap, Method};
use poem::{PathPattern, Response};
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{IS_ON, TARGET};

/// From the head of a request to the head of its answer. Like the log, it has the route's pattern and never
/// what was in the request.
pub(crate) struct RequestSpan {
    span: Span,
    method: Method,
}

impl RequestSpan {
    /// Begins a span, below that of the client where the request names one (`traceparent`).
    pub(crate) fn begin(method: &Method, headers: &HeaderMap, id: &str) -> Self {
        let method = method.clone();
        if !IS_ON.load(Ordering::Relaxed) {
            let span = Span::none();
            return Self { span, method };
        }
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            otel.kind = "server",
            http.request.method = %method,
            koodtx.request_id = id,
        );
        let client = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        if client.span().span_context().is_valid()
            && let Err(error) = span.set_parent(client)
        {
            tracing::debug!(%error, "a span stays without its parent");
        }
        Self { span, method }
    }

    pub(crate) async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        work.instrument(self.span.clone()).await
    }

    pub(crate) fn end(self, response: &Response) {
        if self.span.is_none() {
            return;
        }
        let route = response
            .data::<PathPattern>()
            .filter(|pattern| !pattern.0.is_empty());
        let status = response.status();
        let context = self.span.context();
        let span = context.span();
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status.as_u16()),
        ));
        match route {
            Some(route) => {
                span.update_name(format!("{} {}", self.method, route.0));
                span.set_attribute(KeyValue::new("http.route", route.0.to_string()));
            }
            None => span.update_name(self.method.to_string()),
        }
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
    }
}
