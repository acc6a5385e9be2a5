//! The quick start of the README, as written.

mod support;

use std::path::{Path, PathBuf};
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
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let (docs, records) = (
        root.join("koodtx-core/docs"),
        root.join("koodtx-core/docs/adr"),
    );
    let mut pages = vec![root.join("README.md"), root.join("examples/data/README.md")];
    pages.extend([markdown(&docs), markdown(&records)].concat());
    for page in pages {
        for link in links(&page).iter().filter(|link| !link.contains("://")) {
            let file = link.split('#').next().unwrap_or_default();
            let is_there = file.is_empty() || page.with_file_name(file).exists();
            assert!(
                is_there,
                "{} links to {link}, which is not there",
                page.display()
            );
        }
    }
}

#[test]
fn every_decision_is_in_the_index() {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../koodtx-core/docs/adr"
    ));
    let index = links(&folder.join("README.md"));
    for record in markdown(folder) {
        let name = record.file_name().unwrap().to_str().unwrap();
        assert!(
            name == "README.md" || index.iter().any(|link| link == name),
            "add {name} to the index"
        );
    }
}

/// The Markdown files of a folder.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// Where the links of a page lead.
fn links(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    text.split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}
