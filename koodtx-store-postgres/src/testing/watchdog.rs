//! The server as a child process that does not outlive the test.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::account::Account;

/// Starts the server and waits for an order. `stop` ends the server at once, as a crash would; the
/// end of the input is the end of the test process, however it came about, and takes the folder
/// along.
const SCRIPT: &str = r#"
folder=$1; shift
"$@" </dev/null >>"$folder/log" 2>&1 &
server=$!
read -r order
kill -QUIT "$server"
wait "$server"
[ "$order" = stop ] || rm -rf "$folder"
"#;

/// A running server and the shell that watches over it.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Runs `server` (a program with its arguments), whose data and log are in `folder`.
    pub(super) fn start(account: Account, folder: &Path, server: &[String]) -> Self {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT, "watchdog"])
            .arg(folder)
            .args(server)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt from the terminal is for the test; its end is what ends the server.
            .process_group(0);
        let shell = account.adopt(&mut command).spawn();
        Self {
            shell: shell.expect("runs /bin/sh"),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(mut order) = self.shell.stdin.take() {
            // A shell that is gone has nothing to stop.
            let _ = order.write_all(b"stop\n");
        }
        let _ = self.shell.wait();
    }
}

/// Runs a program to its end, its output in a file of `folder`.
pub(super) fn run(account: Account, folder: &Path, program: &[String]) {
    let log = folder.join("setup.log");
    let output = File::create(&log).expect("creates a file");
    let errors = output.try_clone().expect("shares a file");
    let mut command = Command::new(&program[0]);
    command
        .args(&program[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors);
    let status = account.adopt(&mut command).status();
    let succeeded = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(
        succeeded,
        "{} failed ({status:?}):\n{}",
        program[0],
        std::fs::read_to_string(&log).unwrap_or_default()
    );
}
