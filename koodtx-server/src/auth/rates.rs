//! A rate for each of many keys.

use std::fmt;
use std::hash::Hash;

use governor::clock::{Clock, DefaultClock};
use governor::{Quota, RateLimiter};

use super::RateLimit;
use super::recent_keys::RecentKeys;

/// Addresses or accounts that are remembered at least, some 10 MB of them at most.
const KEYS_COUNT: usize = 100_000;

/// Counts what each key does.
pub(super) struct Rates<K: Hash + Eq + Clone>(Option<Limited<K>>);

struct Limited<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, RecentKeys<K>, DefaultClock>,
    per_minute: u32,
}

/// Whom a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedBy {
    /// An address: IPv4, or the /64 of an IPv6, which is what one customer of a provider gets.
    Address,
    /// An account.
    Account,
}

impl CountedBy {
    /// As clients read it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Account => "account",
        }
    }
}

/// More a minute than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateExceeded {
    /// Whose.
    pub by: CountedBy,
    /// How many a minute are.
    pub per_minute: u32,
    /// When one more is, in seconds.
    pub retry_after_seconds: u64,
}

impl<K: Hash + Eq + Clone> Rates<K> {
    pub(super) fn new(limit: RateLimit) -> Self {
        let RateLimit::PerMinute(number) = limit else {
            return Self(None);
        };
        let (quota, keys) = (Quota::per_minute(number), RecentKeys::new(KEYS_COUNT));
        Self(Some(Limited {
            limiter: RateLimiter::new(quota, keys, DefaultClock::default()),
            per_minute: number.get(),
        }))
    }

    /// Counts one more, if it is allowed.
    pub(super) fn count(&self, key: &K, by: CountedBy) -> Result<(), RateExceeded> {
        let Some(Limited {
            limiter,
            per_minute,
        }) = &self.0
        else {
            return Ok(());
        };
        limiter.check_key(key).map_err(|refused| RateExceeded {
            by,
            per_minute: *per_minute,
            retry_after_seconds: refused.wait_time_from(limiter.clock().now()).as_secs() + 1,
        })
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Rates<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_minute = self.0.as_ref().map(|limited| limited.per_minute);
        f.debug_tuple("Rates").field(&per_minute).finish()
    }
}
