//! What the tests share: running the programs, and servers that can be killed.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Runs a program to its end and returns what it printed; its standard error goes with the test's.
pub fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{program} {args:?}: {}\n{text}",
        output.status
    );
    text
}

/// The path of the server's binary, built like the tests were.
///
/// Cargo tells a test only of the binaries of its own package.
pub fn server_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        // The whole workspace and one of its tests are named only so that the dependencies get the
        // features that they have in `cargo test --workspace`; then nothing is built twice.
        cargo.args([
            "build",
            "--workspace",
            "--bin",
            "koodtx-server",
            "--test",
            "readme",
        ]);
        cargo.args([
            "--offline",
            "--quiet",
            "--message-format",
            "json-render-diagnostics",
        ]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        // Other features would put another program in the place of the one that the server's own
        // tests run.
        if cfg!(feature = "otlp") {
            cargo.arg("--all-features");
        }
        cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit());
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "building koodtx-server failed");
        let messages = String::from_utf8(output.stdout).unwrap();
        messages
            .lines()
            .find_map(executable)
            .expect("cargo names the executable that it built")
    })
}

/// The server's binary, if that is what a message of cargo is about.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_server = message["target"]["name"] == "koodtx-server";
    message["executable"]
        .as_str()
        .filter(|_| is_server)
        .map(PathBuf::from)
}

/// A server in a process of its own, killed when dropped.
pub struct ServerProcess {
    child: Child,
    /// Where it listens, like `127.0.0.1:41234`.
    pub address: String,
}

impl ServerProcess {
    /// Starts a server binary on the data in `folder` and waits until it says where it is.
    ///
    /// `listen` is an address with port 0, or the `address` of a server that was killed.
    pub fn start(binary: &Path, store: &str, listen: &str, folder: &Path) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("server.log"))
            .unwrap();
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars().filter(|(name, _)| is_setting(name)) {
            command.env_remove(name);
        }
        // The folder has no `.env`, whatever the one of the tests has.
        command
            .current_dir(folder)
            .args(["--store", store, "--listen", listen]);
        command.env("KOODTX_RATE_LIMIT", "off");
        command.env("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "off");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            line.unwrap()
                .trim()
                .strip_prefix("API")?
                .trim()
                .strip_prefix("http://")
                .map(str::to_owned)
        });
        let Some(address) = address else {
            let log = std::fs::read_to_string(folder.join("server.log")).unwrap();
            panic!("the server did not start: {}\n{log}", child.wait().unwrap());
        };
        // Nobody else reads what it prints later, and a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Kills it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Fails only where it was killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_setting(name: &str) -> bool {
    name.starts_with("KOODTX_")
        || ["DATABASE_URL", "JWT_SECRET_KEY", "REDIS_URL", "RUST_LOG"].contains(&name)
}
