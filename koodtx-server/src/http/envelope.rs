//! The outermost layer: every error is JSON, no panic gets out, no error text of a library does.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use serde_json::json;

use super::access_log::access_log;
use super::compress::{compress, requested_coding};
use super::lingering::linger;
use crate::error::{ApiError, Rendered};

/// The methods that each path knows, for the `Allow` of a 405.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedMethods(HashMap<String, Vec<String>>);

impl AllowedMethods {
    pub(crate) fn add(&mut self, pattern: String, method: &Method) {
        self.0.entry(pattern).or_default().push(method.to_string());
    }

    fn of(&self, path: &str) -> Vec<String> {
        let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let asked = segments(path);
        let fits = |pattern: &str| {
            let known = segments(pattern);
            known.len() == asked.len()
                && known
                    .iter()
                    .zip(&asked)
                    .all(|(known, asked)| known.starts_with('{') || known == asked)
        };
        let mut methods: Vec<_> = self
            .0
            .iter()
            .filter(|(pattern, _)| fits(pattern))
            .flat_map(|(_, methods)| methods.clone())
            .collect();
        if methods.iter().any(|method| method == "GET") {
            methods.push("HEAD".to_owned());
        }
        methods.sort();
        methods
    }
}

/// Answers a request through `inner`, whatever happens in there.
pub(crate) async fn envelope(
    inner: &impl Endpoint,
    allowed: &AllowedMethods,
    mut request: Request,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let coding = requested_coding(request.headers());
    linger(&mut request);

    let answer = AssertUnwindSafe(inner.call(request)).catch_unwind().await;
    let response = match answer {
        Ok(Ok(output)) => output.into_response(),
        Ok(Err(error)) => error.into_response(),
        Err(_) => {
            tracing::error!(%method, "a handler panicked");
            ApiError::internal().into_response()
        }
    };
    let mut response = render(response, &path, allowed);
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    access_log(&method, started, &response);
    if method == Method::HEAD {
        response
    } else {
        compress(coding, response)
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
