//! The HTTP API against its own OpenAPI document, by an implementation that is not ours: schemathesis makes up
//! requests from the document as it is served, good ones and bad ones, alone and one after the other, and looks
//! whether the answers are those that the document promises.
//!
//! `KOODTX_TEST_SCHEMATHESIS` names its program. `KOODTX_TEST_SCHEMATHESIS_EXAMPLES` says how many requests of
//! each operation it makes up at random, and `KOODTX_TEST_SCHEMATHESIS_SEED` which ones.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::support::Folder;

const PROGRAM_VARIABLE: &str = "KOODTX_TEST_SCHEMATHESIS";
const EXAMPLES_VARIABLE: &str = "KOODTX_TEST_SCHEMATHESIS_EXAMPLES";
const EXAMPLES_DEFAULT_COUNT: &str = "40";
const SEED_VARIABLE: &str = "KOODTX_TEST_SCHEMATHESIS_SEED";
const SEED_DEFAULT: &str = "1";

#[test]
fn every_answer_is_as_the_document_says() {
    let program = env::var(PROGRAM_VARIABLE).unwrap_or_else(|_| "schemathesis".to_owned());
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let folder = Folder::new();
    let server = folder.start();
    let url = server.url();
    let output = Command::new(&program)
        .arg("run")
        .arg(format!("{url}/openapi.json"))
        .args(["--url", &url, "--checks", "all", "--continue-on-failure"])
        .args([
            "--max-examples",
            &setting(EXAMPLES_VARIABLE, EXAMPLES_DEFAULT_COUNT),
        ])
        .args(["--seed", &setting(SEED_VARIABLE, SEED_DEFAULT)])
        // Requests that failed before would come first, and the same seed would not make the same run.
        .args(["--generation-database", "none", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", hooks())
        .env("KOODTX_TEST_SERVER", &url)
        .env("PYTHONIOENCODING", "utf-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("no_proxy", "*")
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{program}: {error}; {PROGRAM_VARIABLE} has to name the program of schemathesis, \
                 which `pip install schemathesis` in a virtual environment brings (see .ci/test)"
            )
        });
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{report}");
    assert!(
        output.status.success(),
        "schemathesis ended with {}, see above:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    server.stop();
    folder.verify();
    folder.assert_no_panic();
}

fn hooks() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/schemathesis/hooks.py");
    path.display().to_string()
}
