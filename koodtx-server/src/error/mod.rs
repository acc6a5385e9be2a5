//! The one form of every error answer.

mod full_store;
mod mapping;
mod shed;

use std::borrow::Cow;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

pub(crate) use mapping::report;
pub(crate) use shed::Shed;

/// What a client gets instead of an answer: `{"error", "code", "details"?}` and a status.
///
/// The sentence says what to do about it; the code never changes its meaning; neither ever carries
/// an internal text.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    details: Option<Value>,
    retry_after_seconds: Option<u64>,
    allow: Option<String>,
    shed: Option<Shed>,
}

/// Marks a response as built from an [`ApiError`], so that no layer above rewrites it.
#[derive(Clone, Copy)]
pub(crate) struct Rendered {
    pub(crate) code: &'static str,
    /// Present where there was no room for the request.
    pub(crate) shed: Option<Shed>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
}

impl ApiError {
    /// An error of that status, stable code and sentence.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
            details: None,
            retry_after_seconds: None,
            allow: None,
            shed: None,
        }
    }

    /// What a client hears for whom there is no room.
    pub(crate) fn shed(
        reason: Shed,
        message: impl Into<Cow<'static, str>>,
        retry_after_seconds: u64,
    ) -> Self {
        let mut error = Self::new(reason.status(), reason.code(), message);
        error.shed = Some(reason);
        error
            .with_details(serde_json::json!({ "reason": reason.name() }))
            .retry_after_seconds(retry_after_seconds)
    }

    /// A 400 about one field of the request, which the details name.
    pub fn field(code: &'static str, field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
            .with_details(serde_json::json!({ "field": field }))
    }

    /// A 500 that says nothing of its cause; whoever builds it has logged the cause.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "the server failed to answer; try again later, and tell its operator if that does not help",
        )
    }

    /// Adds what a program may want to know.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }

    /// Lists the methods that the path knows, for a 405.
    #[must_use]
    pub fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body {
            error: &self.message,
            code: self.code,
            details: self.details.as_ref(),
        };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::builder()
            .status(self.status)
            .content_type("application/json")
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::CONTENT_LENGTH, body.len())
            .body(body);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"koodtx\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_seconds {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow.and_then(|methods| methods.try_into().ok()) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response.extensions_mut().insert(Rendered {
            code: self.code,
            shed: self.shed,
        });
        response
    }
}

impl From<ApiError> for poem::Error {
    fn from(error: ApiError) -> Self {
        let rendered = Rendered {
            code: error.code,
            shed: error.shed,
        };
        let mut error = Self::from_response(error.into_response());
        // The extensions of a response do not survive being an error.
        error.set_data(rendered);
        error
    }
}
