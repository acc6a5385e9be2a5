//! What the server counts about itself, for Prometheus.
//!
//! All numbers are atomics, counted a request, an operation of the store or a job at a time, never a
//! sample at a time. Requests and the store are measured only where there is a listener to read it
//! from. What each metric means: `koodtx-core/docs/observing.md`.

mod answer_body;
mod background;
mod connections;
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

pub(crate) use background::{BackgroundMetrics, WorkerMeters};
pub(crate) use connections::ConnectionMeters;
pub(crate) use jobs::{JobTimes, MeasuredHandler};
pub(crate) use requests::Requests;
pub(crate) use routes::Routes;
pub(crate) use store::MeasuredStore;
pub(crate) use traffic::{BodyBytes, Samples};

use holdings::{QueueHoldings, StoreHoldings};
use moment::{Intake, Moment};
use store::StoreTimes;

use crate::api::SERVICE_VERSION;
use crate::app::App;

/// What every metric's name begins with.
const PREFIX: &str = "koodtx";

/// What a process is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Server,
    Worker,
    Scheduler,
}

/// Says what runs; `store` is the kind of the store, where there is one.
fn register_build(registry: &mut Registry, role: Role, store: Option<&'static str>) {
    let role = match role {
        Role::Server => "server",
        Role::Worker => "worker",
        Role::Scheduler => "scheduler",
    };
    let mut build = vec![("version", SERVICE_VERSION), ("role", role)];
    build.extend(store.map(|store| ("store", store)));
    registry.register("build", "What runs", Info::new(build));
}

/// Everything that is counted. Clones count the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meters {
    pub(crate) requests: Requests,
    pub(crate) connections: ConnectionMeters,
    pub(crate) body_bytes: BodyBytes,
    pub(crate) samples: Samples,
    pub(crate) store: StoreTimes,
    pub(crate) jobs: JobTimes,
    store_holdings: StoreHoldings,
    queue_holdings: QueueHoldings,
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
        let queue = async {
            if let Some(queue) = app.jobs.queue() {
                app.meters.queue_holdings.follow(queue).await;
            }
        };
        let store = app.meters.store_holdings.follow(&*app.store);
        let looking = async { tokio::join!(store, queue) };
        let (served, _) = tokio::join!(
            exposition::serve(self.listener, registry, stop.clone().cancelled_owned()),
            stop.run_until_cancelled(looking),
        );
        served
    }

    fn registry(&self, app: &App) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let meters = &app.meters;
        meters.requests.register(&mut registry);
        meters.connections.register(&mut registry);
        meters.body_bytes.register(&mut registry);
        meters.samples.register(&mut registry);
        meters.store.register(&mut registry);
        meters.jobs.register(&mut registry);
        meters.store_holdings.register(&mut registry);
        meters.queue_holdings.register(&mut registry);
        register_build(&mut registry, Role::Server, Some(app.store.info().kind));
        registry.register_collector(Box::new(Moment {
            started: self.started,
            intake: Some(Intake {
                admission: app.admission.clone(),
                bodies: app.bodies.clone(),
            }),
            postgres: self.postgres.clone(),
        }));
        registry
    }
}
