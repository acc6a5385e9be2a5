//! The units of systemd.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::{SERVER, deploy, printed, program, run};

const INSTALLED: &str = "/usr/local/bin/koodtx-server";
const PACKAGE: &str = "systemd";
/// Where the units of Debian are, such as the targets that ours name.
const DISTRIBUTION: &str = "/usr/lib/systemd/system:/lib/systemd/system";
/// Highest exposure of a service, in tenths, of 100.
const EXPOSURE_MAX: &str = "--threshold=20";

/// Copies of the units that run the binary where it is.
fn copies(folder: &TempDir) -> Vec<PathBuf> {
    let shipped = fs::read_dir(deploy().join("systemd")).expect("there are units");
    let copy = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a unit");
        let copy = folder.path().join(path.file_name().expect("a name"));
        fs::write(&copy, text.replace(INSTALLED, SERVER)).expect("a copy");
        copy
    };
    shipped
        .map(|entry| copy(entry.expect("an entry").path()))
        .collect()
}

#[test]
fn systemd_finds_nothing_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let units = copies(&folder);
    assert_eq!(units.len(), 5, "{units:?}");
    let mut verify = program("systemd-analyze");
    let path = format!("{}:{DISTRIBUTION}", folder.path().display());
    verify.env("SYSTEMD_UNIT_PATH", path);
    verify.args(["verify", "--man=no"]).args(&units);
    let output = run(&mut verify, PACKAGE);
    let text = printed(&output);
    assert!(output.status.success() && text.is_empty(), "{text}");
}

#[test]
fn services_are_sandboxed() {
    let folder = tempfile::tempdir().expect("a folder");
    let units = copies(&folder);
    let services = units
        .iter()
        .filter(|path| path.extension().is_some_and(|name| name == "service"));
    for service in services {
        let mut security = program("systemd-analyze");
        security.args(["security", "--offline=yes", "--no-pager", EXPOSURE_MAX]);
        let output = run(security.arg(service), PACKAGE);
        assert!(output.status.success(), "{}", printed(&output));
    }
}
