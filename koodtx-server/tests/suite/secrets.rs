//! Secrets in files, and that none is shown.

use std::path::Path;

use koodtx_server::config::QueueKind;
use koodtx_server::{Config, Sources};

use crate::support::{Running, finish, program};

const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

fn sources(variables: &[(&str, &str)]) -> Sources {
    let owned = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Sources::new().environment(owned)
}

fn failure(sources: &Sources) -> String {
    Config::read(sources).unwrap_err().to_string()
}

/// A file of the folder with that text, by its path.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = file(folder.path(), "store", "sled:/some where\r\n");
    let secret = file(folder.path(), "secret", &format!("{SECRET}\n"));
    let jobs = file(
        folder.path(),
        "jobs",
        "redis://:hunter2@redis.example:6379\n",
    );
    let variables = [
        ("KOODTX_STORE_FILE", store.as_str()),
        ("KOODTX_JWT_SECRET_FILE", &secret),
        ("KOODTX_JWT_SECRET_PREVIOUS_FILE", &secret),
        ("KOODTX_JOBS_FILE", &jobs),
    ];
    let config = Config::read(&sources(&variables)).unwrap();
    assert_eq!(config.store.as_str(), "sled:/some where");
    let QueueKind::Redis(url) = &config.jobs.queue else {
        panic!("{:?}", config.jobs.queue);
    };
    assert_eq!(url.as_str(), "redis://:hunter2@redis.example:6379");
    assert!(config.store_origin.unwrap().contains(&store));
    assert!(config.auth.secret.is_some() && config.auth.previous_secret.is_some());
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);

    let text = format!("store_file = {store:?}\n[auth]\njwt_secret_file = {secret:?}\n");
    let toml = file(folder.path(), "koodtx.toml", &text);
    let from_toml = Sources::new().file(Path::new(&toml)).unwrap();
    let config = Config::read(&from_toml).unwrap();
    assert!(config.store.as_str() == "sled:/some where" && config.auth.secret.is_some());

    // A stronger source goes first, and its alias, too.
    let stronger =
        Config::read(&from_toml.environment([("DATABASE_URL".into(), "memory:".into())]));
    assert_eq!(stronger.unwrap().store.as_str(), "memory:");
    // Within one source the alias is the weakest.
    let both = sources(&[("DATABASE_URL", "memory:"), ("KOODTX_STORE_FILE", &store)]);
    assert_eq!(
        Config::read(&both).unwrap().store.as_str(),
        "sled:/some where"
    );
    // Only secrets have such files.
    let none = Config::read(&sources(&[("KOODTX_LISTEN_FILE", &store)])).unwrap();
    assert!(
        none.warnings[0].contains("KOODTX_LISTEN_FILE"),
        "{:?}",
        none.warnings
    );
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| file(folder.path(), name, text);
    let cases = [
        ("/nowhere/secret".to_owned(), "No such file"),
        (file("empty", "\n"), "empty"),
        (file("short", "hunter2"), "32"),
        ("/dev/zero".to_owned(), "larger than"),
        (folder.path().to_str().unwrap().to_owned(), "directory"),
    ];
    for (path, problem) in &cases {
        let message = failure(&sources(&[("KOODTX_JWT_SECRET_FILE", path)]));
        let start = format!(
            "KOODTX_JWT_SECRET (from the file {path}, which KOODTX_JWT_SECRET_FILE in the \
             environment names): "
        );
        assert!(
            message.starts_with(&start) && message.contains(problem),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }
    std::fs::write(folder.path().join("binary"), b"\xff".repeat(40)).unwrap();
    let binary = folder.path().join("binary");
    let message = failure(&sources(&[("KOODTX_STORE_FILE", binary.to_str().unwrap())]));
    assert!(message.starts_with("KOODTX_STORE (from the file ") && message.contains("UTF-8"));

    let secret = file("secret", SECRET);
    for name in [
        "KOODTX_STORE",
        "KOODTX_JWT_SECRET",
        "KOODTX_JWT_SECRET_PREVIOUS",
        "KOODTX_JOBS",
    ] {
        let by_file = format!("{name}_FILE");
        let message = failure(&sources(&[(name, SECRET), (&by_file, &secret)]));
        assert!(
            message.starts_with(&format!("{name} (from the environment): {by_file} ")),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }
    let toml = file(
        "both.toml",
        &format!("store = \"memory:\"\nstore_file = {secret:?}\n"),
    );
    let message = failure(&Sources::new().file(Path::new(&toml)).unwrap());
    assert!(
        message.contains("`store_file`") || message.contains("store_file is set"),
        "{message}"
    );
}

#[test]
fn settings_show_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let previous = file(folder.path(), "previous", SECRET);
    let url = format!("postgres://ann:{SECRET}@db.example/koodtx?password={SECRET}");
    let redis = format!("redis://:{SECRET}@redis.example:6379");
    let sources = sources(&[
        ("KOODTX_STORE", &url),
        ("KOODTX_JWT_SECRET", SECRET),
        ("KOODTX_JWT_SECRET_PREVIOUS_FILE", &previous),
        ("REDIS_URL", &redis),
    ]);
    let config = Config::read(&sources).unwrap();
    for shown in [
        format!("{config:?} {sources:?}"),
        format!("{config:#?} {sources:#?}"),
    ] {
        assert!(
            shown.contains("db.example") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}

#[test]
fn a_start_logs_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let secret = file(folder.path(), "secret", SECRET);
    let variables = [
        ("RUST_LOG", "trace"),
        ("KOODTX_STORE", "memory:"),
        ("KOODTX_JWT_SECRET_FILE", secret.as_str()),
        ("KOODTX_JWT_SECRET_PREVIOUS", SECRET),
    ];
    let mut server = Running::with(folder.path(), &[], &variables);
    assert_eq!(server.stop(), 0);
    let log = server.log();
    assert!(!log.is_empty() && !(log + &server.shown).contains("hunter2"));

    // Nobody listens there: the start fails, and has a lot to say.
    let url = format!("postgres://ann:{SECRET}@127.0.0.1:1/koodtx");
    let mut failing = program(folder.path(), &[]);
    failing
        .envs(variables)
        .env("KOODTX_STORE", &url)
        .env("KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS", "1");
    let (code, out, err) = finish(failing.output().unwrap());
    assert!(code == 1 && err.contains("127.0.0.1:1"), "{err}");
    assert!(
        !out.contains("hunter2") && !err.contains("hunter2"),
        "{err}"
    );
}
