//! Work that keeps a thread busy.

use tokio::runtime::{Handle, RuntimeFlavor};

/// From so many records on, merging and encoding takes a millisecond and more.
const LONG_WORK_MIN_RECORDS: usize = 4096;

/// Does work on so many records. Where it takes long, the runtime's other tasks go to another thread
/// meanwhile.
pub(crate) fn work<T>(records: usize, work: impl FnOnce() -> T) -> T {
    let has_other_threads = || {
        Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if records >= LONG_WORK_MIN_RECORDS && has_other_threads() {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
