//! What the benches share. Each uses a part of it.
#![allow(dead_code)]

mod cpu_time;

use std::time::Duration;

use criterion::Criterion;

pub use cpu_time::CpuTime;

const SAMPLES_COUNT: usize = 20;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASUREMENT: Duration = Duration::from_millis(2_500);

/// For work that one thread does without waiting: measures its processor time.
pub fn cpu_criterion() -> Criterion<CpuTime> {
    short().with_measurement(CpuTime).configure_from_args()
}

/// For work that waits for the disk or for other threads: measures the time on the wall.
pub fn wall_criterion() -> Criterion {
    short().configure_from_args()
}

/// Short enough that a bench is run again after each change.
fn short() -> Criterion {
    Criterion::default()
        .sample_size(SAMPLES_COUNT)
        .warm_up_time(WARM_UP)
        .measurement_time(MEASUREMENT)
}

/// Whether something is measured, by `cargo bench`; else everything runs once, to see that it does.
pub fn is_measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
