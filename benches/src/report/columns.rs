//! The columnar form beside the documented one. No store has to do with it.

use super::bench::Bench;
use super::part::{Part, Store};
use super::sizes::BATCH_SAMPLES;
use crate::parsing::columns_time_ratio;
use crate::workload::{Body, Digits, Recording, SEED, session_id};

pub(super) fn measure(bench: &mut Bench, stores: &[Store]) {
    if !bench.wants(Part::ColumnsBytes) && !bench.wants(Part::ColumnsTime) {
        return;
    }
    let samples = Recording::new(SEED, Digits::Decimal).samples(BATCH_SAMPLES);
    let documented = Body::new(session_id(1), &samples);
    let columnar = Body::in_columns(session_id(1), &samples);
    let ratios = [
        (
            Part::ColumnsBytes,
            columnar.text().len() as f64 / documented.text().len() as f64,
        ),
        (
            Part::ColumnsTime,
            columns_time_ratio(&documented, &columnar, bench.sizes.columns_turns),
        ),
    ];
    for (part, ratio) in ratios {
        if bench.wants(part) {
            for &store in stores {
                bench.results.set(part, store, ratio);
            }
        }
    }
}
