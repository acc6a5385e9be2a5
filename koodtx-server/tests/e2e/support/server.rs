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
/// Lines of the log that a failing test shows.
const LOG_TAIL_LINES: usize = 40;

/// A running server; killed when dropped.
pub struct Server {
    process: Child,
    address: SocketAddr,
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
        thread::spawn(move || sender.send(read_address(BufReader::new(output))));
        let heard = receiver.recv_timeout(Duration::from_secs(START_MAX_SECONDS));
        let Ok((Some(address), output)) = heard else {
            let _ = process.kill();
            let status = process.wait();
            panic!("the server did not come up ({status:?}):\n{}", tail(&log));
        };
        Self {
            process,
            address,
            log,
            _output: output,
        }
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

fn read_address(
    mut output: BufReader<ChildStdout>,
) -> (Option<SocketAddr>, BufReader<ChildStdout>) {
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|count| count > 0) {
        if let Some(address) = line.trim().strip_prefix(ADDRESS_LABEL) {
            return (address.parse().ok(), output);
        }
        line.clear();
    }
    (None, output)
}

fn tail(log: &PathBuf) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
