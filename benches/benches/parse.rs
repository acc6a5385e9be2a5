//! A push body into columns, beside what the usual tools make of it.

mod support;

use criterion::measurement::Measurement;
use criterion::{BenchmarkId, Criterion, Throughput};
use koodtx_bench::baseline::{parse_tree, parse_typed};
use koodtx_bench::workload::{BODY_SIZES_SAMPLES, Body, Digits, Recording, SEED, session_id};
use koodtx_core::push::{PushBatch, PushError};

use support::CpuTime;

/// The size at which the parsers are compared, in samples.
const COMPARED_SAMPLES: usize = 5_000;

/// Turns that each of two parsers gets; the shortest counts, which other programs disturb the least.
const TURNS_COUNT: usize = 50;

/// How long the columnar form takes to parse, beside the documented one.
fn ratio_of_times(documented: &[u8], columnar: &[u8]) -> f64 {
    let shortest = |parse: &dyn Fn() -> Result<PushBatch, PushError>| {
        let times = (0..TURNS_COUNT).map(|_| {
            let began = CpuTime.start();
            let batch = parse();
            let time = CpuTime.end(began);
            drop(batch);
            time
        });
        times.min().unwrap_or_default().as_secs_f64()
    };
    let columnar = shortest(&|| PushBatch::parse_columns(columnar));
    columnar / shortest(&|| PushBatch::parse(documented))
}

fn parse(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("parse");
    for (name, digits) in [("decimal", Digits::Decimal), ("single", Digits::Single)] {
        for count in BODY_SIZES_SAMPLES {
            let samples = Recording::new(SEED, digits).samples(count);
            let body = Body::new(session_id(1), &samples);
            let body = body.text();
            let columnar = Body::in_columns(session_id(1), &samples);
            let columnar = columnar.text();
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
                    ratio_of_times(body, columnar),
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
