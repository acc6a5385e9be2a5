//! How to reach the database, and how patient to be with it.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// Connections of one store, where nobody says otherwise.
pub const CONNECTIONS_DEFAULT_COUNT: u32 = 16;
/// Longest single statement, where nobody says otherwise, in seconds.
pub const STATEMENT_TIMEOUT_DEFAULT_SECONDS: u64 = 60;
/// Longest wait for a lock, like that of another push of the same user, where nobody says
/// otherwise, in seconds.
pub const LOCK_TIMEOUT_DEFAULT_SECONDS: u64 = 20;
/// Longest wait for a connection, where nobody says otherwise, in seconds.
pub const ACQUIRE_TIMEOUT_DEFAULT_SECONDS: u64 = 5;

/// After this long without a statement the database ends a transaction, in seconds: a server that
/// vanished must not hold a user's lock.
const IDLE_IN_TRANSACTION_MAX_SECONDS: u64 = 60;
/// A connection that was idle for longer is tested before it is used, in seconds. Testing each
/// would cost every request a round trip.
const UNTESTED_IDLE_MAX_SECONDS: u64 = 1;
/// What the database calls the connections of a store.
const APPLICATION_NAME: &str = "koodtx";

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
/// The parameters of a URL that have an effect, by their names in PostgreSQL's own documentation.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// How to reach the database, and how patient to be with it. `Debug` hides the password.
#[derive(Clone)]
pub struct PostgresOptions {
    connect: PgConnectOptions,
    max_connections: u32,
    statement_timeout: Duration,
    lock_timeout: Duration,
    acquire_timeout: Duration,
}

/// Why a URL is no URL of a PostgreSQL database. Never contains the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL of a PostgreSQL database: {0}")]
pub struct InvalidUrl(String);

impl PostgresOptions {
    /// Reads a connection URL as `psql` understands it:
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`, or by a
    /// socket `postgres:///DATABASE?host=/run/postgresql`.
    ///
    /// What the URL leaves out comes from the environment (`PGHOST`, `PGUSER`, `PGPASSWORD` and so
    /// on) and from the password file, as with `psql`.
    ///
    /// # Errors
    /// Where it is no such URL, or has a parameter that would be ignored.
    pub fn from_url(url: &str) -> Result<Self, InvalidUrl> {
        if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
            let message = "it has to begin with postgres:// or postgresql://";
            return Err(InvalidUrl(message.to_owned()));
        }
        if url.contains('#') {
            let message = "it contains #; in a password or a name that is written %23";
            return Err(InvalidUrl(message.to_owned()));
        }
        refuse_unknown_parameters(url)?;
        let connect = PgConnectOptions::from_str(url).map_err(|error| {
            // The variant would only say that it is an error of configuration.
            InvalidUrl(match error {
                sqlx::Error::Configuration(reason) => reason.to_string(),
                other => other.to_string(),
            })
        })?;
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name(APPLICATION_NAME),
        };
        Ok(Self {
            connect,
            max_connections: CONNECTIONS_DEFAULT_COUNT,
            statement_timeout: Duration::from_secs(STATEMENT_TIMEOUT_DEFAULT_SECONDS),
            lock_timeout: Duration::from_secs(LOCK_TIMEOUT_DEFAULT_SECONDS),
            acquire_timeout: Duration::from_secs(ACQUIRE_TIMEOUT_DEFAULT_SECONDS),
        })
    }

    /// How many connections one store may use; at least one.
    /// Default: [`CONNECTIONS_DEFAULT_COUNT`].
    #[must_use]
    pub fn max_connections(mut self, count: u32) -> Self {
        self.max_connections = count.max(1);
        self
    }

    /// Longest single statement; zero for no limit.
    /// Default: [`STATEMENT_TIMEOUT_DEFAULT_SECONDS`].
    #[must_use]
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = limit;
        self
    }

    /// Longest wait for a lock, like that of another push of the same user; zero for no limit.
    /// Default: [`LOCK_TIMEOUT_DEFAULT_SECONDS`].
    #[must_use]
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = limit;
        self
    }

    /// Longest wait for a connection: until one is free, or the database answers.
    /// Default: [`ACQUIRE_TIMEOUT_DEFAULT_SECONDS`].
    #[must_use]
    pub fn acquire_timeout(mut self, limit: Duration) -> Self {
        self.acquire_timeout = limit;
        self
    }

    /// Connections of a store. None is made yet.
    pub(crate) fn pool(&self) -> PgPool {
        let untested = Duration::from_secs(UNTESTED_IDLE_MAX_SECONDS);
        PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(self.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(move |connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > untested {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(self.bounded())
    }

    /// One connection without limits of time, for migrations: they may have to rewrite a table, and
    /// to wait for each other.
    pub(crate) fn unbounded(&self) -> PgConnectOptions {
        self.connect.clone()
    }

    pub(crate) fn acquire_limit(&self) -> Duration {
        self.acquire_timeout
    }

    /// The limits hold in the database too, so that it stops what nobody waits for any more.
    fn bounded(&self) -> PgConnectOptions {
        let millis = |limit: Duration| limit.as_millis().to_string();
        let idle = Duration::from_secs(IDLE_IN_TRANSACTION_MAX_SECONDS);
        self.connect.clone().options([
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", millis(idle)),
        ])
    }
}

fn refuse_unknown_parameters(url: &str) -> Result<(), InvalidUrl> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    for parameter in parameters.split('&').filter(|text| !text.is_empty()) {
        let name = parameter
            .split_once('=')
            .map_or(parameter, |(name, _)| name);
        if !PARAMETERS.contains(&name) {
            if parameters.contains('@') {
                // It may be a part of the password, so it is not shown.
                let message =
                    "it has an unknown parameter, or a password with ?, to be written %3F";
                return Err(InvalidUrl(message.to_owned()));
            }
            return Err(InvalidUrl(format!(
                "it has the parameter {name:?}, which is not supported; these are: {}",
                PARAMETERS.join(", ")
            )));
        }
    }
    Ok(())
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("host", &self.connect.get_host())
            .field("socket", &self.connect.get_socket())
            .field("port", &self.connect.get_port())
            .field("user", &self.connect.get_username())
            .field("database", &self.connect.get_database())
            .field("ssl_mode", &self.connect.get_ssl_mode())
            .field("max_connections", &self.max_connections)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("acquire_timeout", &self.acquire_timeout)
            .finish_non_exhaustive()
    }
}
