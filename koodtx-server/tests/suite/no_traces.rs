//! A program that was built without traces.

use crate::support::{finish, program};

#[test]
fn a_program_without_traces_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = program(folder.path(), &["--store", "memory:"]);
    server.env("KOODTX_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    let (code, _, err) = finish(server.output().unwrap());
    let says_how = err.contains("KOODTX_OTLP_ENDPOINT") && err.contains("--features otlp");
    assert!(code == 1 && says_how, "{err}");
}
