//! Settings: which source goes first, and what a wrong one is told.

use std::path::Path;
use std::time::Duration;

use koodtx_core::store::Quota;
use koodtx_server::auth::{RateLimit, Registration};
use koodtx_server::config::{JobsConfig, LimitsConfig, LogFormat, PostgresConfig, QueueKind};
use koodtx_server::jobs::Task;
use koodtx_server::{Config, ConnectionLimits, CorsOrigins, Setting, Sources};

fn environment(variables: &[(&str, &str)]) -> Sources {
    let owned = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Sources::new().environment(owned)
}

fn listen(sources: &Sources) -> String {
    Config::read(sources).unwrap().listen.to_string()
}

fn failure(variables: &[(&str, &str)]) -> String {
    Config::read(&environment(variables))
        .unwrap_err()
        .to_string()
}

#[test]
fn flags_go_before_variables_before_dotenv_before_the_file_before_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let (dotenv, file) = (
        folder.path().join(".env"),
        folder.path().join("koodtx.toml"),
    );
    std::fs::write(&dotenv, "KOODTX_LISTEN=127.0.0.1:3\n").unwrap();
    std::fs::write(&file, "listen = \"127.0.0.1:4\"\n").unwrap();

    let sources = Sources::new();
    assert_eq!(listen(&sources), "127.0.0.1:5000");
    let sources = sources.file(&file).unwrap();
    assert_eq!(listen(&sources), "127.0.0.1:4");
    let sources = sources.dotenv(&dotenv).unwrap();
    assert_eq!(listen(&sources), "127.0.0.1:3");
    let variable = ("KOODTX_LISTEN".to_owned(), "127.0.0.1:2".to_owned());
    let sources = sources.environment([variable]);
    assert_eq!(listen(&sources), "127.0.0.1:2");
    let sources = sources.flag(Setting::Listen, Some("127.0.0.1:1".to_owned()));
    assert_eq!(listen(&sources), "127.0.0.1:1");
    // Empty is not set.
    assert_eq!(
        listen(&environment(&[("KOODTX_LISTEN", "")])),
        "127.0.0.1:5000"
    );
}

#[test]
fn the_defaults_are_what_the_documentation_says() {
    let config = Config::read(&Sources::new()).unwrap();
    assert_eq!(config.store.as_str(), "sled:./koodtx-data");
    assert_eq!(config.http.bodies.push_max_bytes, 100 * 1024 * 1024);
    assert_eq!(config.http.bodies.push_memory_max_bytes, 512 * 1024 * 1024);
    assert_eq!(config.http.bodies.idle_timeout, Duration::from_secs(30));
    assert_eq!(config.auth.rate_limit, "30".parse().unwrap());
    assert_eq!(config.auth.lifetimes.access_seconds, 3_600);
    assert_eq!(config.auth.lifetimes.refresh_seconds, 30 * 86_400);
    assert!(config.auth.secret.is_none() && config.warnings.is_empty());
    assert!(!config.http.behind_proxy && config.http.tls.is_none());
    assert_eq!(config.http.cors, CorsOrigins::None);
    assert_eq!(config.auth.registration, Registration::Open);
    let limits = config.limits;
    assert_eq!(limits.requests_of_address, RateLimit::Off);
    assert_eq!(limits.requests_of_account, "6000".parse().unwrap());
    assert_eq!(limits.concurrent_requests, 512);
    assert_eq!(limits.connections.max_count, 4_096);
    assert_eq!(limits.connections.address_max_count, Some(512));
    assert_eq!(limits.connections.head_timeout, Duration::from_secs(30));
    assert_eq!(limits.connections.write_timeout, Duration::from_mins(1));
    assert_eq!(limits.quota, Quota::default());
    let postgres = config.postgres;
    assert_eq!(postgres.max_connections, 16);
    assert_eq!(postgres.acquire_timeout, Duration::from_secs(5));
    assert_eq!(postgres.statement_timeout, Duration::from_mins(1));
    assert_eq!(postgres.lock_timeout, Duration::from_secs(20));
}

