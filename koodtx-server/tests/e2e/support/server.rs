//! A server process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::process_memory::ProcessMemory;

/// Longest wait for a server to listen; one that takes longer hangs.
const START_MAX_SECONDS: u64 = 120;
/// What the server prints before the address of its API.
const ADDRESS_LABEL: &str = "API   http://";
/// What the last line that it prints begins with.
const DATA_LABEL: &str = "data ";
/// Lines of the log that a failing test shows.
const LOG_TAIL_LINES: usize = 40;

/// A running server; killed when dropped.
pub struct Server {
    process: Child,
    address: SocketAddr,
    banner: String,
    log: PathBuf,
    /// Kept open: a server that prints into a closed pipe would fail.
    _output: BufReader<ChildStdout>,
}

impl Server {
    pub(super) fn start(mut command: Command, log: PathBuf) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = process.stdout.take().expect("its output is piped");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(read_banner(BufReader::new(output))));
        let heard = receiver.recv_timeout(Duration::from_secs(START_MAX_SECONDS));
        let Ok((Some(address), banner, output)) = heard else {
            let _ = process.kill();
            let status = process.wait();
            panic!("the server did not come up ({status:?}):\n{}", tail(&log));
        };
        Self {
            process,
            address,
            banner,
            log,
            _output: output,
        }
    }

    /// What it printed when it was ready.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `kill -9`: no handler runs, nothing is flushed.
    pub fn kill(mut self) {
        self.process.kill().expect("the server was still running");
        self.process.wait().expect("the server is a child");
    }

    /// Asks it to stop, as a service manager does.
    pub fn terminate(&self) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "SIGTERM could not be sent"
        );
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.process.wait().expect("the server is a child")
    }

    /// Asks it to stop, and fails unless it ends well.
    pub fn stop(self) {
        self.terminate();
        let log = self.log.clone();
        let status = self.wait();
        assert!(status.success(), "{status}:\n{}", tail(&log));
    }

    pub fn memory(&self) -> ProcessMemory {
        ProcessMemory::of(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already where the test ended it.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("the end of the server's log:\n{}", tail(&self.log));
        }
    }
}

/// Reads up to the last line that the server prints; the address is above it.
fn read_banner(
    mut output: BufReader<ChildStdout>,
) -> (Option<SocketAddr>, String, BufReader<ChildStdout>) {
    let (mut banner, mut address) = (String::new(), None);
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|count| count > 0) {
        banner.push_str(&line);
        let text = line.trim();
        if let Some(listening) = text.strip_prefix(ADDRESS_LABEL) {
            address = listening.parse().ok();
        }
        if text.starts_with(DATA_LABEL) {
            break;
        }
        line.clear();
    }
    (address, banner, output)
}

fn tail(log: &PathBuf) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
