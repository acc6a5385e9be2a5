//! The upload, against the real server: killed and started again in the middle, and done twice.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{ServerProcess, server_binary};

const STORE: &str = "sled:data";
const BODIES: usize = 83;
const RECORDS: u64 = 16_913;
/// The server is killed after this many recordings, and after that many.
const KILLED_AFTER: [usize; 3] = [15, 40, 65];
/// Slow enough for the upload to be still going when the server dies.
const PAUSE_MILLIS: &str = "20";

fn start_upload(server: &ServerProcess, more_args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upload"));
    command
        .args(["--server", &server.url(), "--json"])
        .args(more_args);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for an upload whose standard error has been read, and returns its report.
fn report(upload: Child, said: &str) -> Value {
    let output = upload.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}\n{said}\n{text}", output.status);
    serde_json::from_str(&text).unwrap()
}

fn count(report: &Value, part: &str, name: &str) -> u64 {
    report[part][name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {part}.{name} in {report}"))
}

#[test]
fn an_upload_survives_restarts_and_a_second_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let start = |listen: &str| ServerProcess::start(server_binary(), STORE, listen, folder.path());
    let mut server = start("127.0.0.1:0");
    let address = server.address.clone();

    let mut upload = start_upload(&server, &["--pause-millis", PAUSE_MILLIS]);
    let mut said = String::new();
    for line in BufReader::new(upload.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if KILLED_AFTER
            .iter()
            .any(|done| line.starts_with(&format!("pushed {done}/{BODIES} ")))
        {
            server.kill();
            server = start(&address);
        }
        said = said + &line + "\n";
    }
    let first = report(upload, &said);
    assert!(
        count(&first, "client", "retries") >= 1,
        "no kill hit the upload: {first}\n{said}"
    );
    assert_eq!(count(&first, "upload", "bodies"), BODIES as u64);
    assert_eq!(count(&first, "upload", "records"), RECORDS);
    assert_eq!(count(&first, "upload", "errors"), 0);
    assert_eq!(count(&first, "upload", "updated"), 0);
    // What was stored by an attempt whose answer the kill swallowed counts as a duplicate.
    let stored = count(&first, "upload", "inserted") + count(&first, "upload", "duplicates");
    assert_eq!(stored, RECORDS);
    // It exits with an error if anything differs; this says that there was something to compare.
    assert_eq!(count(&first, "comparison", "sessions"), BODIES as u64);
    assert_eq!(count(&first, "comparison", "records"), RECORDS);
    assert_eq!(count(&first, "comparison", "differences_count"), 0);

    for compression in ["gzip", "none"] {
        let mut upload = start_upload(&server, &["--compress", compression]);
        let said = std::io::read_to_string(upload.stderr.take().unwrap()).unwrap();
        let again = report(upload, &said);
        assert_eq!(count(&again, "upload", "inserted"), 0);
        assert_eq!(count(&again, "upload", "updated"), 0);
        assert_eq!(count(&again, "upload", "duplicates"), RECORDS);
        assert_eq!(count(&again, "upload", "sessions_moved"), 0);
        assert_eq!(count(&again, "comparison", "records"), RECORDS);
        let (plain, sent) = (
            count(&again, "upload", "body_bytes"),
            count(&again, "upload", "sent_bytes"),
        );
        assert!(
            if compression == "none" {
                sent == plain
            } else {
                sent < plain / 2
            },
            "{again}"
        );
    }
}
