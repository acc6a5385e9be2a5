//! Blocks to bytes and back, and how many bytes a sample takes.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput};
use koodtx_bench::fixture::StoredBlocks;
use koodtx_bench::workload::{Case, Digits, Recording, SEED, session_id};
use koodtx_core::block::Block;
use koodtx_core::push::PushBatch;

use support::CpuTime;

/// Samples of the recording that the blocks are taken from: ten full ones of each motion sensor.
const RECORDED_SAMPLES: usize = 16_000;
const SENSORS: [&str; 4] = ["accelerometer", "gyroscope", "magnetometer", "gps"];

fn codec(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("codec");
    for (name, digits) in [("decimal", Digits::Decimal), ("single", Digits::Single)] {
        let mut recording = Recording::new(SEED, digits);
        let round = Case::Fresh.round(&mut recording, session_id(1), RECORDED_SAMPLES);
        let mut stored = StoredBlocks::default();
        stored.push(&PushBatch::parse(round.push.text()).expect("a valid push"));
        for sensor in SENSORS {
            let Some(block) = stored.blocks(sensor).first() else {
                continue;
            };
            let bytes = block.encode();
            println!(
                "{sensor}, {name}: {} records, {:.2} bytes a record",
                block.len(),
                bytes.len() as f64 / block.len() as f64,
            );
            let parameter = format!("{sensor}/{name}");
            group.throughput(Throughput::Elements(block.len() as u64));
            group.bench_function(BenchmarkId::new("encode", &parameter), |bencher| {
                bencher.iter_with_large_drop(|| block.encode());
            });
            group.bench_function(BenchmarkId::new("decode", &parameter), |bencher| {
                bencher.iter_with_large_drop(|| Block::decode(&bytes));
            });
        }
    }
    group.finish();
}

fn main() {
    let mut criterion = support::cpu_criterion();
    codec(&mut criterion);
    criterion.final_summary();
}
