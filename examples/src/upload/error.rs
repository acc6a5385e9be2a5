//! Why a call failed for good.

use std::io;
use std::time::Duration;

use reqwest::StatusCode;

/// Why a call failed for good.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server says that the request is wrong; repeating it would not help.
    #[error("the server refused {path} with {status} {code}: {message}")]
    Refused {
        /// The path of the request.
        path: &'static str,
        /// The status.
        status: StatusCode,
        /// The stable code of the error.
        code: String,
        /// The sentence that comes with it.
        message: String,
    },
    /// The server could not be reached, or was busy, for longer than the client is patient.
    #[error("no answer to {path} in {} s; the last attempt: {last}", patience.as_secs())]
    GaveUp {
        /// The path of the request.
        path: &'static str,
        /// How patient the client was.
        patience: Duration,
        /// What the last attempt came to.
        last: String,
    },
    /// The answer is not what the API promises.
    #[error("the answer to {path} cannot be read: {source}")]
    Answer {
        /// The path of the request.
        path: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The body cannot be prepared, or no client can be set up.
    #[error(transparent)]
    Local(#[from] io::Error),
}

impl ClientError {
    /// The stable code, where the server refused.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::UNAUTHORIZED)
    }
}
