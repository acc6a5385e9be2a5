//! Settings: flags, then `KOODTX_*` variables and `.env`, then a TOML file, then defaults.
//!
//! Each setting is read and checked once, at the start; every failure names the setting and where
//! its value came from.

mod error;
mod jobs;
mod postgres;
mod setting;
mod sources;
mod store_url;

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

pub use error::ConfigError;
pub use postgres::PostgresConfig;
pub(crate) use sources::CONFIG_FILE_VARIABLE;
pub use sources::Sources;
pub use store_url::StoreUrl;

pub use setting::Setting;

use crate::auth::{Lifetimes, RateLimit, SigningSecret};
use crate::http::BodyLimits;

const MEBIBYTE_BYTES: usize = 1024 * 1024;
/// Largest body of a push where the operator says nothing.
const PUSH_BODY_DEFAULT_MAX_BYTES: usize = 100 * MEBIBYTE_BYTES;
/// Largest body of every other request.
const OTHER_BODY_MAX_BYTES: usize = 64 * 1024;
/// Longest time that a body of every other request may take, however steadily it comes.
const OTHER_BODY_TOTAL_MAX_SECONDS: u64 = 30;
/// Memory for the bodies of all other requests, apart from that of pushes: clients that nobody
/// knows yet cannot use up what pushes need, nor pushes what signing in needs.
const OTHER_BODY_MEMORY_BYTES: usize = 128 * MEBIBYTE_BYTES;
/// Memory for pushes where the operator says nothing; more where one push may be larger.
const BODY_MEMORY_DEFAULT_BYTES: usize = 512 * MEBIBYTE_BYTES;
const BODY_TIMEOUT_DEFAULT_SECONDS: u64 = 30;
const ACCESS_TOKEN_DEFAULT_MINUTES: u32 = 60;
const REFRESH_TOKEN_DEFAULT_DAYS: u32 = 30;
const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// What a push needs beside its body: the window of its decompression, and rounding.
const BODY_MEMORY_OVERHEAD_BYTES: usize = 32 * MEBIBYTE_BYTES;
const LOG_FILTER_DEFAULT: &str = "info";

/// All settings of the server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the data are.
    pub store: StoreUrl,
    /// Which source named the store, for messages; none where it is the default.
    pub store_origin: Option<String>,
    /// PostgreSQL, where the store is one.
    pub postgres: PostgresConfig,
    /// Requests.
    pub http: HttpConfig,
    /// Sign-ins.
    pub auth: AuthConfig,
    /// The log.
    pub log: LogConfig,
    /// What the operator should know about settings that do less than they say.
    pub warnings: Vec<String>,
}

/// Settings of requests.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Limits on bodies.
    pub bodies: BodyLimits,
    /// Whether a reverse proxy stands before the server and sets `X-Forwarded-For`.
    pub behind_proxy: bool,
}

/// Settings of sign-ins.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// What tokens are signed with; none to keep one in the data folder.
    pub secret: Option<SigningSecret>,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// How often an address or an account may try.
    pub rate_limit: RateLimit,
}

/// Settings of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// What to log, as in `RUST_LOG`.
    pub filter: String,
    /// In which form.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("use `text` or `json`"),
        }
    }
}