#[test]
fn each_setting_of_postgres_has_its_own_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("koodtx.toml");
    let text = "[postgres]\nmax_connections = 3\nacquire_timeout_seconds = 4\n\
                statement_timeout_seconds = 6\n";
    std::fs::write(&file, text).unwrap();
    let variables = [
        ("KOODTX_POSTGRES_STATEMENT_TIMEOUT_SECONDS", "7"),
        ("KOODTX_POSTGRES_LOCK_TIMEOUT_SECONDS", "8"),
    ];
    let sources = environment(&variables).file(&file).unwrap();
    let expected = PostgresConfig {
        max_connections: 3,
        acquire_timeout: Duration::from_secs(4),
        statement_timeout: Duration::from_secs(7),
        lock_timeout: Duration::from_secs(8),
    };
    assert_eq!(Config::read(&sources).unwrap().postgres, expected);
}

#[test]
fn each_limit_has_its_own_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("koodtx.toml");
    let text = "[limits]\nrequests_per_minute_address = 3\nconcurrent_requests = 4\n\
                max_connections = 5\nhead_timeout_seconds = 6\npassword_hashes = 7\n\
                quota_sessions = 12\nquota_bytes = \"off\"\n";
    std::fs::write(&file, text).unwrap();
    let variables = [
        ("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "8"),
        ("KOODTX_MAX_CONNECTIONS_PER_ADDRESS", "9"),
        ("KOODTX_WRITE_TIMEOUT_SECONDS", "10"),
        ("KOODTX_PASSWORD_HASHES", "11"),
        ("KOODTX_REGISTRATION", "closed"),
        ("KOODTX_QUOTA_BYTES", "13"),
    ];
    let sources = environment(&variables).file(&file).unwrap();
    let config = Config::read(&sources).unwrap();
    assert_eq!(config.auth.registration, Registration::Closed);
    let expected = LimitsConfig {
        requests_of_address: "3".parse().unwrap(),
        requests_of_account: "8".parse().unwrap(),
        concurrent_requests: 4,
        password_hashes: 11.try_into().unwrap(),
        connections: ConnectionLimits {
            max_count: 5,
            address_max_count: Some(9),
            head_timeout: Duration::from_secs(6),
            write_timeout: Duration::from_secs(10),
        },
        quota: Quota {
            sessions: Some(12),
            bytes: Some(13),
        },
    };
    assert_eq!(config.limits, expected);
}

#[test]
fn connections_are_the_proxys_where_there_is_one() {
    let behind_proxy = ("KOODTX_BEHIND_PROXY", "true");
    let read = |variables: &[(&str, &str)]| {
        let config = Config::read(&environment(variables)).unwrap();
        let of_address = config.limits.connections.address_max_count;
        (of_address, config.warnings)
    };
    assert_eq!(read(&[behind_proxy]), (None, vec![]));
    let name = "KOODTX_MAX_CONNECTIONS_PER_ADDRESS";
    assert_eq!(read(&[behind_proxy, (name, "off")]), (None, vec![]));
    assert_eq!(read(&[(name, "off")]), (None, vec![]));
    let (of_address, warnings) = read(&[behind_proxy, (name, "7")]);
    assert_eq!((of_address, warnings.len()), (None, 1));
    assert!(warnings[0].starts_with(name), "{warnings:?}");
}

#[test]
fn aliases_count_where_the_name_itself_is_not_set() {
    let store = |variables| {
        Config::read(&environment(variables))
            .unwrap()
            .store
            .as_str()
            .to_owned()
    };
    assert_eq!(store(&[("DATABASE_URL", "memory:")]), "memory:");
    assert_eq!(
        store(&[("DATABASE_URL", "memory:"), ("KOODTX_STORE", "sled:x")]),
        "sled:x"
    );
    let secret = ("JWT_SECRET_KEY", "0123456789abcdef0123456789abcdef");
    assert!(
        Config::read(&environment(&[secret]))
            .unwrap()
            .auth
            .secret
            .is_some()
    );
    let message = failure(&[("JWT_SECRET_KEY", "short")]);
    assert!(
        message.contains("KOODTX_JWT_SECRET") && message.contains("JWT_SECRET_KEY"),
        "{message}"
    );
}

