//! What the benches share.

use std::time::Duration;

use criterion::Criterion;

const SAMPLES_COUNT: usize = 20;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASUREMENT: Duration = Duration::from_millis(2_500);

/// Short enough that all of a bench is run again after each change.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(SAMPLES_COUNT)
        .warm_up_time(WARM_UP)
        .measurement_time(MEASUREMENT)
        .configure_from_args()
}
