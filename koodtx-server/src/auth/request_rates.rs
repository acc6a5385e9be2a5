//! Limits on how many requests somebody may send, of whatever kind.

use std::net::IpAddr;

use koodtx_core::id::UserId;

use super::client_address::network;
use super::rates::{CountedBy, Rates};
use super::{AuthError, RateLimit};

/// Counts requests.
#[derive(Debug)]
pub(crate) struct RequestRates {
    of_address: Rates<IpAddr>,
    of_account: Rates<UserId>,
}

impl RequestRates {
    pub(crate) fn new(of_address: RateLimit, of_account: RateLimit) -> Self {
        Self {
            of_address: Rates::new(of_address),
            of_account: Rates::new(of_account),
        }
    }

    /// Counts a request from `address`, if it is allowed.
    pub(crate) fn by_address(&self, address: Option<IpAddr>) -> Result<(), AuthError> {
        let Some(address) = address else {
            return Ok(());
        };
        self.of_address
            .count(&network(address), CountedBy::Address)
            .map_err(AuthError::TooManyRequests)
    }

    /// Counts a request of an account, if it is allowed.
    pub(crate) fn by_account(&self, user: UserId) -> Result<(), AuthError> {
        self.of_account
            .count(&user, CountedBy::Account)
            .map_err(AuthError::TooManyRequests)
    }
}
