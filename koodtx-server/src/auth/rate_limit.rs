//! Limits on how often somebody may try to sign in or register.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::str::FromStr;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use koodtx_core::id::UserId;
use koodtx_core::store::fold_name;
use sha2::{Digest, Sha256};

use super::AuthError;

/// Attempts a minute where the operator says nothing.
const DEFAULT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// Most addresses and accounts that are remembered.
const KEYS_MAX_COUNT: usize = 100_000;

/// How many attempts a minute one address, and one account, may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// Any number.
    Off,
    /// So many.
    PerMinute(NonZeroU32),
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::PerMinute(DEFAULT_PER_MINUTE)
    }
}

/// Why a text is no rate limit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("use `off` or the number of attempts a minute, at least 1")]
pub struct RateLimitError;

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        match text {
            "off" => Ok(Self::Off),
            number => number
                .parse()
                .map(Self::PerMinute)
                .map_err(|_| RateLimitError),
        }
    }
}

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

type Limiter = RateLimiter<Key, HashMapStateStore<Key>, DefaultClock>;

/// Counts attempts.
pub(crate) struct Attempts(Option<(Limiter, DefaultClock)>);

impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Attempts")
            .field(&self.0.as_ref().map(|(limiter, _)| limiter.len()))
            .finish()
    }
}

impl Attempts {
    pub(crate) fn new(limit: RateLimit) -> Self {
        match limit {
            RateLimit::Off => Self(None),
            RateLimit::PerMinute(attempts) => {
                let clock = DefaultClock::default();
                let quota = Quota::per_minute(attempts);
                Self(Some((
                    RateLimiter::hashmap_with_clock(quota, clock.clone()),
                    clock,
                )))
            }
        }
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
        let Some((limiter, clock)) = &self.0 else {
            return Ok(());
        };
        if limiter.len() >= KEYS_MAX_COUNT {
            // Forgets those who would be allowed a full burst anyway.
            limiter.retain_recent();
            limiter.shrink_to_fit();
            if limiter.len() >= KEYS_MAX_COUNT {
                return Err(AuthError::RateLimited {
                    retry_after_seconds: 60,
                });
            }
        }
        limiter
            .check_key(&key)
            .map_err(|refused| AuthError::RateLimited {
                retry_after_seconds: refused.wait_time_from(clock.now()).as_secs() + 1,
            })
    }
}

fn name_hash(username: &str) -> NameHash {
    let digest = Sha256::digest(fold_name(username).as_bytes());
    let mut hash = NameHash::default();
    hash.copy_from_slice(&digest[..size_of::<NameHash>()]);
    hash
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        },
        address @ IpAddr::V4(_) => address,
    }
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
        let AuthError::RateLimited {
            retry_after_seconds,
        } = refused
        else {
            panic!("{refused}")
        };
        assert!(
            (1..=31).contains(&retry_after_seconds),
            "{retry_after_seconds}"
        );
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
    fn off_is_off_and_nonsense_is_refused() {
        let attempts = Attempts::new("off".parse().unwrap());
        for _ in 0..1_000 {
            assert!(attempts.to_login("ann").is_ok());
        }
        for text in ["0", "-1", "many", ""] {
            assert_eq!(text.parse::<RateLimit>(), Err(RateLimitError));
        }
    }
}
