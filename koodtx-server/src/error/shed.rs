//! Why there was no room for a request.

use poem::http::StatusCode;

/// Why a request was turned away that nothing is wrong with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shed {
    /// As many are in progress as may be.
    ConcurrentRequests,
    /// Bodies hold as much memory as they may.
    BodyMemory,
    /// As many passwords are hashed, and wait for it, as may be.
    PasswordHashes,
    /// As many sessions are read as a whole as may be.
    HeavyRequests,
    /// Background work is away, or has no room.
    Jobs,
    /// Too many requests from an address.
    RequestsOfAddress,
    /// Too many requests of an account.
    RequestsOfAccount,
    /// Too many attempts to sign in, to register, or to have something computed.
    Attempts,
}

impl Shed {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::ConcurrentRequests,
        Self::BodyMemory,
        Self::PasswordHashes,
        Self::HeavyRequests,
        Self::Jobs,
        Self::RequestsOfAddress,
        Self::RequestsOfAccount,
        Self::Attempts,
    ];

    /// As metrics name it, and the details of the error.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ConcurrentRequests => "concurrent_requests",
            Self::BodyMemory => "body_memory",
            Self::PasswordHashes => "password_hashes",
            Self::HeavyRequests => "heavy_requests",
            Self::Jobs => "jobs",
            Self::RequestsOfAddress => "requests_of_address",
            Self::RequestsOfAccount => "requests_of_account",
            Self::Attempts => "attempts",
        }
    }

    /// The code of the error that the client gets.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ConcurrentRequests | Self::BodyMemory | Self::PasswordHashes => "overloaded",
            Self::HeavyRequests => "busy",
            Self::Jobs => "jobs_unavailable",
            Self::RequestsOfAddress | Self::RequestsOfAccount | Self::Attempts => "rate_limited",
        }
    }

    /// The status of the answer: 429 where it is the client's own doing.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::RequestsOfAddress | Self::RequestsOfAccount | Self::Attempts => {
                StatusCode::TOO_MANY_REQUESTS
            }
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
