//! The settings that the files name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use koodtx_server::Setting;

use crate::support::deploy;

const PREFIX: &str = "KOODTX_";
/// Names the TOML file, and is no setting of it.
const CONFIG_FILE: &str = "KOODTX_CONFIG";

/// Every name of a variable in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.match_indices(PREFIX)
        .map(|(start, _)| {
            let name = &text[start..];
            let end = name.find(|c| !is_part(c)).unwrap_or(name.len());
            name[..end].to_owned()
        })
        // All of them, as `KOODTX_*`.
        .filter(|name| name != PREFIX)
        .collect()
}

fn each_file(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            each_file(&path, look);
        } else {
            look(&path, &fs::read_to_string(&path).expect("a text"));
        }
    }
}

#[test]
fn every_setting_that_the_files_name_exists() {
    let known = Setting::ALL.map(Setting::name);
    let mut found = 0;
    each_file(&deploy(), &mut |path, text| {
        for name in names(text) {
            assert!(
                known.contains(&name.as_str()) || name == CONFIG_FILE,
                "{}: {name} is no setting",
                path.display()
            );
            found += 1;
        }
    });
    assert!(found > 10, "only {found} settings were found");
}

#[test]
fn names_are_found_whole() {
    let text = "KOODTX_*: A=${KOODTX_STORE:-x} KOODTX_JOB_CONCURRENCY=2, `KOODTX_LISTEN`";
    let expected = ["KOODTX_JOB_CONCURRENCY", "KOODTX_LISTEN", "KOODTX_STORE"];
    assert_eq!(names(text), expected.map(str::to_owned).into());
}
