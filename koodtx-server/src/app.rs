//! What every request handler shares.

use std::sync::Arc;

use koodtx_core::service::SyncService;
use koodtx_core::store::Store;
use poem::Request;
use tokio_util::task::TaskTracker;

use crate::api::schema::LimitsAnswer;
use crate::auth::{Accounts, Attempts, Registration, RequestRates};
use crate::error::ApiError;
use crate::http::{Admission, BodyReader, CorsOrigins, Heavy};
use crate::jobs::Jobs;
use crate::metrics::Meters;
use crate::readiness::Readiness;

/// The parts of a running server. Built once, shared by all requests.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) service: SyncService,
    pub(crate) accounts: Accounts,
    /// Who may make an account.
    pub(crate) registration: Registration,
    pub(crate) attempts: Attempts,
    pub(crate) request_rates: RequestRates,
    /// Places of requests in progress.
    pub(crate) admission: Admission,
    pub(crate) bodies: BodyReader,
    /// Whether `X-Forwarded-For` comes from a proxy of ours.
    pub(crate) behind_proxy: bool,
    /// Pages of which other origins may use the API.
    pub(crate) cors: CorsOrigins,
    /// Whether the server speaks TLS.
    pub(crate) over_tls: bool,
    /// Background work.
    pub(crate) jobs: Arc<Jobs>,
    /// What is counted.
    pub(crate) meters: Meters,
    /// Whether each request is measured.
    pub(crate) is_measured: bool,
    /// Whether requests should come here.
    pub(crate) readiness: Readiness,
    /// Turns of requests that read whole sessions.
    pub(crate) heavy: Heavy,
    /// What clients are told of all limits.
    pub(crate) limits: LimitsAnswer,
    /// Work that outlives its request; shutdown waits for it.
    pub(crate) leftovers: TaskTracker,
}

/// The shared parts as they travel with a request.
#[derive(Clone)]
pub(crate) struct SharedApp(pub(crate) Arc<App>);

impl App {
    /// The parts that the request came with.
    pub(crate) fn of(request: &Request) -> Result<&Self, ApiError> {
        if let Some(app) = request.extensions().get::<SharedApp>() {
            return Ok(&app.0);
        }
        tracing::error!("a request came without the application's parts");
        Err(ApiError::internal())
    }
}
