//! The outermost layer: every error is JSON, no panic gets out, no error text of a library does.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use poem::http::{Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use serde_json::json;
use tracing::Instrument;

use super::access_log::access_log;
use super::allowed_methods::AllowedMethods;
use super::body_in_span::body_in_span;
use super::compress::{compress, requested_coding};
use super::cors::CorsOrigins;
use super::lingering::linger;
use super::request_id::{REQUEST_ID, RequestId, request_id};
use super::security_headers::add_security_headers;
use crate::error::{ApiError, Rendered};
use crate::traces::RequestSpan;

/// The outermost layer of the API.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) allowed: AllowedMethods,
    pub(crate) cors: CorsOrigins,
    /// Whether the server speaks TLS.
    pub(crate) over_tls: bool,
}

impl Envelope {
    /// Answers a request through `inner`, whatever happens in there, and logs all of it under the
    /// request's id.
    pub(crate) async fn answer(&self, inner: &impl Endpoint, mut request: Request) -> Response {
        let id = request_id(request.headers());
        request.extensions_mut().insert(RequestId::new(id.clone()));
        let origin = request.headers().get(header::ORIGIN).cloned();
        let name = id.to_str().unwrap_or_default();
        let trace = RequestSpan::begin(request.method(), request.headers(), name);
        // As severe as an event can be, so that the id is there however few of them are logged.
        let span = tracing::error_span!("request", request_id = name);

        let answering = self.answer_in_span(inner, request);
        let mut response = trace.around(answering.instrument(span.clone())).await;
        trace.end(&response);
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        add_security_headers(headers, self.over_tls);
        self.cors.mark(origin.as_ref(), headers);
        body_in_span(span, &mut response);
        response
    }

    async fn answer_in_span(&self, inner: &impl Endpoint, mut request: Request) -> Response {
        let started = Instant::now();
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let coding = requested_coding(request.headers());
        linger(&mut request);

        let preflight = self.cors.preflight(&request, || self.allowed.of(&path));
        let response = match preflight {
            Some(response) => response,
            None => self.answer_safely(inner, request, &path).await,
        };
        access_log(&method, started, &response);
        if method == Method::HEAD {
            response
        } else {
            compress(coding, response)
        }
    }

    /// The answer of `inner`, or an error of ours in place of a panic or of a library's error.
    async fn answer_safely(&self, inner: &impl Endpoint, request: Request, path: &str) -> Response {
        let method = request.method().clone();
        let answer = AssertUnwindSafe(inner.call(request)).catch_unwind().await;
        let response = match answer {
            Ok(Ok(output)) => output.into_response(),
            Ok(Err(error)) => error.into_response(),
            Err(_) => {
                tracing::error!(%method, "a handler panicked");
                ApiError::internal().into_response()
            }
        };
        render(response, path, &self.allowed)
    }
}

/// Replaces what a library wrote into an error response.
fn render(response: Response, path: &str, allowed: &AllowedMethods) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Rendered>().is_some() {
        return response;
    }
    let error = match status {
        StatusCode::NOT_FOUND => ApiError::new(
            status,
            "route_not_found",
            "there is nothing at this path; see /docs for what there is",
        ),
        StatusCode::METHOD_NOT_ALLOWED => {
            let methods = allowed.of(path);
            let message = format!("this path knows only {}", methods.join(", "));
            ApiError::new(status, "method_not_allowed", message)
                .with_details(json!({ "allowed": methods }))
                .allow(methods.join(", "))
        }
        status if status.is_client_error() => ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "the request cannot be understood; see /docs for its form",
        ),
        _ => {
            tracing::error!(%status, "an error response without a code");
            ApiError::internal()
        }
    };
    let mut rendered = error.into_response();
    if let Some(pattern) = response.data::<poem::PathPattern>() {
        rendered.set_data(pattern.clone());
    }
    rendered
}
