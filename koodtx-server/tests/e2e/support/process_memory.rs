//! The memory of a process, as the kernel counts it.

use std::fs;

const KIBIBYTE_BYTES: u64 = 1024;
/// What makes the kernel forget the peak, see proc(5).
const FORGET_PEAK: &str = "5";

/// Reads and resets the counts of one process.
#[derive(Clone, Copy)]
pub struct ProcessMemory {
    pid: u32,
}

impl ProcessMemory {
    pub(super) fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// Resident memory now, in bytes.
    pub fn resident_bytes(self) -> u64 {
        self.status("VmRSS:")
    }

    /// Highest resident memory since the start or since [`forget_peak`](Self::forget_peak), in bytes.
    pub fn peak_bytes(self) -> u64 {
        self.status("VmHWM:")
    }

    /// Lets the peak begin anew at what is resident now.
    pub fn forget_peak(self) {
        let file = format!("/proc/{}/clear_refs", self.pid);
        fs::write(file, FORGET_PEAK).expect("the peak of a child can be reset");
    }

    fn status(self, label: &str) -> u64 {
        let text =
            fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("the server runs");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .expect("the kernel counts it");
        let kibibytes: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        kibibytes * KIBIBYTE_BYTES
    }
}
