//! From every error below to a status and a code: the one place where that is decided.

use koodtx_core::pull::PullRequestError;
use koodtx_core::push::{PushError, PushErrorKind};
use koodtx_core::service::PullError;
use koodtx_core::store::{StoreError, StoreErrorKind, Taken};
use poem::http::StatusCode;
use serde_json::json;

use super::full_store::FullStoreLog;
use super::{ApiError, Shed};
use crate::auth::{AuthError, CountedBy, FieldError, RateExceeded};
use crate::export::ExportError;
use crate::http::BodyError;
use crate::queue::QueueError;

/// When a client should come back after the server or its store had no room, in seconds.
const BUSY_RETRY_AFTER_SECONDS: u64 = 2;
/// The same where somebody has to make room first.
const FULL_RETRY_AFTER_SECONDS: u64 = 30;

static FULL_STORE_LOG: FullStoreLog = FullStoreLog::new();

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
            // As for a request that comes a moment later.
            StoreErrorKind::UserDeleted => AuthError::TokenInvalid.into(),
            StoreErrorKind::LimitExceeded => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "limit_exceeded",
                error.message().to_owned(),
            ),
            StoreErrorKind::QuotaExceeded => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "quota_exceeded",
                error.message().to_owned(),
            ),
            StoreErrorKind::Full => {
                report(&error);
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store_full",
                    "the server has no room left to store anything; repeat the request later, that is \
                     safe",
                )
                .retry_after_seconds(FULL_RETRY_AFTER_SECONDS)
            }
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
pub(crate) fn report(error: &StoreError) {
    if error.kind() == StoreErrorKind::Full {
        FULL_STORE_LOG.report(error);
        return;
    }
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
            AuthError::RegistrationClosed => Self::new(
                StatusCode::FORBIDDEN,
                "registration_closed",
                "this server takes no registrations; ask its operator for an account (operators: \
                 `koodtx-server user create`)",
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
            AuthError::TooManyAttempts(exceeded) => too_many(
                Shed::Attempts,
                exceeded,
                "too many attempts; wait as long as `Retry-After` says".to_owned(),
            ),
            AuthError::TooManyRequests(exceeded) => {
                let (reason, whose) = match exceeded.by {
                    CountedBy::Address => (Shed::RequestsOfAddress, "from this address"),
                    CountedBy::Account => (Shed::RequestsOfAccount, "of this account"),
                };
                let message = format!(
                    "more than {} requests a minute {whose}; wait as long as `Retry-After` says, and \
                     send more at a time",
                    exceeded.per_minute
                );
                too_many(reason, exceeded, message)
            }
            AuthError::Busy => Self::shed(
                Shed::PasswordHashes,
                "too many sign-ins at once; try again",
                BUSY_RETRY_AFTER_SECONDS,
            ),
            AuthError::Field(error) => error.into(),
            AuthError::Store(error) => error.into(),
            AuthError::Internal(cause) => {
                tracing::error!("{cause}");
                Self::internal()
            }
        }
    }
}

fn too_many(reason: Shed, exceeded: RateExceeded, message: String) -> ApiError {
    ApiError::shed(reason, message, exceeded.retry_after_seconds).with_details(json!({
        "reason": reason.name(),
        "by": exceeded.by.name(),
        "per_minute": exceeded.per_minute,
    }))
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
        Self::shed(
            Shed::Jobs,
            "background work cannot be reached or has no room right now; try again",
            BUSY_RETRY_AFTER_SECONDS,
        )
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
            BodyError::MediaType { accepted } => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                format!(
                    "send the body as JSON, with `Content-Type: {}`",
                    accepted.join("` or `")
                ),
            )
            .with_details(json!({ "accepted": accepted })),
            BodyError::TimedOut => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_timeout",
                "the body did not arrive in time, or too slowly; send it again, less of it at a time \
                 where the line is slow",
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
            BodyError::NoRoom => Self::shed(
                Shed::BodyMemory,
                "the server is receiving as much as it can hold; repeat the request",
                BUSY_RETRY_AFTER_SECONDS,
            ),
        }
    }
}
