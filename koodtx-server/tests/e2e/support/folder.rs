//! A data folder that outlives the servers run on it.

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::Server;

/// A data folder and the log of every server that ran on it.
pub struct Folder {
    place: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self {
            place: TempDir::new().expect("a temporary folder"),
        }
    }

    /// Starts a server and waits until it listens.
    pub fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// The same, with settings of the environment.
    pub fn start_with(&self, settings: &[(&str, &str)]) -> Server {
        let mut command = self.command();
        command.args(["--listen", "127.0.0.1:0"]);
        command.envs(settings.iter().copied());
        Server::start(command, self.log_path())
    }

    /// The binary on this folder, apart from every setting of whoever runs the test.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koodtx-server"));
        command
            .env_clear()
            .env("KOODTX_RATE_LIMIT", "off")
            .env(
                "KOODTX_STORE",
                format!("sled:{}", self.data_path().display()),
            )
            .env("RUST_LOG", "warn")
            .current_dir(self.place.path())
            .stdin(Stdio::null())
            .stderr(self.log_file());
        command
    }

    /// Runs a command of the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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

    fn data_path(&self) -> PathBuf {
        self.place.path().join("data")
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
