//! A wrapper around any store that measures its operations.
//!
//! Each trait is implemented under `deny(clippy::missing_trait_methods)`: should one ever get a method
//! with a body of its own, a wrapper that forgot it would pass the inner store by.

mod accounts;
mod maintenance;
mod results;
mod sync;
mod transfer;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use koodtx_core::store::{Store, StoreError, StoreErrorKind};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::times::Times;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabels {
    operation: &'static str,
    kind: &'static str,
}

/// How long the operations of the store take, and how they fail.
#[derive(Clone, Debug)]
pub(crate) struct StoreTimes {
    times: Family<OperationLabels, Times, fn() -> Times>,
    errors: Family<ErrorLabels, Counter>,
}

impl Default for StoreTimes {
    fn default() -> Self {
        Self {
            times: Family::new_with_constructor(Times::short),
            errors: Family::default(),
        }
    }
}

impl StoreTimes {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "store_operation_duration_seconds",
            "Time that operations of the store took, failed ones too",
            self.times.clone(),
        );
        registry.register(
            "store_errors",
            "Failed operations of the store, by operation and kind",
            self.errors.clone(),
        );
        // There from the start, so that a rate has something to begin at.
        for kind in ["unavailable", "corrupt", "full"] {
            let operation = "push";
            drop(self.errors.get_or_create(&ErrorLabels { operation, kind }));
        }
    }

    /// Does an operation. One that is dropped half way is not counted.
    async fn measure<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let outcome = call.await;
        let times = self.times.get_or_create(&OperationLabels { operation });
        times.observe(started.elapsed());
        drop(times);
        if let Err(error) = &outcome {
            let kind = name(error.kind());
            let labels = ErrorLabels { operation, kind };
            self.errors.get_or_create(&labels).inc();
        }
        outcome
    }
}

fn name(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::Unavailable => "unavailable",
        StoreErrorKind::Contention => "contention",
        StoreErrorKind::NotFound => "not_found",
        StoreErrorKind::AlreadyExists => "already_exists",
        StoreErrorKind::LimitExceeded => "limit_exceeded",
        StoreErrorKind::QuotaExceeded => "quota_exceeded",
        StoreErrorKind::UserDeleted => "user_deleted",
        StoreErrorKind::Full => "full",
        StoreErrorKind::Corrupt => "corrupt",
        StoreErrorKind::Internal => "internal",
        // The kinds are open for additions.
        _ => "other",
    }
}

/// A store that does what the inner store does, and measures it.
#[derive(Debug)]
pub(crate) struct MeasuredStore {
    inner: Arc<dyn Store>,
    times: StoreTimes,
}

impl MeasuredStore {
    pub(crate) fn new(inner: Arc<dyn Store>, times: StoreTimes) -> Self {
        Self { inner, times }
    }
}
