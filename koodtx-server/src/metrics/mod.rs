//! What the server counts about itself, for Prometheus.
//!
//! All numbers are atomics, counted a request, an operation of the store or a job at a time, never a
//! sample at a time. Requests and the store are measured only where there is a listener to read it
//! from. What each metric means: `koodtx-core/docs/observing.md`.

mod answer_body;
mod exposition;
mod holdings;
mod jobs;
mod level;
mod moment;
mod process;
mod requests;
mod routes;
mod store;
mod times;
mod traffic;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use koodtx_store_postgres::PostgresStore;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use jobs::{JobTimes, MeasuredHandler};
pub(crate) use level::Level;
pub(crate) use requests::Requests;
pub(crate) use routes::Routes;
pub(crate) use store::MeasuredStore;
pub(crate) use traffic::{BodyBytes, Samples};

use holdings::Holdings;
use moment::Moment;
use store::StoreTimes;

use crate::api::SERVICE_VERSION;
use crate::app::App;

/// What every metric's name begins with.
const PREFIX: &str = "koodtx";

/// Everything that is counted. Clones count the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meters {
    pub(crate) requests: Requests,
    pub(crate) connections: Level,
    pub(crate) body_bytes: BodyBytes,
    pub(crate) samples: Samples,
    pub(crate) store: StoreTimes,
    pub(crate) jobs: JobTimes,
    holdings: Holdings,
}

/// The listener that metrics are read from.
#[derive(Debug)]
pub(crate) struct MetricsServer {
    pub(crate) listener: TcpListener,
    /// The database of the store, if it has one.
    pub(crate) postgres: Option<PostgresStore>,
    pub(crate) started: Instant,
}

impl MetricsServer {
    /// Serves the metrics of `app`, and keeps those up to date that need it, until `stop`.
    ///
    /// # Errors
    /// Only when the listener has no address.
    pub(crate) async fn run(self, app: Arc<App>, stop: CancellationToken) -> io::Result<()> {
        let registry = Arc::new(self.registry(&app));
        let (served, ()) = tokio::join!(
            exposition::serve(self.listener, registry, stop.clone().cancelled_owned()),
            app.meters.holdings.follow(&app, stop),
        );
        served
    }

    fn registry(&self, app: &App) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let meters = &app.meters;
        meters.requests.register(&mut registry);
        meters.body_bytes.register(&mut registry);
        meters.samples.register(&mut registry);
        meters.store.register(&mut registry);
        meters.jobs.register(&mut registry);
        meters.holdings.register(&mut registry);
        registry.register(
            "http_connections",
            "Connections of clients that are open",
            meters.connections.0.clone(),
        );
        let build = [
            ("version", SERVICE_VERSION),
            ("store", app.store.info().kind),
        ];
        registry.register("build", "What runs", Info::new(build.to_vec()));
        registry.register_collector(Box::new(Moment {
            started: self.started,
            bodies: app.bodies.clone(),
            postgres: self.postgres.clone(),
        }));
        registry
    }
}