impl Default for Config {
    /// The settings where nothing is set anywhere.
    fn default() -> Self {
        let minutes = i64::from(ACCESS_TOKEN_DEFAULT_MINUTES);
        let days = i64::from(REFRESH_TOKEN_DEFAULT_DAYS);
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5000)),
            store: StoreUrl::default(),
            store_origin: None,
            postgres: PostgresConfig::default(),
            http: HttpConfig {
                bodies: BodyLimits {
                    push_max_bytes: PUSH_BODY_DEFAULT_MAX_BYTES,
                    other_max_bytes: OTHER_BODY_MAX_BYTES,
                    push_memory_max_bytes: BODY_MEMORY_DEFAULT_BYTES,
                    other_memory_max_bytes: OTHER_BODY_MEMORY_BYTES,
                    other_timeout: Duration::from_secs(OTHER_BODY_TOTAL_MAX_SECONDS),
                    idle_timeout: Duration::from_secs(BODY_TIMEOUT_DEFAULT_SECONDS),
                },
                behind_proxy: false,
            },
            auth: AuthConfig {
                secret: None,
                lifetimes: Lifetimes {
                    access_seconds: minutes * SECONDS_PER_MINUTE,
                    refresh_seconds: days * SECONDS_PER_DAY,
                },
                rate_limit: RateLimit::default(),
            },
            log: LogConfig {
                filter: LOG_FILTER_DEFAULT.to_owned(),
                format: LogFormat::Text,
            },
            warnings: Vec::new(),
        }
    }
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// The first setting that is wrong, with its name, its source and what would be right.
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let listen = |text: &str| {
            text.parse()
                .map_err(|_| "use an address and a port, like 127.0.0.1:5000 or [::]:5000")
        };
        sources.read(Setting::Listen, &mut config.listen, listen)?;
        sources.read(Setting::Store, &mut config.store, str::parse)?;
        config.postgres.read(sources)?;
        config.http.read(sources)?;
        config.auth.read(sources)?;
        sources.read(Setting::LogFilter, &mut config.log.filter, log_filter)?;
        sources.read(Setting::LogFormat, &mut config.log.format, str::parse)?;
        config.store_origin = sources.find(Setting::Store).map(|found| found.origin);
        config.warnings.extend(jobs::check(sources)?);
        config.warnings.extend(sources.unknown_variables());
        Ok(config)
    }
}

impl HttpConfig {
    fn read(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        let bodies = &mut self.bodies;
        sources.read(
            Setting::MaxBodyBytes,
            &mut bodies.push_max_bytes,
            at_least_1,
        )?;
        // A push must fit into the memory for all of them, with the window of its decompression.
        let least = bodies
            .push_max_bytes
            .saturating_add(BODY_MEMORY_OVERHEAD_BYTES);
        bodies.push_memory_max_bytes = bodies.push_memory_max_bytes.max(least);
        sources.read(
            Setting::BodyMemoryBytes,
            &mut bodies.push_memory_max_bytes,
            |text| {
                let bytes: usize = at_least_1(text)?;
                if bytes >= least {
                    Ok(bytes)
                } else {
                    Err(format!(
                        "has to be at least {least}, so that the largest push has room"
                    ))
                }
            },
        )?;
        sources.read(
            Setting::BodyTimeoutSeconds,
            &mut bodies.idle_timeout,
            |text| at_least_1(text).map(|seconds: u32| Duration::from_secs(seconds.into())),
        )?;
        sources.read(Setting::BehindProxy, &mut self.behind_proxy, yes_or_no)
    }
}

impl AuthConfig {
    fn read(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        sources.read(Setting::JwtSecret, &mut self.secret, |text| {
            SigningSecret::new(text.as_bytes()).map(Some)
        })?;
        sources.read(
            Setting::AccessTokenMinutes,
            &mut self.lifetimes.access_seconds,
            |text| at_least_1(text).map(|minutes: u32| i64::from(minutes) * SECONDS_PER_MINUTE),
        )?;
        sources.read(
            Setting::RefreshTokenDays,
            &mut self.lifetimes.refresh_seconds,
            |text| at_least_1(text).map(|days: u32| i64::from(days) * SECONDS_PER_DAY),
        )?;
        sources.read(Setting::RateLimit, &mut self.rate_limit, str::parse)
    }
}

/// A whole number above 0.
fn at_least_1<T: FromStr + From<bool> + PartialEq>(text: &str) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|number| *number != T::from(false))
        .ok_or_else(|| "use a whole number, at least 1".to_owned())
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("use `true` or `false`"),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| "use a filter like `info` or `warn,koodtx_server=debug`".to_owned())
}
