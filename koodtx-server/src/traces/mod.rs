//! Traces: a span for each request, for a collector that speaks OTLP. Only with the feature `otlp`.

mod endpoint;
#[cfg(not(feature = "otlp"))]
mod none;
#[cfg(feature = "otlp")]
mod otlp;

pub use endpoint::OtlpEndpoint;
#[cfg(not(feature = "otlp"))]
pub(crate) use none::{RequestSpan, Traces};
#[cfg(feature = "otlp")]
pub(crate) use otlp::{RequestSpan, Traces};

/// Why there are no traces. For operators.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", crate::config::Setting::OtlpEndpoint.name())]
pub struct TracesError {
    problem: String,
}

impl TracesError {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
        }
    }
}
