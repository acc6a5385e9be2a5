//! Processor time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time that the calling thread has used.
///
/// For work that one thread does without waiting it grows as a clock on the wall would on a machine
/// with nothing else to do, and nearly so while the machine does other things.
pub fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
