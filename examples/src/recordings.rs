//! Recordings as they lie on a phone that was offline: files of push bodies, one a line.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Samples of a smart watch: 80 sessions, 16,000 records.
pub const BASIC_MOTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/basic_motions.jsonl");
/// Outdoor tracks: 3 sessions, 913 records.
pub const GPS_TRACKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/gps_tracks.jsonl");

/// Reads the push bodies of a file.
///
/// # Errors
/// What the file system says, with the file's name.
pub fn push_bodies(path: &Path) -> io::Result<Vec<String>> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let lines = BufReader::new(File::open(path).map_err(named)?).lines();
    lines
        .filter(|line| !line.as_ref().is_ok_and(String::is_empty))
        .map(|line| line.map_err(named))
        .collect()
}

/// Reads the push bodies of several files, one after the other.
///
/// # Errors
/// As [`push_bodies`].
pub fn all_push_bodies(paths: &[PathBuf]) -> io::Result<Vec<String>> {
    let mut bodies = Vec::new();
    for path in paths {
        bodies.append(&mut push_bodies(path)?);
    }
    Ok(bodies)
}
