//! The merge of a push into the blocks of a session: pure functions, no store.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput};
use koodtx_bench::fixture::StoredBlocks;
use koodtx_bench::workload::{Case, Digits, Recording, SEED, session_id};
use koodtx_core::push::PushBatch;

use support::CpuTime;

/// Samples of a push.
const PUSH_SIZES_SAMPLES: [usize; 2] = [100, 5_000];
/// Samples stored before: five minutes and a half.
const STORED_SAMPLES: usize = 100_000;

fn merge(criterion: &mut Criterion<CpuTime>) {
    let mut recording = Recording::new(SEED, Digits::Decimal);
    let first = Case::Fresh.round(&mut recording, session_id(1), STORED_SAMPLES);
    let mut stored = StoredBlocks::default();
    stored.push(&PushBatch::parse(first.push.text()).expect("a valid push"));

    let mut group = criterion.benchmark_group("merge");
    for case in Case::ALL {
        for count in PUSH_SIZES_SAMPLES {
            let round = case.round(&mut recording.clone(), session_id(1), count);
            let mut stored = stored.clone();
            if let Some(before) = round.before {
                stored.push(&PushBatch::parse(before.text()).expect("a valid push"));
            }
            let batch = PushBatch::parse(round.push.text()).expect("a valid push");
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(case.name(), count), |bencher| {
                bencher.iter_with_large_drop(|| stored.merge(&batch));
            });
        }
    }
    group.finish();
}

fn main() {
    let mut criterion = support::cpu_criterion();
    merge(&mut criterion);
    criterion.final_summary();
}
