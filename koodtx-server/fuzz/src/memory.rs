//! How much memory a piece of code takes, in targets whose global allocator is [`PeakAlloc`].

use peak_alloc::PeakAlloc;

/// Runs `work` and checks that it has at no time taken more than `max` bytes beside what there was.
///
/// libFuzzer's own limit is that of the process, and is seen only once a second.
///
/// # Panics
/// If it has.
pub fn within<T>(max: usize, work: impl FnOnce() -> T) -> T {
    let before = PeakAlloc.current_usage();
    PeakAlloc.reset_peak_usage();
    let result = work();
    let taken = PeakAlloc.peak_usage().saturating_sub(before);
    assert!(taken <= max, "{taken} bytes were taken, {max} are allowed");
    result
}
