//! A push body into columns, beside what the usual tools make of it.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput};
use koodtx_bench::baseline::{parse_tree, parse_typed};
use koodtx_bench::workload::{BODY_SIZES_SAMPLES, Body, Digits, Recording, SEED, session_id};
use koodtx_core::push::PushBatch;

use support::CpuTime;

/// The size at which the parsers are compared, in samples.
const COMPARED_SAMPLES: usize = 5_000;

fn parse(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("parse");
    for (name, digits) in [("decimal", Digits::Decimal), ("single", Digits::Single)] {
        for count in BODY_SIZES_SAMPLES {
            let body = Body::new(session_id(1), &Recording::new(SEED, digits).samples(count));
            let body = body.text();
            let parameter = format!("{name}/{count}");
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new("columns", &parameter), |bencher| {
                bencher.iter_with_large_drop(|| PushBatch::parse(body));
            });
            if count == COMPARED_SAMPLES {
                group.bench_function(BenchmarkId::new("serde_typed", &parameter), |bencher| {
                    bencher.iter_with_large_drop(|| parse_typed(body));
                });
                group.bench_function(BenchmarkId::new("serde_tree", &parameter), |bencher| {
                    bencher.iter_with_large_drop(|| parse_tree(body));
                });
            }
        }
    }
    group.finish();
}

fn main() {
    let mut criterion = support::cpu_criterion();
    parse(&mut criterion);
    criterion.final_summary();
}
