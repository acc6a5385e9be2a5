//! Settings: flags, then `KOODTX_*` variables and `.env`, then a TOML file, then defaults.
//!
//! Each setting is read and checked once, at the start; every failure names the setting and where
//! its value came from. A secret may stand in a file that `<NAME>_FILE` names.

mod error;
mod http;
mod jobs;
mod limits;
mod observe;
mod postgres;
mod secret_files;
mod setting;
mod sources;
mod store_url;
mod unknown_variables;

use std::net::SocketAddr;
use std::str::FromStr;

pub use error::ConfigError;
pub use http::{HttpConfig, TlsFiles};
pub use jobs::{JobsConfig, QueueKind, RedisUrl};
pub use limits::LimitsConfig;
pub use observe::ObserveConfig;
pub use postgres::PostgresConfig;
pub(crate) use sources::CONFIG_FILE_VARIABLE;
pub use sources::Sources;
pub use store_url::StoreUrl;

pub use setting::Setting;

use crate::auth::{ATTEMPTS_DEFAULT_PER_MINUTE, Lifetimes, RateLimit, Registration, SigningSecret};

const ACCESS_TOKEN_DEFAULT_MINUTES: u32 = 60;
const REFRESH_TOKEN_DEFAULT_DAYS: u32 = 30;
const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
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
    /// How much clients may ask for.
    pub limits: LimitsConfig,
    /// Background jobs.
    pub jobs: JobsConfig,
    /// What says how the server does.
    pub observe: ObserveConfig,
    /// The log.
    pub log: LogConfig,
    /// What the operator should know about settings that do less than they say.
    pub warnings: Vec<String>,
}

/// Settings of sign-ins.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// What tokens are signed with; none to keep one in the data folder.
    pub secret: Option<SigningSecret>,
    /// What tokens were signed with before; those tokens are still accepted.
    pub previous_secret: Option<SigningSecret>,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// How often an address or an account may try.
    pub rate_limit: RateLimit,
    /// Who may make an account.
    pub registration: Registration,
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
            http: HttpConfig::default(),
            auth: AuthConfig {
                secret: None,
                previous_secret: None,
                lifetimes: Lifetimes {
                    access_seconds: minutes * SECONDS_PER_MINUTE,
                    refresh_seconds: days * SECONDS_PER_DAY,
                },
                rate_limit: RateLimit::PerMinute(ATTEMPTS_DEFAULT_PER_MINUTE),
                registration: Registration::default(),
            },
            limits: LimitsConfig::default(),
            jobs: JobsConfig::default(),
            observe: ObserveConfig::default(),
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
        let sources = &sources.with_secret_files()?;
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
        let behind_proxy = config.http.behind_proxy;
        let warning = config.limits.read(sources, behind_proxy)?;
        config.warnings.extend(warning);
        sources.read(Setting::LogFilter, &mut config.log.filter, log_filter)?;
        sources.read(Setting::LogFormat, &mut config.log.format, str::parse)?;
        config.store_origin = sources.find(Setting::Store).map(|found| found.origin);
        config.jobs.read(sources)?;
        config.observe.read(sources)?;
        config.warnings.extend(sources.unknown_variables());
        Ok(config)
    }
}

impl AuthConfig {
    fn read(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        let secrets = [
            (Setting::JwtSecret, &mut self.secret),
            (Setting::JwtSecretPrevious, &mut self.previous_secret),
        ];
        for (setting, secret) in secrets {
            sources.read(setting, secret, |text| {
                SigningSecret::new(text.as_bytes()).map(Some)
            })?;
        }
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
        sources.read(Setting::RateLimit, &mut self.rate_limit, str::parse)?;
        sources.read(Setting::Registration, &mut self.registration, str::parse)
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
