use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program in a folder of its own, with no settings from outside.
pub fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koodtx-server"));
    command.args(arguments).current_dir(folder).env_clear();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    finish(program(folder, arguments).output().unwrap())
}

pub fn finish(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A server that is killed when the test ends before it was stopped.
pub struct Running {
    child: Child,
    pub address: String,
    pub shown: String,
}

impl Running {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::with(folder, arguments, &[])
    }

    /// With these variables.
    pub fn with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let all = [&["--listen", "127.0.0.1:0"], arguments].concat();
        let mut child = program(folder, &all)
            .env("KOODTX_RATE_LIMIT", "off")
            .env("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "off")
            .envs(variables.iter().copied())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut shown = String::new();
        while !shown.contains("  data  ") {
            let Some(line) = lines.next() else {
                panic!("{:?}", finish(child.wait_with_output().unwrap()))
            };
            shown.push_str(&line.unwrap());
            shown.push('\n');
        }
        let address = shown
            .lines()
            .find_map(|line| line.trim().strip_prefix("API   ")?.split_once("://"));
        Self {
            child,
            address: address.unwrap().1.to_owned(),
            shown,
        }
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// All that it logged. It has to be stopped.
    pub fn log(&mut self) -> String {
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        log
    }

    /// SIGTERM, and what it exits with.
    pub fn stop(&mut self) -> i32 {
        self.signal("-TERM");
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the server does not stop"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub async fn call(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client
            .post(format!("http://{}{path}", self.address))
            .json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone where the test stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
