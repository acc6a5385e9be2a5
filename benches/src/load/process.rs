//! What Linux tells about a process.

use std::fs;

use super::LoadError;

/// Ticks of processor time in a second, as /proc counts them: fixed at 100 on every Linux that user
/// programs see.
const TICKS_PER_SECOND: f64 = 100.0;
const BYTES_PER_KIB: u64 = 1_024;
/// Places behind the name of the command in /proc/PID/stat: `ppid`; `utime` and `stime`; those two of
/// the children that have ended.
const PARENT_FIELD: usize = 1;
const CPU_FIELDS: [usize; 2] = [11, 12];
const CHILDREN_CPU_FIELDS: [usize; 2] = [13, 14];

/// A process on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pid: String,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Processor time, user and system, of all threads.
    pub cpu_seconds: f64,
    /// Processor time of its children that have ended.
    pub children_cpu_seconds: f64,
    /// Resident memory now.
    pub resident_bytes: u64,
    /// The most resident memory since the process began.
    pub resident_peak_bytes: u64,
    /// Bytes sent to the disk; unknown where the process belongs to somebody else.
    pub written_bytes: Option<u64>,
}

impl Process {
    /// The process with this number.
    pub(crate) fn of(pid: u32) -> Result<Self, LoadError> {
        let process = Self {
            pid: pid.to_string(),
        };
        process.usage().map(|_| process)
    }

    /// The load generator.
    pub(crate) fn own() -> Self {
        Self {
            pid: "self".to_owned(),
        }
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> Result<Usage, LoadError> {
        let stat = self.read("stat")?;
        let status = self.read("status")?;
        let seconds_of = |fields| {
            seconds(&stat, fields).ok_or_else(|| self.failed(&"its stat is not understood"))
        };
        let resident = |field| {
            number_after(&status, field)
                .map(|kib| kib * BYTES_PER_KIB)
                .ok_or_else(|| self.failed(&format!("no {field} in its status")))
        };
        Ok(Usage {
            cpu_seconds: seconds_of(CPU_FIELDS)?,
            children_cpu_seconds: seconds_of(CHILDREN_CPU_FIELDS)?,
            resident_bytes: resident("VmRSS:")?,
            resident_peak_bytes: resident("VmHWM:")?,
            written_bytes: self
                .read("io")
                .ok()
                .and_then(|io| number_after(&io, "write_bytes:")),
        })
    }

    /// Its children that run, as far as they can be looked at.
    pub(crate) fn children(&self) -> Vec<Self> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|pid| Self { pid })
            .filter(|process| {
                let stat = process.read("stat").unwrap_or_default();
                fields(&stat).and_then(|fields| fields.get(PARENT_FIELD).copied())
                    == Some(&*self.pid)
            })
            .collect()
    }

    fn read(&self, file: &str) -> Result<String, LoadError> {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid))
            .map_err(|error| self.failed(&error))
    }

    fn failed(&self, reason: &impl ToString) -> LoadError {
        LoadError::Process {
            pid: self.pid.clone(),
            reason: reason.to_string(),
        }
    }
}

/// The fields of /proc/PID/stat behind the name of the command, which may hold anything, also brackets
/// and spaces.
fn fields(stat: &str) -> Option<Vec<&str>> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    Some(behind_name.split(' ').collect())
}

/// The sum of two fields of /proc/PID/stat that count ticks.
fn seconds(stat: &str, of: [usize; 2]) -> Option<f64> {
    let fields = fields(stat)?;
    let mut ticks = 0.0;
    for at in of {
        ticks += fields.get(at)?.parse::<f64>().ok()?;
    }
    Some(ticks / TICKS_PER_SECOND)
}

fn number_after(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 3 4 20 0 9 0 100 1 2 3";
        assert_eq!(seconds(stat, CPU_FIELDS), Some(3.0));
        assert_eq!(seconds(stat, CHILDREN_CPU_FIELDS), Some(0.07));
        assert_eq!(seconds("7 (a) S 1", CPU_FIELDS), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn own_usage_grows_with_work() {
        let before = Process::own().usage().unwrap();
        let mut sum = 0_u64;
        while Process::own().usage().unwrap().cpu_seconds < before.cpu_seconds + 0.02 {
            sum = (0..10_000_u64).fold(sum, |sum, step| std::hint::black_box(sum ^ step));
        }
        assert!(before.resident_bytes > 0 && before.resident_peak_bytes >= before.resident_bytes);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn children_are_found_while_they_run() {
        let own = Process::of(std::process::id()).unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = child.id().to_string();
        let has_child = || own.children().iter().any(|process| process.pid == pid);
        assert!(has_child());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!has_child());
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let error = Process::of(u32::MAX).unwrap_err().to_string();
        assert!(
            error.contains("4294967295") && error.contains("--server-pid"),
            "{error}"
        );
    }
}
