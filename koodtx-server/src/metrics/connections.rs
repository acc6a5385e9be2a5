//! Connections of clients.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::level::Level;

/// Counts connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionMeters {
    pub(crate) open: Level,
    /// Those that were one too many of their address.
    pub(crate) refused: Counter,
}

impl ConnectionMeters {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_connections",
            "Connections of clients that are open",
            self.open.0.clone(),
        );
        registry.register(
            "http_connections_refused",
            "Connections that were closed at once, as too many of one address",
            self.refused.clone(),
        );
    }
}
