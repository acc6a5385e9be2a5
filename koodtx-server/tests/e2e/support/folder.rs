//! A place that outlives the servers run on it: a folder, and the store that they share or follow
//! each other on.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::Server;

/// What tokens are signed with where the store has no folder for a secret.
const SECRET: &str = "a secret of the tests, which is long enough";

/// A store, and a folder with the log of every server that ran on it.
pub struct Folder {
    place: TempDir,
    store: String,
}

impl Folder {
    /// An embedded store of its own.
    pub fn new() -> Self {
        let place = TempDir::new().expect("a temporary folder");
        let store = format!("sled:{}", place.path().join("data").display());
        Self { place, store }
    }

    /// An embedded store at `data`; the log is elsewhere.
    pub fn at(data: &Path) -> Self {
        Self::on(format!("sled:{}", data.display()))
    }

    /// The store of a URL, which any number of servers may share.
    pub fn on(store: String) -> Self {
        let place = TempDir::new().expect("a temporary folder");
        Self { place, store }
    }

    /// The URL of the store.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Starts a server and waits until it listens.
    pub fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// The same, with settings of the environment.
    pub fn start_with(&self, settings: &[(&str, &str)]) -> Server {
        self.start_by(&[], settings)
    }

    /// The same, by these arguments.
    pub fn start_by(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Server {
        let mut command = self.command();
        command.args(arguments).args(["--listen", "127.0.0.1:0"]);
        command.envs(settings.iter().copied());
        Server::start(command, self.log_path())
    }

    /// The binary on this store, apart from every setting of whoever runs the test.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koodtx-server"));
        command
            .env_clear()
            .env("KOODTX_RATE_LIMIT", "off")
            .env("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "off")
            .env("KOODTX_STORE", &self.store)
            .env("RUST_LOG", "warn")
            .current_dir(self.place.path())
            .stdin(Stdio::null())
            .stderr(self.log_file());
        // The embedded store keeps a secret of its own.
        if !self.store.starts_with("sled:") {
            command.env("KOODTX_JWT_SECRET", SECRET);
        }
        command
    }

    /// Runs a command of the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.args(arguments);
        Self::finish(command)
    }

    /// Runs a command to its end, and returns what it printed.
    pub fn finish(mut command: Command) -> Output {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.output().expect("the binary runs")
    }

    /// Has `koodtx-server verify` check everything stored; returns how many records it saw.
    pub fn verify(&self) -> u64 {
        let output = self.run(&["verify"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "verify failed:\n{text}{complaint}");
        let summary = text.lines().last().unwrap_or_default();
        assert!(summary.ends_with(", 0 problems"), "{text}");
        let records = summary
            .split(", ")
            .nth(1)
            .and_then(|part| part.strip_suffix(" records"));
        records
            .and_then(|count| count.parse().ok())
            .unwrap_or_else(|| panic!("{text}"))
    }

    /// Everything that servers on this folder wrote to standard error.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_path()).expect("the log is readable");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Fails where a server panicked, even if nobody outside noticed.
    pub fn assert_no_panic(&self) {
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
    }

    fn log_path(&self) -> PathBuf {
        self.place.path().join("server.log")
    }

    fn log_file(&self) -> File {
        let path = self.log_path();
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("the log is writable")
    }
}