#[test]
fn every_failure_names_the_setting_and_shows_no_value() {
    let cases = [
        ("KOODTX_LISTEN", "localhost"),
        ("KOODTX_STORE", "not-a-url"),
        ("KOODTX_JWT_SECRET", "0123456789abcdef0123456789abcde"),
        ("KOODTX_JWT_SECRET_PREVIOUS", "0123456789abcdef"),
        ("KOODTX_CORS_ORIGINS", "https://app.example/"),
        ("KOODTX_TLS_CERT", "cert.pem"),
        ("KOODTX_TLS_KEY", "key.pem"),
        ("KOODTX_ACCESS_TOKEN_MINUTES", "0"),
        ("KOODTX_REFRESH_TOKEN_DAYS", "forever-and-a-day"),
        ("KOODTX_RATE_LIMIT", "zero-or-so"),
        ("KOODTX_REGISTRATION", "invited"),
        ("KOODTX_REQUESTS_PER_MINUTE_ADDRESS", "0"),
        ("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "plenty"),
        ("KOODTX_CONCURRENT_REQUESTS", "off"),
        ("KOODTX_MAX_CONNECTIONS", "-4096"),
        ("KOODTX_MAX_CONNECTIONS_PER_ADDRESS", "0"),
        ("KOODTX_HEAD_TIMEOUT_SECONDS", "0.5-ish"),
        ("KOODTX_WRITE_TIMEOUT_SECONDS", "one minute"),
        ("KOODTX_PASSWORD_HASHES", "0"),
        ("KOODTX_QUOTA_SESSIONS", "0"),
        ("KOODTX_QUOTA_BYTES", "10 GB"),
        ("KOODTX_MAX_BODY_BYTES", "100MB"),
        ("KOODTX_BODY_MEMORY_BYTES", "1234567"),
        ("KOODTX_BODY_TIMEOUT_SECONDS", "-77"),
        ("KOODTX_BEHIND_PROXY", "perhaps"),
        ("KOODTX_POSTGRES_MAX_CONNECTIONS", "0"),
        ("KOODTX_POSTGRES_MAX_CONNECTIONS", "9999999"),
        ("KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS", "soon-enough"),
        ("KOODTX_POSTGRES_STATEMENT_TIMEOUT_SECONDS", "4000000"),
        ("KOODTX_POSTGRES_LOCK_TIMEOUT_SECONDS", "-0.75"),
        ("KOODTX_JOBS", "somewhere"),
        ("KOODTX_JOBS", "rediss://hunter2@somewhere"),
        ("KOODTX_JOB_CONCURRENCY", "0"),
        ("KOODTX_JOB_TIME_LIMIT_SECONDS", "5 minutes"),
        ("KOODTX_JOB_RESULT_HOURS", "-24-hours"),
        ("KOODTX_RETENTION_DAYS", "forever"),
        ("KOODTX_RETENTION_DAYS", "99999"),
        ("KOODTX_LOG_RETENTION_DAYS", "0"),
        ("KOODTX_EXPORT_RETENTION_DAYS", "1.75"),
        ("KOODTX_STALE_SESSION_HOURS", "a-day"),
        ("KOODTX_SCHEDULE_PURGE_SAMPLES", "at 3 a.m."),
        ("KOODTX_SCHEDULE_OPTIMISE", "0 0 31 2 *"),
        ("KOODTX_OTLP_ENDPOINT", "https://hunter2@collector"),
        ("RUST_LOG", "=====nonsense"),
        ("KOODTX_LOG_FORMAT", "yaml-ish"),
    ];
    for (name, value) in cases {
        let message = failure(&[(name, value)]);
        assert!(
            message.starts_with(&format!("{name} (from the environment): ")),
            "{message}"
        );
        // Short words such as `0` are bound to occur by chance.
        assert!(value.len() < 4 || !message.contains(value), "{message}");
    }
}

#[test]
fn jobs_are_done_by_default_and_no_sample_is_removed() {
    let read = |variables: &[(&str, &str)]| Config::read(&environment(variables)).unwrap().jobs;
    let jobs = read(&[]);
    assert_eq!(jobs.queue, QueueKind::Memory);
    assert_eq!(jobs.retention.sample_days, None);
    assert_eq!(read(&[("KOODTX_JOBS", "off")]).queue, QueueKind::Off);
    for name in ["KOODTX_JOBS", "REDIS_URL"] {
        let jobs = read(&[(name, "redis://:hunter2@localhost")]);
        assert!(matches!(jobs.queue, QueueKind::Redis(_)));
        assert!(!format!("{jobs:?}").contains("hunter2"));
    }
    let jobs = read(&[
        ("KOODTX_RETENTION_DAYS", "30"),
        ("KOODTX_LOG_RETENTION_DAYS", "off"),
        ("KOODTX_SCHEDULE_REPORT", "off"),
        ("KOODTX_SCHEDULE_PURGE_SAMPLES", "5 4 * * 1-5"),
    ]);
    assert_eq!(jobs.retention.sample_days, Some(30));
    assert_eq!(jobs.retention.log_days, None);
    assert_eq!(jobs.schedule[&Task::Report], None);
    let purge = jobs.schedule[&Task::PurgeSamples].as_ref().unwrap();
    assert_eq!(purge.to_string(), "5 4 * * 1-5");
}

#[test]
fn a_misspelt_variable_is_warned_of_without_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let dotenv = folder.path().join(".env");
    std::fs::write(&dotenv, "KOODTX_JWT_SECRETS=hunter2\n").unwrap();
    let variables = [
        ("KOODTX_STROE", "memory:"),
        ("KOODTX_CONFIG", "koodtx.toml"),
        ("RUST_LOGS", "info"),
    ];
    let sources = environment(&variables).dotenv(&dotenv).unwrap();
    let warnings = Config::read(&sources).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("KOODTX_JWT_SECRETS (from .env)"));
    assert!(warnings[1].contains("KOODTX_STROE (from the environment)"));
    assert!(!warnings.concat().contains("hunter2"), "{warnings:?}");
}

