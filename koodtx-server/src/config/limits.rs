//! Settings of how much clients may ask for.

use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use koodtx_core::store::Quota;

use super::setting::Setting;
use super::{ConfigError, Sources, at_least_1};
use crate::auth::RateLimit;
use crate::http::ConnectionLimits;

/// Requests a minute of an account where the operator says nothing: 100 a second, and 6,000 at once.
/// That is more than a device sends that waits for each answer, and far less than the server answers.
const REQUESTS_OF_ACCOUNT_DEFAULT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6_000).unwrap();
/// Requests in progress where the operator says nothing: as many as one address may have connections.
const CONCURRENT_REQUESTS_DEFAULT_COUNT: usize = 512;
const CONNECTIONS_DEFAULT_MAX_COUNT: usize = 4_096;
/// Of these, those of one address: many phones behind one address, and not all there are.
const CONNECTIONS_OF_ADDRESS_DEFAULT_MAX_COUNT: usize = 512;
const HEAD_TIMEOUT_DEFAULT_SECONDS: u64 = 30;
const WRITE_TIMEOUT_DEFAULT_SECONDS: u64 = 60;

/// How much clients may ask for, beside the limits on bodies and on attempts to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Requests of one address.
    pub requests_of_address: RateLimit,
    /// Requests of one account.
    pub requests_of_account: RateLimit,
    /// Requests in progress at a time.
    pub concurrent_requests: usize,
    /// Passwords that are hashed at a time.
    pub password_hashes: NonZeroUsize,
    /// Connections.
    pub connections: ConnectionLimits,
    /// How much an account may keep.
    pub quota: Quota,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_of_address: RateLimit::Off,
            requests_of_account: RateLimit::PerMinute(REQUESTS_OF_ACCOUNT_DEFAULT_PER_MINUTE),
            concurrent_requests: CONCURRENT_REQUESTS_DEFAULT_COUNT,
            // Each keeps a core busy.
            password_hashes: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            connections: ConnectionLimits {
                max_count: CONNECTIONS_DEFAULT_MAX_COUNT,
                address_max_count: Some(CONNECTIONS_OF_ADDRESS_DEFAULT_MAX_COUNT),
                head_timeout: Duration::from_secs(HEAD_TIMEOUT_DEFAULT_SECONDS),
                write_timeout: Duration::from_secs(WRITE_TIMEOUT_DEFAULT_SECONDS),
            },
            quota: Quota::default(),
        }
    }
}

impl LimitsConfig {
    /// Reads the settings; returns what the operator should know.
    pub(super) fn read(
        &mut self,
        sources: &Sources,
        behind_proxy: bool,
    ) -> Result<Option<String>, ConfigError> {
        let rates = [
            (
                Setting::RequestsPerMinuteAddress,
                &mut self.requests_of_address,
            ),
            (
                Setting::RequestsPerMinuteAccount,
                &mut self.requests_of_account,
            ),
        ];
        for (setting, rate) in rates {
            sources.read(setting, rate, str::parse)?;
        }
        sources.read(
            Setting::ConcurrentRequests,
            &mut self.concurrent_requests,
            at_least_1,
        )?;
        sources.read(Setting::PasswordHashes, &mut self.password_hashes, |text| {
            text.parse()
                .map_err(|_| "use a whole number, at least 1, or nothing for one a core")
        })?;
        let connections = &mut self.connections;
        sources.read(
            Setting::MaxConnections,
            &mut connections.max_count,
            at_least_1,
        )?;
        let timeouts = [
            (Setting::HeadTimeoutSeconds, &mut connections.head_timeout),
            (Setting::WriteTimeoutSeconds, &mut connections.write_timeout),
        ];
        for (setting, timeout) in timeouts {
            sources.read(setting, timeout, |text| {
                at_least_1(text).map(|seconds: u32| Duration::from_secs(seconds.into()))
            })?;
        }
        let of_address = Setting::MaxConnectionsPerAddress;
        sources.read(of_address, &mut connections.address_max_count, or_off)?;
        let quotas = [
            (Setting::QuotaSessions, &mut self.quota.sessions),
            (Setting::QuotaBytes, &mut self.quota.bytes),
        ];
        for (setting, quota) in quotas {
            sources.read(setting, quota, or_off)?;
        }
        if !behind_proxy {
            return Ok(None);
        }
        // All connections are the proxy's.
        let was_limited = connections.address_max_count.take().is_some();
        let is_set = sources.find(of_address).is_some();
        Ok((was_limited && is_set).then(|| {
            format!(
                "{} has no effect with {}: all connections come from the proxy, which has to limit \
                 those of its clients",
                of_address.name(),
                Setting::BehindProxy.name()
            )
        }))
    }
}

/// A whole number above 0, or no limit.
fn or_off<T: FromStr + From<bool> + PartialEq>(text: &str) -> Result<Option<T>, &'static str> {
    if text == "off" {
        return Ok(None);
    }
    let number = at_least_1(text).map(Some);
    number.map_err(|_| "use a whole number, at least 1, or `off`")
}
