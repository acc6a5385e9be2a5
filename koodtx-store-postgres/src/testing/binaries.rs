//! Where the programs of the server are. Distributions keep them outside `PATH`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian and its kin have a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The folder that has `initdb` and `postgres`: that of `pg_config`, else the newest version, else
/// one of `PATH`.
pub(super) fn find() -> PathBuf {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|folder| PathBuf::from(folder.trim_end()));
    configured
        .into_iter()
        .chain(versions())
        .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default()))
        .find(|folder| is_complete(folder))
        .expect(
            "this test starts a PostgreSQL server, and none is installed: apt-get install postgresql \
             (or put the folder of `initdb` and `postgres` into PATH)",
        )
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

/// The folders of all versions, the newest first.
fn versions() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}
