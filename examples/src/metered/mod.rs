//! A wrapper around any store that counts calls and measures how long they take.
//!
//! Each trait is implemented under `deny(clippy::missing_trait_methods)`. The traits have no default
//! bodies today; should one ever get one, a wrapper that forgot the method would pass it by, and
//! this makes that an error.

mod accounts;
mod maintenance;
mod meter;
mod results;
mod sync;
mod transfer;

pub use meter::{Meter, MethodStats};

use std::sync::Arc;

/// A store that does what the inner store does, and notes every call in its [`Meter`].
#[derive(Debug)]
pub struct MeteredStore<S> {
    inner: S,
    meter: Arc<Meter>,
}

impl<S> MeteredStore<S> {
    /// Wraps a store.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            meter: Arc::default(),
        }
    }

    /// What was measured; stays readable while the store is in use elsewhere.
    pub fn meter(&self) -> Arc<Meter> {
        self.meter.clone()
    }
}
