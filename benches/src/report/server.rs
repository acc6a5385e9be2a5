//! The server as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::ReportError;
use super::home::Home;
use crate::load::Process;

/// Load means more requests of an account and more connections from an address than a server takes
/// unless it is told. Tokens outlive a server that is started again.
const SETTINGS: [(&str, &str); 5] = [
    ("KOODTX_RATE_LIMIT", "off"),
    ("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "off"),
    ("KOODTX_MAX_CONNECTIONS_PER_ADDRESS", "off"),
    (
        "KOODTX_JWT_SECRET",
        "a secret of a server that is thrown away",
    ),
    ("RUST_LOG", "warn"),
];
/// What the line begins with that says where it listens.
const ADDRESS_LABEL: &str = "API";

/// A running server. Dropped, it is killed; [`stop`](Self::stop) lets it finish.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts the binary on the data of a home, and waits until it says where it listens.
    pub(super) fn start(binary: &Path, home: &Home) -> Result<Self, ReportError> {
        let mut child = Command::new(binary)
            // Apart from every setting of whoever runs this.
            .env_clear()
            .envs(SETTINGS)
            .current_dir(home.folder())
            .args(["--listen", "127.0.0.1:0", "--store", &home.url()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(home.log_file()?)
            .spawn()
            .map_err(ReportError::io(binary.display().to_string()))?;
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address = line.trim().strip_prefix(ADDRESS_LABEL)?;
            Some(address.trim().to_owned())
        });
        let mut server = Self {
            child,
            url: url.unwrap_or_default(),
        };
        if server.url.is_empty() {
            let _ = server.child.wait();
            return Err(ReportError::NotStarted {
                program: "koodtx-server",
                reason: std::fs::read_to_string(home.log()).unwrap_or_default(),
            });
        }
        // Nobody else reads what it prints later, and a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub(super) fn process(&self) -> Result<Process, ReportError> {
        Ok(Process::of(self.child.id())?)
    }

    /// Has it finish and close its store, and waits until it is gone.
    pub(super) fn stop(mut self) -> Result<(), ReportError> {
        let stopping = "stopping koodtx-server";
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|error| ReportError::io(stopping)(error.into()))?;
        let status = self.child.wait().map_err(ReportError::io(stopping))?;
        if status.success() {
            return Ok(());
        }
        Err(ReportError::Unexpected(format!(
            "koodtx-server ended with {status}"
        )))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only where it was stopped before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
