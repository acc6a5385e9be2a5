//! What the server is and how it does.

use std::sync::Arc;
use std::time::Duration;

use koodtx_core::store::SyncStore;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use serde_json::json;

use super::answer::Answer;
use super::faults::{Fault, HealthFaults, PublicFaults};
use super::schema::{
    HealthAnswer, LimitsAnswer, LinksBody, ReadyAnswer, RootAnswer, StoreHealth, Tag,
};
use super::{DOCS_PATH, DOCUMENT_PATH, LIMITS_PATH, SERVICE_NAME, SERVICE_VERSION};
use crate::app::App;
use crate::error::ApiError;

/// Longest wait for the store to answer a ping.
const PING_TIMEOUT_SECONDS: u64 = 5;
/// When to ask again after it did not.
const UNHEALTHY_RETRY_AFTER_SECONDS: u64 = 5;

pub(crate) struct InfoApi {
    pub(super) app: Arc<App>,
}

#[OpenApi(tag = "Tag::Server")]
impl InfoApi {
    /// What this is
    #[oai(path = "/", method = "get", operation_id = "root")]
    #[expect(clippy::unused_async, reason = "operations are async")]
    async fn root(&self) -> Answer<RootAnswer> {
        Answer::of(&RootAnswer {
            service: SERVICE_NAME.to_owned(),
            version: SERVICE_VERSION.to_owned(),
            links: LinksBody {
                docs: DOCS_PATH.to_owned(),
                openapi: DOCUMENT_PATH.to_owned(),
                health: "/health".to_owned(),
                ready: "/ready".to_owned(),
                limits: LIMITS_PATH.to_owned(),
            },
        })
    }

    /// Whether requests should come here
    ///
    /// For who distributes requests among servers: the store answers, its schema is that of this
    /// release, no import into it is unfinished, and the server is not about to stop. `code` says
    /// which of these it is not. That a server is not ready is no reason to restart it; for that
    /// there is `/health`.
    #[oai(path = "/ready", method = "get", operation_id = "ready")]
    async fn ready(&self) -> Result<Answer<ReadyAnswer>, Fault<HealthFaults>> {
        let store = &self.app.store;
        let Some(trouble) = self.app.readiness.trouble(&**store).await else {
            return Ok(Answer::of(&ReadyAnswer {
                status: "ready".to_owned(),
                service: SERVICE_NAME.to_owned(),
                version: SERVICE_VERSION.to_owned(),
            }));
        };
        let details = json!({
            "status": "not ready",
            "service": SERVICE_NAME,
            "version": SERVICE_VERSION,
        });
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Err(ApiError::new(status, trouble.code(), trouble.message())
            .with_details(details)
            .retry_after_seconds(UNHEALTHY_RETRY_AFTER_SECONDS)
            .into())
    }

    /// What holds on this server
    ///
    /// How large, how many and how often: for clients that fit their requests to it instead of finding
    /// out. It changes only when the server is restarted.
    #[oai(path = "/api/limits", method = "get", operation_id = "limits")]
    #[expect(clippy::unused_async, reason = "operations are async")]
    async fn limits(&self) -> Result<Answer<LimitsAnswer>, Fault<PublicFaults>> {
        Ok(Answer::of(&self.app.limits))
    }

    /// Whether it works
    #[oai(path = "/health", method = "get", operation_id = "health")]
    async fn health(&self) -> Result<Answer<HealthAnswer>, Fault<HealthFaults>> {
        let kind = self.app.store.info().kind;
        let ping = tokio::time::timeout(
            Duration::from_secs(PING_TIMEOUT_SECONDS),
            SyncStore::ping(&*self.app.store),
        );
        let failure = match ping.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {PING_TIMEOUT_SECONDS} s")),
        };
        if let Some(failure) = failure {
            tracing::error!(failure, "the store is not healthy");
            let details = json!({
                "status": "unhealthy",
                "service": SERVICE_NAME,
                "version": SERVICE_VERSION,
                "store": { "kind": kind, "status": "unavailable" },
            });
            let error = ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "the store does not answer",
            );
            return Err(error
                .with_details(details)
                .retry_after_seconds(UNHEALTHY_RETRY_AFTER_SECONDS)
                .into());
        }
        Ok(Answer::of(&HealthAnswer {
            status: "healthy".to_owned(),
            service: SERVICE_NAME.to_owned(),
            version: SERVICE_VERSION.to_owned(),
            store: StoreHealth {
                kind: kind.to_owned(),
                status: "healthy".to_owned(),
            },
        }))
    }
}
