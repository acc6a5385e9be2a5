//! The names of the settings.

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Setting {
    /// Where to listen.
    Listen,
    /// Where the data are.
    Store,
    /// What tokens are signed with.
    JwtSecret,
    /// How long an access token lives.
    AccessTokenMinutes,
    /// How long a refresh token lives.
    RefreshTokenDays,
    /// How often an address or an account may try to sign in.
    RateLimit,
    /// Largest body of a push.
    MaxBodyBytes,
    /// Memory for all pushes in flight.
    BodyMemoryBytes,
    /// Longest wait for the next part of a body.
    BodyTimeoutSeconds,
    /// Whether a reverse proxy stands before the server.
    BehindProxy,
    /// Connections of this server to a PostgreSQL database.
    PostgresMaxConnections,
    /// Longest wait for one of them.
    PostgresAcquireTimeoutSeconds,
    /// Longest single statement.
    PostgresStatementTimeoutSeconds,
    /// Longest wait for a lock.
    PostgresLockTimeoutSeconds,
    /// Where background jobs are kept.
    Jobs,
    /// What to log.
    LogFilter,
    /// In which form to log.
    LogFormat,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Listen,
        Self::Store,
        Self::JwtSecret,
        Self::AccessTokenMinutes,
        Self::RefreshTokenDays,
        Self::RateLimit,
        Self::MaxBodyBytes,
        Self::BodyMemoryBytes,
        Self::BodyTimeoutSeconds,
        Self::BehindProxy,
        Self::PostgresMaxConnections,
        Self::PostgresAcquireTimeoutSeconds,
        Self::PostgresStatementTimeoutSeconds,
        Self::PostgresLockTimeoutSeconds,
        Self::Jobs,
        Self::LogFilter,
        Self::LogFormat,
    ];

    /// Its name as an environment variable, and everywhere in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listen => "KOODTX_LISTEN",
            Self::Store => "KOODTX_STORE",
            Self::JwtSecret => "KOODTX_JWT_SECRET",
            Self::AccessTokenMinutes => "KOODTX_ACCESS_TOKEN_MINUTES",
            Self::RefreshTokenDays => "KOODTX_REFRESH_TOKEN_DAYS",
            Self::RateLimit => "KOODTX_RATE_LIMIT",
            Self::MaxBodyBytes => "KOODTX_MAX_BODY_BYTES",
            Self::BodyMemoryBytes => "KOODTX_BODY_MEMORY_BYTES",
            Self::BodyTimeoutSeconds => "KOODTX_BODY_TIMEOUT_SECONDS",
            Self::BehindProxy => "KOODTX_BEHIND_PROXY",
            Self::PostgresMaxConnections => "KOODTX_POSTGRES_MAX_CONNECTIONS",
            Self::PostgresAcquireTimeoutSeconds => "KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS",
            Self::PostgresStatementTimeoutSeconds => "KOODTX_POSTGRES_STATEMENT_TIMEOUT_SECONDS",
            Self::PostgresLockTimeoutSeconds => "KOODTX_POSTGRES_LOCK_TIMEOUT_SECONDS",
            Self::Jobs => "KOODTX_JOBS",
            Self::LogFilter => "RUST_LOG",
            Self::LogFormat => "KOODTX_LOG_FORMAT",
        }
    }

    /// Another environment variable that is read where the first is not set.
    pub const fn alias(self) -> Option<&'static str> {
        match self {
            Self::Store => Some("DATABASE_URL"),
            Self::JwtSecret => Some("JWT_SECRET_KEY"),
            Self::Jobs => Some("REDIS_URL"),
            _ => None,
        }
    }

    /// Its place in the TOML file.
    pub const fn file_key(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Store => "store",
            Self::JwtSecret => "auth.jwt_secret",
            Self::AccessTokenMinutes => "auth.access_token_minutes",
            Self::RefreshTokenDays => "auth.refresh_token_days",
            Self::RateLimit => "auth.rate_limit",
            Self::MaxBodyBytes => "http.max_body_bytes",
            Self::BodyMemoryBytes => "http.body_memory_bytes",
            Self::BodyTimeoutSeconds => "http.body_timeout_seconds",
            Self::BehindProxy => "http.behind_proxy",
            Self::PostgresMaxConnections => "postgres.max_connections",
            Self::PostgresAcquireTimeoutSeconds => "postgres.acquire_timeout_seconds",
            Self::PostgresStatementTimeoutSeconds => "postgres.statement_timeout_seconds",
            Self::PostgresLockTimeoutSeconds => "postgres.lock_timeout_seconds",
            Self::Jobs => "jobs",
            Self::LogFilter => "log.filter",
            Self::LogFormat => "log.format",
        }
    }
}
