//! Traces by OTLP over HTTP, as protocol buffers.

mod collector;
mod request_span;

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

pub(crate) use request_span::RequestSpan;

use super::{OtlpEndpoint, TracesError};
use crate::api::{SERVICE_NAME, SERVICE_VERSION};
use collector::Collector;

/// What the spans of traces are told by from those of the log.
const TARGET: &str = "koodtx_server::traces";

/// Whether somebody takes the spans.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Spans on their way to a collector.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Has spans sent to that collector from now on, in batches, beside the requests. Has to be called in a
    /// tokio runtime.
    pub(crate) fn start(endpoint: &OtlpEndpoint) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::of_runtime())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.traces_url())
            .build()
            .map_err(|error| TracesError::new(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name(SERVICE_NAME)
            .with_attribute(KeyValue::new("service.version", SERVICE_VERSION))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        IS_ON.store(true, Ordering::Relaxed);
        Ok(Self { provider })
    }

    /// What the log leaves to it.
    pub(crate) fn is_ours(metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    /// What takes the spans.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(SERVICE_NAME))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(Self::is_ours))
    }

    /// Sends what is left.
    pub(crate) async fn end(self) {
        IS_ON.store(false, Ordering::Relaxed);
        // It waits for the sending, which is done by this runtime.
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}
