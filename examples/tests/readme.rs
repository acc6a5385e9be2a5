//! The quick start of the README, as written.

mod support;

use std::process::{Command, Stdio};

use serde_json::Value;
use support::{ServerProcess, server_binary};

const README: &str = include_str!("../../README.md");
const SERVER_LINE: &str = "SERVER=http://127.0.0.1:5000\n";

/// The shell block that sets `SERVER`.
fn quick_start() -> &'static str {
    let mut blocks = README
        .split("```sh\n")
        .filter_map(|rest| rest.split("```").next());
    blocks
        .find(|block| block.starts_with(SERVER_LINE))
        .expect("the README has a quick start")
}

#[test]
fn the_quick_start_works_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(
        server_binary(),
        "sled:koodtx-data",
        "127.0.0.1:0",
        folder.path(),
    );
    let script = quick_start().replace(SERVER_LINE, &format!("SERVER={}\n", server.url()));
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .stderr(Stdio::inherit())
        .output()
        .expect("bash and curl are installed");
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = serde_json::Deserializer::from_str(&text)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let [pushed, pulled] = &answers[..] else {
        panic!("two answers in:\n{text}")
    };
    assert_eq!(pushed["inserted"], 2, "{pushed}");
    assert_eq!(
        pulled["sessions"][0]["notes"], "Morning workout",
        "{pulled}"
    );
    assert_eq!(
        pulled["sessions"][0]["sensor_data"][1]["data"]["z"], 9.7,
        "{pulled}"
    );
}

#[test]
fn every_relative_link_leads_somewhere() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let docs = [
        "README.md",
        "koodtx-core/docs/README.md",
        "koodtx-core/docs/protocol.md",
        "koodtx-core/docs/architecture.md",
        "koodtx-core/docs/adr/README.md",
        "examples/data/README.md",
    ];
    for doc in docs {
        let path = std::path::Path::new(root).join(doc);
        let text = std::fs::read_to_string(&path).unwrap();
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let file = link.split('#').next().unwrap_or_default();
            let target = path.parent().unwrap().join(file);
            assert!(
                file.is_empty() || target.exists(),
                "{doc} links to {link}, which is not there"
            );
        }
    }
}
