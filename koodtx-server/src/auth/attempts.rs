//! Limits on how often somebody may try to sign in or register.

use std::net::IpAddr;
use std::num::NonZeroU32;

use koodtx_core::id::UserId;
use koodtx_core::store::fold_name;
use sha2::{Digest, Sha256};

use super::client_address::network;
use super::rates::{CountedBy, Rates};
use super::{AuthError, RateLimit};

/// Attempts a minute where the operator says nothing.
pub(crate) const ATTEMPTS_DEFAULT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// A hash of the folded username, which may be as long as a client likes.
type NameHash = [u8; 16];

/// Who tries what.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// An IPv4 address or an IPv6 /64, which is what one customer of a provider gets.
    Address(IpAddr),
    /// Signing in to an account.
    Login(NameHash),
    /// Registering a name. Counted apart, or who registers another's name would lock them out.
    Registration(NameHash),
    /// Asking for an analysis.
    Analysis(UserId),
    /// Ending a session, which asks for an analysis by itself.
    Ending(UserId),
}

/// Counts attempts.
#[derive(Debug)]
pub(crate) struct Attempts(Rates<Key>);

impl Attempts {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self(Rates::new(limit))
    }

    /// Counts an attempt from `address`, if it is allowed.
    pub(crate) fn by_address(&self, address: Option<IpAddr>) -> Result<(), AuthError> {
        address.map_or(Ok(()), |address| self.count(Key::Address(network(address))))
    }

    /// Counts an attempt to sign in under that name, if it is allowed.
    pub(crate) fn to_login(&self, username: &str) -> Result<(), AuthError> {
        self.count(Key::Login(name_hash(username)))
    }

    /// Counts an attempt to register that name, if it is allowed.
    pub(crate) fn to_register(&self, username: &str) -> Result<(), AuthError> {
        self.count(Key::Registration(name_hash(username)))
    }

    /// Counts a request for an analysis, if it is allowed: the queue is everybody's.
    pub(crate) fn to_analyse(&self, user: UserId) -> Result<(), AuthError> {
        self.count(Key::Analysis(user))
    }

    /// Counts a session that ended, if it is allowed to ask for an analysis at once.
    pub(crate) fn to_end(&self, user: UserId) -> Result<(), AuthError> {
        self.count(Key::Ending(user))
    }

    fn count(&self, key: Key) -> Result<(), AuthError> {
        let by = match key {
            Key::Address(_) => CountedBy::Address,
            _ => CountedBy::Account,
        };
        self.0.count(&key, by).map_err(AuthError::TooManyAttempts)
    }
}

fn name_hash(username: &str) -> NameHash {
    let digest = Sha256::digest(fold_name(username).as_bytes());
    let mut hash = NameHash::default();
    hash.copy_from_slice(&digest[..size_of::<NameHash>()]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_and_each_account_has_its_own_count() {
        let attempts = Attempts::new("2".parse().unwrap());
        let from = |text: &str| attempts.by_address(Some(text.parse().unwrap()));
        assert!(from("192.0.2.1").is_ok() && from("::ffff:192.0.2.1").is_ok());
        let refused = from("192.0.2.1").unwrap_err();
        let AuthError::TooManyAttempts(refused) = refused else {
            panic!("{refused}")
        };
        assert_eq!((refused.by, refused.per_minute), (CountedBy::Address, 2));
        let wait = refused.retry_after_seconds;
        assert!((1..=31).contains(&wait), "{wait}");
        assert!(from("192.0.2.2").is_ok());
        assert!(from("2001:db8::1").is_ok() && from("2001:db8::2").is_ok());
        assert!(from("2001:db8::3").is_err());

        assert!(attempts.to_register("ann").is_ok() && attempts.to_register("ANN").is_ok());
        assert!(attempts.to_register("Ann").is_err());
        // Which leaves those who sign in under that name alone.
        assert!(attempts.to_login("Ann").is_ok() && attempts.to_login("ann").is_ok());
        assert!(attempts.to_login("ANN").is_err());
        assert!(attempts.to_login("bob").is_ok());
    }

    #[test]
    fn off_is_off() {
        let attempts = Attempts::new(RateLimit::Off);
        for _ in 0..1_000 {
            assert!(attempts.to_login("ann").is_ok());
        }
    }
}
