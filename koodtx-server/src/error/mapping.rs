//! From every error below to a status and a code: the one place where that is decided.

use koodtx_core::pull::PullRequestError;
use koodtx_core::push::{PushError, PushErrorKind};
use koodtx_core::service::PullError;
use koodtx_core::store::{StoreError, StoreErrorKind, Taken};
use poem::http::StatusCode;
use serde_json::json;

use super::ApiError;
use crate::auth::{AuthError, FieldError};
use crate::export::ExportError;
use crate::http::BodyError;
use crate::queue::QueueError;

/// When a client should come back after the server or its store had no room, in seconds.
const BUSY_RETRY_AFTER_SECONDS: u64 = 2;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "there is nothing of that id",
            ),
            StoreErrorKind::AlreadyExists => Self::new(
                StatusCode::CONFLICT,
                "already_exists",
                "that exists already",
            ),
            StoreErrorKind::LimitExceeded => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "limit_exceeded",
                error.message().to_owned(),
            ),
            _ if error.is_retryable() => {
                report(&error);
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store_unavailable",
                    "the store cannot take the request right now; repeat it, that is safe",
                )
                .retry_after_seconds(BUSY_RETRY_AFTER_SECONDS)
            }
            // The kinds are open for additions; one that is not known here is no client's mistake.
            _ => {
                report(&error);
                Self::internal()
            }
        }
    }
}

/// Logs what the client does not get to see.
fn report(error: &StoreError) {
    let source = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(
        operation = error.operation(),
        kind = ?error.kind(),
        source = source.as_deref(),
        "{}",
        error.message()
    );
}

impl From<PushError> for ApiError {
    fn from(error: PushError) -> Self {
        let status = match error.kind() {
            PushErrorKind::Malformed
            | PushErrorKind::MissingField
            | PushErrorKind::InvalidField => StatusCode::BAD_REQUEST,
            PushErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        };
        named(
            Self::new(status, error.code(), error.to_string()),
            error.field(),
        )
    }
}

impl From<PullRequestError> for ApiError {
    fn from(error: PullRequestError) -> Self {
        let plain = Self::new(StatusCode::BAD_REQUEST, error.code(), error.to_string());
        named(plain, error.field())
    }
}

fn named(error: ApiError, field: Option<&str>) -> ApiError {
    match field {
        Some(field) => error.with_details(json!({ "field": field })),
        None => error,
    }
}

impl From<PullError> for ApiError {
    fn from(error: PullError) -> Self {
        match error {
            PullError::Request(error) => error.into(),
            PullError::Store(error) => error.into(),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let unauthorized =
            |code, message: &'static str| Self::new(StatusCode::UNAUTHORIZED, code, message);
        match error {
            AuthError::TokenMissing => unauthorized(
                "token_missing",
                "this needs a token; send it as `Authorization: Bearer <token>`",
            ),
            AuthError::TokenInvalid => unauthorized(
                "token_invalid",
                "the token is not valid here; sign in again",
            ),
            AuthError::TokenExpired => unauthorized(
                "token_expired",
                "the token has expired; refresh it at /api/auth/refresh or sign in again",
            ),
            AuthError::TokenKind => unauthorized(
                "token_wrong_type",
                "that kind of token is not for this; the refresh token is for /api/auth/refresh, \
                 the access token for everything else",
            ),
            AuthError::TokenRevoked => unauthorized(
                "token_revoked",
                "the token was used before or revoked; sign in again",
            ),
            AuthError::Credentials => {
                unauthorized("invalid_credentials", "username or password is wrong")
            }
            AuthError::Disabled => Self::new(
                StatusCode::FORBIDDEN,
                "account_disabled",
                "this account is disabled; ask the operator of the server",
            ),
            AuthError::Taken(taken) => {
                let (code, field) = match taken {
                    Taken::Username => ("username_taken", "username"),
                    Taken::Email => ("email_taken", "email"),
                    Taken::Device => ("device_taken", "device_id"),
                };
                Self::new(
                    StatusCode::CONFLICT,
                    code,
                    format!("this `{field}` is registered already; choose another or sign in"),
                )
                .with_details(json!({ "field": field }))
            }
            AuthError::RateLimited {
                retry_after_seconds,
            } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many attempts; wait as long as `Retry-After` says",
            )
            .retry_after_seconds(retry_after_seconds),
            AuthError::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "too many sign-ins at once; try again",
            )
            .retry_after_seconds(BUSY_RETRY_AFTER_SECONDS),
            AuthError::Field(error) => error.into(),
            AuthError::Store(error) => error.into(),
            AuthError::Internal(cause) => {
                tracing::error!("{cause}");
                Self::internal()
            }
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        let plain = Self::new(StatusCode::BAD_REQUEST, error.code, error.message);
        named(plain, Some(error.field).filter(|field| !field.is_empty()))
    }
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        tracing::warn!(%error, "a job was not taken, or not found");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "jobs_unavailable",
            "background work cannot be reached or has no room right now; try again",
        )
        .retry_after_seconds(BUSY_RETRY_AFTER_SECONDS)
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Removed => Self::new(
                StatusCode::NOT_FOUND,
                "session_not_found",
                "the samples of the session were removed while it was read",
            ),
            ExportError::Damaged(_) => {
                tracing::error!(%error, "a session cannot be exported");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "session_damaged",
                    "some stored samples of the session are damaged, and a file would not be whole; \
                     a pull gives all others and names the gap",
                )
            }
            error => {
                tracing::error!(%error, "an export failed");
                Self::internal()
            }
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit_bytes } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!(
                    "the body is larger than {limit_bytes} bytes (counted before and after \
                     decompression); send less at a time"
                ),
            )
            .with_details(json!({ "limit_bytes": limit_bytes })),
            BodyError::Encoding { accepted } => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_content_encoding",
                format!(
                    "use one of these as Content-Encoding, or none: {}",
                    accepted.join(", ")
                ),
            )
            .with_details(json!({ "accepted": accepted })),
            BodyError::NotJson => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send the body as JSON, with `Content-Type: application/json`",
            )
            .with_details(json!({ "accepted": ["application/json"] })),
            BodyError::TimedOut => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_timeout",
                "the body did not arrive in time; send it again",
            ),
            BodyError::Incomplete => Self::new(
                StatusCode::BAD_REQUEST,
                "body_incomplete",
                "the body ended early or was framed wrongly; send it again",
            ),
            BodyError::Undecodable => Self::new(
                StatusCode::BAD_REQUEST,
                "body_undecodable",
                "the body is not what its Content-Encoding says, or is cut short",
            ),
            BodyError::NoRoom => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "the server is receiving as much as it can hold; repeat the request",
            )
            .retry_after_seconds(BUSY_RETRY_AFTER_SECONDS),
        }
    }
}
