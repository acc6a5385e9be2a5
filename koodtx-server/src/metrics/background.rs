//! The metrics of a worker or a scheduler, which answers no requests of clients.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use koodtx_store_postgres::PostgresStore;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::holdings::QueueHoldings;
use super::moment::Moment;
use super::{JobTimes, PREFIX, Role, StoreTimes, exposition, register_build};
use crate::queue::JobQueue;

/// The listener that the metrics of such a process are read from, and what it counts.
#[derive(Debug)]
pub(crate) struct BackgroundMetrics {
    listener: TcpListener,
    registry: Registry,
    queue: JobQueue,
    holdings: QueueHoldings,
}

/// What a worker counts beside what everybody does. Clones count the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerMeters {
    pub(crate) jobs: JobTimes,
    pub(crate) store: StoreTimes,
}

impl BackgroundMetrics {
    /// Of a process that works on `queue`, and has the connections of `postgres` if there is one.
    fn new(
        listener: TcpListener,
        queue: JobQueue,
        postgres: Option<PostgresStore>,
        role: Role,
        store: Option<&'static str>,
    ) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let holdings = QueueHoldings::default();
        holdings.register(&mut registry);
        register_build(&mut registry, role, store);
        registry.register_collector(Box::new(Moment {
            started: Instant::now(),
            intake: None,
            postgres,
        }));
        Self {
            listener,
            registry,
            queue,
            holdings,
        }
    }

    /// Of a worker on that kind of store.
    pub(crate) fn of_worker(
        listener: TcpListener,
        queue: JobQueue,
        meters: &WorkerMeters,
        store: &'static str,
        postgres: Option<PostgresStore>,
    ) -> Self {
        let mut metrics = Self::new(listener, queue, postgres, Role::Worker, Some(store));
        meters.jobs.register(&mut metrics.registry);
        meters.store.register(&mut metrics.registry);
        metrics
    }

    /// Of a scheduler, which has no store.
    pub(crate) fn of_scheduler(listener: TcpListener, queue: JobQueue) -> Self {
        Self::new(listener, queue, None, Role::Scheduler, None)
    }

    /// Where they are read.
    ///
    /// # Errors
    /// When the listener has no address.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves them, and looks at the queue now and then, until `stop`.
    ///
    /// # Errors
    /// Only when the listener has no address.
    pub(crate) async fn run(self, stop: CancellationToken) -> io::Result<()> {
        let registry = Arc::new(self.registry);
        let (served, _) = tokio::join!(
            exposition::serve(self.listener, registry, stop.clone().cancelled_owned()),
            stop.run_until_cancelled(self.holdings.follow(&self.queue)),
        );
        served
    }
}
