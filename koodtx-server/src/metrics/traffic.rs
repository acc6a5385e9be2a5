//! Bytes and samples that come in.

use koodtx_core::service::PushResponse;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Bytes of request bodies.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyBytes {
    received: Counter,
    decoded: Counter,
}

impl BodyBytes {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_request_bytes",
            "Bytes of request bodies that were read, as received",
            self.received.clone(),
        );
        registry.register(
            "http_request_decoded_bytes",
            "Bytes of request bodies that arrived whole, after decompression",
            self.decoded.clone(),
        );
    }

    /// Counts a piece as it came from the wire.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.inc_by(bytes as u64);
    }

    /// Counts a body that is whole and decoded.
    pub(crate) fn decoded(&self, bytes: usize) {
        self.decoded.inc_by(bytes as u64);
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// What became of samples that were pushed.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    by_outcome: Family<OutcomeLabels, Counter>,
    inserted: Counter,
    updated: Counter,
    duplicate: Counter,
    refused: Counter,
}

impl Default for Samples {
    fn default() -> Self {
        let by_outcome = Family::<OutcomeLabels, Counter>::default();
        let of = |outcome| by_outcome.get_or_create_owned(&OutcomeLabels { outcome });
        Self {
            inserted: of("inserted"),
            updated: of("updated"),
            duplicate: of("duplicate"),
            refused: of("refused"),
            by_outcome,
        }
    }
}

impl Samples {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "samples",
            "Samples of pushes that were answered with 200, by what became of them",
            self.by_outcome.clone(),
        );
    }

    /// Counts the samples of a push.
    pub(crate) fn pushed(&self, answer: &PushResponse) {
        self.inserted.inc_by(answer.inserted);
        self.updated.inc_by(answer.updated);
        self.duplicate.inc_by(answer.duplicates);
        self.refused.inc_by(answer.errors);
    }
}
