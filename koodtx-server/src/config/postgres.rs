//! Settings of the PostgreSQL store, beside its URL.

use std::time::Duration;

use koodtx_store_postgres::{
    ACQUIRE_TIMEOUT_DEFAULT_SECONDS, CONNECTIONS_DEFAULT_COUNT, LOCK_TIMEOUT_DEFAULT_SECONDS,
    STATEMENT_TIMEOUT_DEFAULT_SECONDS,
};

use super::setting::Setting;
use super::{ConfigError, Sources, at_least_1};

/// PostgreSQL itself accepts no more.
const CONNECTIONS_MAX_COUNT: u32 = 262_143;
/// PostgreSQL counts milliseconds in 31 bits.
const TIMEOUT_MAX_SECONDS: u32 = i32::MAX as u32 / 1_000;

/// Settings of the PostgreSQL store, beside its URL. Other stores do not see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresConfig {
    /// Connections of this server.
    pub max_connections: u32,
    /// Longest wait for one of them.
    pub acquire_timeout: Duration,
    /// Longest single statement.
    pub statement_timeout: Duration,
    /// Longest wait for a lock, like that of another push of the same user.
    pub lock_timeout: Duration,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            max_connections: CONNECTIONS_DEFAULT_COUNT,
            acquire_timeout: Duration::from_secs(ACQUIRE_TIMEOUT_DEFAULT_SECONDS),
            statement_timeout: Duration::from_secs(STATEMENT_TIMEOUT_DEFAULT_SECONDS),
            lock_timeout: Duration::from_secs(LOCK_TIMEOUT_DEFAULT_SECONDS),
        }
    }
}

impl PostgresConfig {
    pub(super) fn read(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        sources.read(
            Setting::PostgresMaxConnections,
            &mut self.max_connections,
            |text| up_to(CONNECTIONS_MAX_COUNT, text),
        )?;
        let limits = [
            (
                Setting::PostgresAcquireTimeoutSeconds,
                &mut self.acquire_timeout,
            ),
            (
                Setting::PostgresStatementTimeoutSeconds,
                &mut self.statement_timeout,
            ),
            (Setting::PostgresLockTimeoutSeconds, &mut self.lock_timeout),
        ];
        for (setting, limit) in limits {
            sources.read(setting, limit, |text| {
                let seconds = up_to(TIMEOUT_MAX_SECONDS, text)?;
                Ok::<_, String>(Duration::from_secs(seconds.into()))
            })?;
        }
        Ok(())
    }
}

/// A whole number from 1 to `max`.
fn up_to(max: u32, text: &str) -> Result<u32, String> {
    let number = at_least_1(text).ok().filter(|number| *number <= max);
    number.ok_or_else(|| format!("use a whole number from 1 to {max}"))
}
