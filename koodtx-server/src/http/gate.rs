//! What a request has to pass before anything is done for it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use poem::{Endpoint, IntoResponse, Request, Response};

use super::held_body::hold;
use crate::app::App;
use crate::auth::ClientAddress;
use crate::error::{ApiError, Shed};

/// What answers however much there is to do: what says how the server does is needed most then.
const ALWAYS_ANSWERED: [&str; 3] = ["/", "/health", "/ready"];
/// When a client should come back that found no place, in seconds: not all of them at the same time.
const RETRY_AFTER_SECONDS: RangeInclusive<u64> = 2..=6;

/// Lets a request through to `inner` where its address may send another and there is a place for it.
///
/// Nothing was read by then but the head, and nothing asked of the store.
pub(crate) struct Gate<E> {
    inner: E,
    app: Arc<App>,
}

impl<E> Gate<E> {
    pub(crate) fn new(inner: E, app: Arc<App>) -> Self {
        Self { inner, app }
    }
}

impl<E: Endpoint> Endpoint for Gate<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let Self { inner, app } = self;
        if ALWAYS_ANSWERED.contains(&request.uri().path()) {
            return inner.call(request).await.map(IntoResponse::into_response);
        }
        let address = ClientAddress::of(&request, app.behind_proxy);
        let counted = app.request_rates.by_address(address.0);
        counted.map_err(ApiError::from)?;
        let place = app.admission.enter().await.ok_or_else(no_place)?;
        let mut response = inner.call(request).await?.into_response();
        hold(&mut response, place);
        Ok(response)
    }
}

fn no_place() -> ApiError {
    ApiError::shed(
        Shed::ConcurrentRequests,
        "the server is answering as many requests as it can; repeat the request",
        rand::random_range(RETRY_AFTER_SECONDS),
    )
}
