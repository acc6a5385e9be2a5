//! Accounts: who may sign in, and what proves it afterwards.

mod accounts;
mod attempts;
mod client_address;
mod extract;
mod fields;
mod password;
mod rate_limit;
mod rates;
mod recent_keys;
mod registration;
mod request_rates;
mod token;

use koodtx_core::store::{StoreError, Taken};

pub use accounts::{Accounts, NewAccount, SignedIn, TokenPair};
pub use fields::FieldError;
pub use password::{PasswordError, Passwords};
pub use rate_limit::{RateLimit, RateLimitError};
pub use rates::{CountedBy, RateExceeded};
pub use registration::Registration;
pub use token::{Lifetimes, SigningSecret, SigningSecretError, Tokens};

pub(crate) use attempts::{ATTEMPTS_DEFAULT_PER_MINUTE, Attempts};
pub(crate) use client_address::{ClientAddress, network};
pub(crate) use extract::{Access, RefreshToken};
pub(crate) use fields::JsonFields;
pub(crate) use request_rates::RequestRates;

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// There is no token.
    #[error("no token")]
    TokenMissing,
    /// The token is none of ours, or its account is gone.
    #[error("invalid token")]
    TokenInvalid,
    /// The token's time is over.
    #[error("expired token")]
    TokenExpired,
    /// An access token where a refresh token is wanted, or the other way round.
    #[error("wrong kind of token")]
    TokenKind,
    /// A token whose sign-in has ended, or a refresh token that was used before.
    #[error("revoked token")]
    TokenRevoked,
    /// No such user, or not that password: which of the two is not said.
    #[error("wrong username or password")]
    Credentials,
    /// An operator disabled the account.
    #[error("disabled account")]
    Disabled,
    /// Only the operator makes accounts.
    #[error("registration is closed")]
    RegistrationClosed,
    /// What is to be registered is taken.
    #[error("{0:?} is taken")]
    Taken(Taken),
    /// Too many attempts to sign in, to register, or to have something computed.
    #[error("too many attempts")]
    TooManyAttempts(RateExceeded),
    /// Too many requests of whatever kind.
    #[error("too many requests")]
    TooManyRequests(RateExceeded),
    /// Too many passwords wait to be checked.
    #[error("too many sign-ins at once")]
    Busy,
    /// A field of the request is not right.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something below failed that no request should be able to cause.
    #[error("{0}")]
    Internal(String),
}
