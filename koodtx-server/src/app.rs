//! What every request handler shares.

use std::sync::Arc;

use koodtx_core::service::SyncService;
use koodtx_core::store::Store;
use poem::Request;
use tokio_util::task::TaskTracker;

use crate::auth::{Accounts, Attempts};
use crate::error::ApiError;
use crate::http::BodyReader;

/// The parts of a running server. Built once, shared by all requests.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) service: SyncService,
    pub(crate) accounts: Accounts,
    pub(crate) attempts: Attempts,
    pub(crate) bodies: BodyReader,
    /// Whether `X-Forwarded-For` comes from a proxy of ours.
    pub(crate) behind_proxy: bool,
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
