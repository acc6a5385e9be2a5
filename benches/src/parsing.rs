//! How fast one core parses, which bounds what a server can take in.

use std::time::Duration;

use koodtx_core::push::{PushBatch, PushError};

use crate::cpu_time::thread_cpu_time;
use crate::workload::Body;

/// Samples a second that one core turns from `bodies` into columns, one body after another, in about
/// `time` of its processor time.
///
/// # Panics
/// If a body is no push, which no body of this crate is.
pub fn parse_rate(bodies: &[Body], time: Duration) -> f64 {
    let (start, mut samples) = (thread_cpu_time(), 0);
    loop {
        for body in bodies {
            let batch = PushBatch::parse(body.text()).expect("a valid push");
            samples += batch.total_records;
        }
        let elapsed = thread_cpu_time().saturating_sub(start);
        if elapsed >= time {
            return samples as f64 / elapsed.as_secs_f64();
        }
    }
}

/// As [`parse_rate`], while another core parses too.
///
/// # Panics
/// As [`parse_rate`].
pub fn parse_rate_beside(bodies: &[Body], time: Duration) -> f64 {
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| parse_rate(bodies, time));
        let rate = parse_rate(bodies, time);
        f64::midpoint(rate, beside.join().expect("the other parser"))
    })
}

/// How long the columnar form takes to parse, beside the documented form of the same push. Each gets
/// `turns` turns; the shortest counts, which other programs disturb the least.
pub fn columns_time_ratio(documented: &Body, columnar: &Body, turns: usize) -> f64 {
    let shortest = |parse: &dyn Fn() -> Result<PushBatch, PushError>| {
        let times = (0..turns).map(|_| {
            let start = thread_cpu_time();
            let batch = parse();
            let time = thread_cpu_time().saturating_sub(start);
            drop(batch);
            time
        });
        times.min().unwrap_or_default().as_secs_f64()
    };
    let columnar = shortest(&|| PushBatch::parse_columns(columnar.text()));
    columnar / shortest(&|| PushBatch::parse(documented.text()))
}
