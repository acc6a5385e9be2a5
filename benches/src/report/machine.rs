//! On what was measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use koodtx_core::time::Timestamp;

const KIB_PER_GIB: f64 = 1_048_576.0;
const UNKNOWN: &str = "unknown";

/// The machine, and when something was measured on it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: f64,
    file_system: String,
    kernel: String,
    rustc: String,
    /// Processes that wanted to run, on average over the minute before.
    load: f64,
    began_at: Timestamp,
}

impl Machine {
    /// This machine now.
    pub(super) fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let memory_kib = memory.trim_end_matches(" kB").parse().unwrap_or(0.0);
        let load = read("/proc/loadavg");
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: available_parallelism().map_or(1, usize::from),
            memory_gib: memory_kib / KIB_PER_GIB,
            file_system: file_system(&std::env::temp_dir(), &read("/proc/mounts")),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: rustc(),
            load: load
                .split(' ')
                .next()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0.0),
            began_at: Timestamp::now(),
        }
    }

    /// Rows of a table without a heading.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "processor",
                format!("{}, {} cores", self.processor, self.cores),
            ),
            ("memory", format!("{:.1} GiB", self.memory_gib)),
            ("file system of the stores", self.file_system.clone()),
            ("kernel", self.kernel.clone()),
            ("compiler", self.rustc.clone()),
            ("began at", self.began_at.to_string()),
            (
                "load before it began",
                format!(
                    "{:.2} (processes that want to run, over a minute)",
                    self.load
                ),
            ),
        ]
    }

    /// Whether other programs took so much of the machine that the numbers are rough.
    pub(super) fn is_busy(&self) -> bool {
        self.load > self.cores as f64 / 4.0
    }
}

/// What stands behind a name and a colon.
fn field(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(|| UNKNOWN.to_owned(), |(_, value)| value.trim().to_owned())
}

/// The kind of the file system that a folder is on, by the table of mounts.
fn file_system(folder: &Path, mounts: &str) -> String {
    let folder: PathBuf = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(mounted, _)| folder.starts_with(mounted))
        // Of two at the same place the later hides the other.
        .max_by_key(|(mounted, _)| mounted.len())
        .map_or_else(|| UNKNOWN.to_owned(), |(_, kind)| kind.to_owned())
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| UNKNOWN.to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_deepest_mount() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /usr tmpfs rw 0 0\n/dev/b /usr xfs rw 0 0\n";
        assert_eq!(file_system(Path::new("/usr/bin"), mounts), "xfs");
        assert_eq!(file_system(Path::new("/"), mounts), "ext4");
        assert_eq!(file_system(Path::new("/"), ""), UNKNOWN);
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: A: B\nmodel name\t: C\n";
        assert_eq!(field(text, "model name"), "A: B");
        assert_eq!(field(text, "absent"), UNKNOWN);
    }
}
