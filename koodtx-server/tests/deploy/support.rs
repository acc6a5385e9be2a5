//! What the tests share.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The binary.
pub const SERVER: &str = env!("CARGO_BIN_EXE_koodtx-server");
/// Anything may take that long, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL_EVERY: Duration = Duration::from_millis(100);
/// What the server prints before its address, and what its last line begins with.
const ADDRESS_LABEL: &str = "API   http://";
const DATA_LABEL: &str = "data ";

/// The folder of the files under test.
pub fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// The text of one of them.
pub fn shipped(name: &str) -> String {
    let path = deploy().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A program of another package, without the settings of whoever runs the test.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env_clear()
        // Debian keeps some programs where only root looks.
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end; fails where its program is missing.
pub fn run(command: &mut Command, package: &str) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| {
        let name = command.get_program().display();
        panic!("this test needs `{name}` (apt-get install {package}): {error}")
    })
}

/// Everything that a command printed.
pub fn printed(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Waits until `look` finds something.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        sleep(POLL_EVERY);
    }
}

/// An address where nobody listens.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}

/// Sends a signal to a process.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.expect("kill runs").success(), "kill {name} {pid}");
}

/// A server on an embedded store of its own, killed when dropped.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    // Kept open: a server that prints into a closed pipe would fail.
    _output: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Server {
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(SERVER)
            .env_clear()
            .env("KOODTX_LISTEN", "127.0.0.1:0")
            .env("RUST_LOG", "warn")
            .envs(settings.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = process.stdout.take().expect("its output is piped");
        let mut output = BufReader::new(output);
        let (mut address, mut line) = (None, String::new());
        while output.read_line(&mut line).is_ok_and(|count| count > 0) {
            let text = line.trim();
            if let Some(listening) = text.strip_prefix(ADDRESS_LABEL) {
                address = listening.parse().ok();
            }
            if text.starts_with(DATA_LABEL) {
                break;
            }
            line.clear();
        }
        Self {
            process,
            address: address.expect("the server came up"),
            _output: output,
            _folder: folder,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
