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
    /// What tokens were signed with before, and are still accepted with.
    JwtSecretPrevious,
    /// How long an access token lives.
    AccessTokenMinutes,
    /// How long a refresh token lives.
    RefreshTokenDays,
    /// How often an address or an account may try to sign in.
    RateLimit,
    /// Who may make an account.
    Registration,
    /// Largest body of a push.
    MaxBodyBytes,
    /// Memory for all pushes in flight.
    BodyMemoryBytes,
    /// Longest wait for the next part of a body.
    BodyTimeoutSeconds,
    /// Whether a reverse proxy stands before the server.
    BehindProxy,
    /// The certificate that the server shows, in PEM form.
    TlsCert,
    /// The private key of that certificate, in PEM form.
    TlsKey,
    /// Pages of which other origins may use the API from a browser.
    CorsOrigins,
    /// How many requests a minute an address may send.
    RequestsPerMinuteAddress,
    /// How many requests a minute an account may send.
    RequestsPerMinuteAccount,
    /// How many requests may be in progress at a time.
    ConcurrentRequests,
    /// How many connections there may be at a time.
    MaxConnections,
    /// How many of these one address may have.
    MaxConnectionsPerAddress,
    /// Longest wait for the head of a request.
    HeadTimeoutSeconds,
    /// Longest wait for a client that takes no more of its answer.
    WriteTimeoutSeconds,
    /// How many passwords are hashed at a time.
    PasswordHashes,
    /// How many sessions an account may keep.
    QuotaSessions,
    /// How many bytes of samples an account may keep.
    QuotaBytes,
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
    /// Jobs that a worker does at a time.
    JobConcurrency,
    /// How long one attempt at a job may take.
    JobTimeLimitSeconds,
    /// How long the record of a finished job is kept.
    JobResultHours,
    /// When samples of ended sessions are removed.
    RetentionDays,
    /// When entries of the sync log are removed.
    LogRetentionDays,
    /// When export files are removed.
    ExportRetentionDays,
    /// After which silence a session is ended.
    StaleSessionHours,
    /// Where export files go.
    ExportFolder,
    /// When sessions are looked for that are to be analysed.
    ScheduleAnalyse,
    /// When old samples are removed.
    SchedulePurgeSamples,
    /// When old entries of the sync log are removed.
    SchedulePurgeLogs,
    /// When old export files are removed.
    SchedulePurgeExports,
    /// When silent sessions are ended.
    ScheduleCloseSessions,
    /// When what deleted accounts have left is removed.
    ScheduleEraseAccounts,
    /// When the store is tidied up.
    ScheduleOptimise,
    /// When the report is made.
    ScheduleReport,
    /// Where metrics are read.
    MetricsListen,
    /// How long the server says that it is not ready before it stops.
    DrainSeconds,
    /// Which collector takes traces.
    OtlpEndpoint,
    /// What to log.
    LogFilter,
    /// In which form to log.
    LogFormat,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 51] = [
        Self::Listen,
        Self::Store,
        Self::JwtSecret,
        Self::JwtSecretPrevious,
        Self::AccessTokenMinutes,
        Self::RefreshTokenDays,
        Self::RateLimit,
        Self::Registration,
        Self::MaxBodyBytes,
        Self::BodyMemoryBytes,
        Self::BodyTimeoutSeconds,
        Self::BehindProxy,
        Self::TlsCert,
        Self::TlsKey,
        Self::CorsOrigins,
        Self::RequestsPerMinuteAddress,
        Self::RequestsPerMinuteAccount,
        Self::ConcurrentRequests,
        Self::MaxConnections,
        Self::MaxConnectionsPerAddress,
        Self::HeadTimeoutSeconds,
        Self::WriteTimeoutSeconds,
        Self::PasswordHashes,
        Self::QuotaSessions,
        Self::QuotaBytes,
        Self::PostgresMaxConnections,
        Self::PostgresAcquireTimeoutSeconds,
        Self::PostgresStatementTimeoutSeconds,
        Self::PostgresLockTimeoutSeconds,
        Self::Jobs,
        Self::JobConcurrency,
        Self::JobTimeLimitSeconds,
        Self::JobResultHours,
        Self::RetentionDays,
        Self::LogRetentionDays,
        Self::ExportRetentionDays,
        Self::StaleSessionHours,
        Self::ExportFolder,
        Self::ScheduleAnalyse,
        Self::SchedulePurgeSamples,
        Self::SchedulePurgeLogs,
        Self::SchedulePurgeExports,
        Self::ScheduleCloseSessions,
        Self::ScheduleEraseAccounts,
        Self::ScheduleOptimise,
        Self::ScheduleReport,
        Self::MetricsListen,
        Self::DrainSeconds,
        Self::OtlpEndpoint,
        Self::LogFilter,
        Self::LogFormat,
    ];

    /// Its name as an environment variable, and everywhere in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listen => "KOODTX_LISTEN",
            Self::Store => "KOODTX_STORE",
            Self::JwtSecret => "KOODTX_JWT_SECRET",
            Self::JwtSecretPrevious => "KOODTX_JWT_SECRET_PREVIOUS",
            Self::AccessTokenMinutes => "KOODTX_ACCESS_TOKEN_MINUTES",
            Self::RefreshTokenDays => "KOODTX_REFRESH_TOKEN_DAYS",
            Self::RateLimit => "KOODTX_RATE_LIMIT",
            Self::Registration => "KOODTX_REGISTRATION",
            Self::MaxBodyBytes => "KOODTX_MAX_BODY_BYTES",
            Self::BodyMemoryBytes => "KOODTX_BODY_MEMORY_BYTES",
            Self::BodyTimeoutSeconds => "KOODTX_BODY_TIMEOUT_SECONDS",
            Self::BehindProxy => "KOODTX_BEHIND_PROXY",
            Self::TlsCert => "KOODTX_TLS_CERT",
            Self::TlsKey => "KOODTX_TLS_KEY",
            Self::CorsOrigins => "KOODTX_CORS_ORIGINS",
            Self::RequestsPerMinuteAddress => "KOODTX_REQUESTS_PER_MINUTE_ADDRESS",
            Self::RequestsPerMinuteAccount => "KOODTX_REQUESTS_PER_MINUTE_ACCOUNT",
            Self::ConcurrentRequests => "KOODTX_CONCURRENT_REQUESTS",
            Self::MaxConnections => "KOODTX_MAX_CONNECTIONS",
            Self::MaxConnectionsPerAddress => "KOODTX_MAX_CONNECTIONS_PER_ADDRESS",
            Self::HeadTimeoutSeconds => "KOODTX_HEAD_TIMEOUT_SECONDS",
            Self::WriteTimeoutSeconds => "KOODTX_WRITE_TIMEOUT_SECONDS",
            Self::PasswordHashes => "KOODTX_PASSWORD_HASHES",
            Self::QuotaSessions => "KOODTX_QUOTA_SESSIONS",
            Self::QuotaBytes => "KOODTX_QUOTA_BYTES",
            Self::PostgresMaxConnections => "KOODTX_POSTGRES_MAX_CONNECTIONS",
            Self::PostgresAcquireTimeoutSeconds => "KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS",
            Self::PostgresStatementTimeoutSeconds => "KOODTX_POSTGRES_STATEMENT_TIMEOUT_SECONDS",
            Self::PostgresLockTimeoutSeconds => "KOODTX_POSTGRES_LOCK_TIMEOUT_SECONDS",
            Self::Jobs => "KOODTX_JOBS",
            Self::JobConcurrency => "KOODTX_JOB_CONCURRENCY",
            Self::JobTimeLimitSeconds => "KOODTX_JOB_TIME_LIMIT_SECONDS",
            Self::JobResultHours => "KOODTX_JOB_RESULT_HOURS",
            Self::RetentionDays => "KOODTX_RETENTION_DAYS",
            Self::LogRetentionDays => "KOODTX_LOG_RETENTION_DAYS",
            Self::ExportRetentionDays => "KOODTX_EXPORT_RETENTION_DAYS",
            Self::StaleSessionHours => "KOODTX_STALE_SESSION_HOURS",
            Self::ExportFolder => "KOODTX_EXPORT_FOLDER",
            Self::ScheduleAnalyse => "KOODTX_SCHEDULE_ANALYSE",
            Self::SchedulePurgeSamples => "KOODTX_SCHEDULE_PURGE_SAMPLES",
            Self::SchedulePurgeLogs => "KOODTX_SCHEDULE_PURGE_LOGS",
            Self::SchedulePurgeExports => "KOODTX_SCHEDULE_PURGE_EXPORTS",
            Self::ScheduleCloseSessions => "KOODTX_SCHEDULE_CLOSE_SESSIONS",
            Self::ScheduleEraseAccounts => "KOODTX_SCHEDULE_ERASE_ACCOUNTS",
            Self::ScheduleOptimise => "KOODTX_SCHEDULE_OPTIMISE",
            Self::ScheduleReport => "KOODTX_SCHEDULE_REPORT",
            Self::MetricsListen => "KOODTX_METRICS_LISTEN",
            Self::DrainSeconds => "KOODTX_DRAIN_SECONDS",
            Self::OtlpEndpoint => "KOODTX_OTLP_ENDPOINT",
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

    /// Whether its value is a secret or may hold one, such as the password in a URL. It can then
    /// stand in a file of its own: see [`secret_file_name`](Self::secret_file_name).
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Store | Self::JwtSecret | Self::JwtSecretPrevious | Self::Jobs
        )
    }

    /// The environment variable that names the file with the value, where it is a secret.
    pub fn secret_file_name(self) -> Option<String> {
        self.is_secret().then(|| format!("{}_FILE", self.name()))
    }

    /// The key in the TOML file that names the file with the value, where it is a secret.
    pub fn secret_file_key(self) -> Option<String> {
        self.is_secret()
            .then(|| format!("{}_file", self.file_key()))
    }

    /// Its place in the TOML file.
    pub const fn file_key(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Store => "store",
            Self::JwtSecret => "auth.jwt_secret",
            Self::JwtSecretPrevious => "auth.jwt_secret_previous",
            Self::AccessTokenMinutes => "auth.access_token_minutes",
            Self::RefreshTokenDays => "auth.refresh_token_days",
            Self::RateLimit => "auth.rate_limit",
            Self::Registration => "auth.registration",
            Self::MaxBodyBytes => "http.max_body_bytes",
            Self::BodyMemoryBytes => "http.body_memory_bytes",
            Self::BodyTimeoutSeconds => "http.body_timeout_seconds",
            Self::BehindProxy => "http.behind_proxy",
            Self::TlsCert => "http.tls_cert",
            Self::TlsKey => "http.tls_key",
            Self::CorsOrigins => "http.cors_origins",
            Self::RequestsPerMinuteAddress => "limits.requests_per_minute_address",
            Self::RequestsPerMinuteAccount => "limits.requests_per_minute_account",
            Self::ConcurrentRequests => "limits.concurrent_requests",
            Self::MaxConnections => "limits.max_connections",
            Self::MaxConnectionsPerAddress => "limits.max_connections_per_address",
            Self::HeadTimeoutSeconds => "limits.head_timeout_seconds",
            Self::WriteTimeoutSeconds => "limits.write_timeout_seconds",
            Self::PasswordHashes => "limits.password_hashes",
            Self::QuotaSessions => "limits.quota_sessions",
            Self::QuotaBytes => "limits.quota_bytes",
            Self::PostgresMaxConnections => "postgres.max_connections",
            Self::PostgresAcquireTimeoutSeconds => "postgres.acquire_timeout_seconds",
            Self::PostgresStatementTimeoutSeconds => "postgres.statement_timeout_seconds",
            Self::PostgresLockTimeoutSeconds => "postgres.lock_timeout_seconds",
            Self::Jobs => "jobs",
            Self::JobConcurrency => "tasks.concurrency",
            Self::JobTimeLimitSeconds => "tasks.time_limit_seconds",
            Self::JobResultHours => "tasks.result_hours",
            Self::RetentionDays => "tasks.retention_days",
            Self::LogRetentionDays => "tasks.log_retention_days",
            Self::ExportRetentionDays => "tasks.export_retention_days",
            Self::StaleSessionHours => "tasks.stale_session_hours",
            Self::ExportFolder => "tasks.export_folder",
            Self::ScheduleAnalyse => "schedule.analyse",
            Self::SchedulePurgeSamples => "schedule.purge_samples",
            Self::SchedulePurgeLogs => "schedule.purge_logs",
            Self::SchedulePurgeExports => "schedule.purge_exports",
            Self::ScheduleCloseSessions => "schedule.close_sessions",
            Self::ScheduleEraseAccounts => "schedule.erase_accounts",
            Self::ScheduleOptimise => "schedule.optimise",
            Self::ScheduleReport => "schedule.report",
            Self::MetricsListen => "observe.metrics_listen",
            Self::DrainSeconds => "observe.drain_seconds",
            Self::OtlpEndpoint => "observe.otlp_endpoint",
            Self::LogFilter => "log.filter",
            Self::LogFormat => "log.format",
        }
    }
}