#[test]
fn a_larger_push_gets_more_memory() {
    let large = environment(&[("KOODTX_MAX_BODY_BYTES", "1000000000")]);
    let bodies = Config::read(&large).unwrap().http.bodies;
    assert!(bodies.push_memory_max_bytes > bodies.push_max_bytes);
}

#[test]
fn secrets_are_not_shown() {
    let secret = "a-secret-that-must-not-be-shown-anywhere";
    let variables = [
        ("KOODTX_JWT_SECRET", secret),
        ("KOODTX_STORE", "postgres://u:hunter2@db/x"),
    ];
    let shown = format!("{:?}", Config::read(&environment(&variables)).unwrap());
    assert!(
        !shown.contains(secret) && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn a_file_is_told_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    let failure = |text: &str| {
        std::fs::write(&file, text).unwrap();
        match Sources::new().file(&file) {
            Ok(sources) => Config::read(&sources).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    };
    assert!(failure("listen = \n").contains("line 1"));
    assert!(failure("lisen = \"x\"").contains("`lisen` is no setting"));
    assert!(failure("[auth]\nsecret = \"x\"").contains("`auth.secret` is no setting"));
    assert!(failure("listen = [1]").contains("`listen`"));
    let message = failure("[http]\nmax_body_bytes = 0");
    assert!(
        message.contains("KOODTX_MAX_BODY_BYTES") && message.contains("http.max_body_bytes"),
        "{message}"
    );
    assert!(
        Sources::new()
            .file(Path::new("/nonexistent/x.toml"))
            .is_err()
    );

    let dotenv = folder.path().join(".env");
    std::fs::write(&dotenv, "KOODTX_JWT_SECRET=ok\nthis is a hunter2 line\n").unwrap();
    let message = Sources::new().dotenv(&dotenv).unwrap_err().to_string();
    assert!(
        message.contains(".env") && !message.contains("hunter2"),
        "{message}"
    );
}

#[test]
fn the_examples_are_right_and_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let toml = Sources::new()
        .file(&root.join("koodtx.example.toml"))
        .unwrap();
    let dotenv = Sources::new().dotenv(&root.join(".env.example")).unwrap();
    for sources in [&toml, &dotenv] {
        let config = Config::read(sources).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:5000");
        assert_eq!(config.postgres, PostgresConfig::default());
        assert_eq!(config.jobs, JobsConfig::default());
        assert_eq!(config.auth.rate_limit, "30".parse().unwrap());
        assert_eq!(config.auth.registration, Registration::Open);
        assert_eq!(config.limits, LimitsConfig::default());
        assert_eq!(config.log.format, LogFormat::Text);
    }
    let text = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let (toml, dotenv) = (text("koodtx.example.toml"), text(".env.example"));
    for setting in Setting::ALL {
        let key = setting.file_key().rsplit('.').next().unwrap();
        assert!(toml.contains(&format!("{key} = ")), "{key}");
        assert!(
            dotenv.contains(&format!("{}=", setting.name())),
            "{}",
            setting.name()
        );
    }
}
