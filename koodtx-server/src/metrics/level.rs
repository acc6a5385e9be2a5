//! How many of something there are at the moment.

use prometheus_client::metrics::gauge::Gauge;

/// How many of something there are at the moment. Clones are the same number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level(pub(super) Gauge);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered(Gauge);

impl Level {
    /// One more.
    pub(crate) fn enter(&self) -> Entered {
        self.0.inc();
        Entered(self.0.clone())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.dec();
    }
}
