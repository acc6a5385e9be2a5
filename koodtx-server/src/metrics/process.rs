//! What the process uses, as Linux tells it.

use std::fs;

/// Ticks in a second of processor time. Linux has told programs 100 for as long as it has existed,
/// whatever the kernel counts by itself.
const TICKS_PER_SECOND: f64 = 100.0;
const BYTES_PER_KIBIBYTE: u64 = 1024;
/// Where the two times stand behind the name of the program in `/proc/self/stat`.
const USER_TIME_FIELD: usize = 11;

/// What the process uses; nothing where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ProcessUsage {
    pub(super) resident_bytes: Option<u64>,
    pub(super) cpu_seconds: Option<f64>,
}

pub(super) fn usage() -> ProcessUsage {
    let read = |file: &str| fs::read_to_string(file).ok();
    ProcessUsage {
        resident_bytes: read("/proc/self/status").and_then(|text| resident_bytes(&text)),
        cpu_seconds: read("/proc/self/stat").and_then(|text| cpu_seconds(&text)),
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * BYTES_PER_KIBIBYTE)
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The name of the program may hold anything, parentheses too.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(USER_TIME_FIELD);
    let mut ticks = || times.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_understood() {
        let status = "Name:\tkoodtx\nVmRSS:\t   12345 kB\nThreads:\t3\n";
        assert_eq!(resident_bytes(status), Some(12_345 * 1024));
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 3 0 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(resident_bytes("").or(cpu_seconds("").map(|_| 0)), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        let usage = usage();
        assert!(usage.resident_bytes.unwrap() > 100_000, "{usage:?}");
        assert!(usage.cpu_seconds.is_some(), "{usage:?}");
    }
}
