//! A push body into columns, beside what the usual tools make of it.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput};
use koodtx_bench::baseline::{parse_tree, parse_typed};
use koodtx_bench::parsing::columns_time_ratio;
use koodtx_bench::workload::{BODY_SIZES_SAMPLES, Body, Digits, Recording, SEED, session_id};
use koodtx_core::push::PushBatch;

use support::CpuTime;

/// The size at which the parsers are compared, in samples.
const COMPARED_SAMPLES: usize = 5_000;

/// Turns that each of two parsers gets.
const TURNS_COUNT: usize = 50;

fn parse(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("parse");
    for (name, digits) in [("decimal", Digits::Decimal), ("single", Digits::Single)] {
        for count in BODY_SIZES_SAMPLES {
            let samples = Recording::new(SEED, digits).samples(count);
            let documented = Body::new(session_id(1), &samples);
            let body = documented.text();
            let columnar_form = Body::in_columns(session_id(1), &samples);
            let columnar = columnar_form.text();
            let parameter = format!("{name}/{count}");
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new("columns", &parameter), |bencher| {
                bencher.iter_with_large_drop(|| PushBatch::parse(body));
            });
            group.bench_function(BenchmarkId::new("columnar_form", &parameter), |bencher| {
                bencher.iter_with_large_drop(|| PushBatch::parse_columns(columnar));
            });
            if count == COMPARED_SAMPLES {
                println!(
                    "{parameter}: the columnar form has {:.3} of the bytes and takes {:.3} of the time",
                    columnar.len() as f64 / body.len() as f64,
                    columns_time_ratio(&documented, &columnar_form, TURNS_COUNT),
                );
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
