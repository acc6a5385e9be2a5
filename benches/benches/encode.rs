//! Stored records into the JSON of a pull answer.

mod support;

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use koodtx_bench::fixture::{ReplayStore, caller, pull, pull_columns, push};
use koodtx_bench::workload::{Case, Digits, Recording, SEED, session_id};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::PullRequest;
use koodtx_core::service::SyncService;
use tokio::runtime::Builder;

use support::CpuTime;

/// Records of an answer.
const PULLED_SAMPLES: usize = 20_000;

fn encode(criterion: &mut Criterion<CpuTime>) {
    // On the calling thread, whose processor time is measured.
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let mut group = criterion.benchmark_group("encode");
    for (name, digits) in [("decimal", Digits::Decimal), ("single", Digits::Single)] {
        let mut recording = Recording::new(SEED, digits);
        let round = Case::Fresh.round(&mut recording, session_id(1), PULLED_SAMPLES);
        let store = ReplayStore::new(Arc::new(MemoryStore::new()));
        let caller = caller(1);
        let service = runtime.block_on(async {
            push(&store, caller.user, &round.push)
                .await
                .expect("a memory store does not fail");
            SyncService::new(Arc::new(store))
        });
        let bytes = runtime.block_on(pull(&service, &caller, PullRequest::default()));
        let columnar = runtime.block_on(pull_columns(&service, &caller, PullRequest::default()));
        println!(
            "{name}: {:.1} bytes a record; in the columnar form {:.1}, which is {:.3} of it",
            bytes as f64 / PULLED_SAMPLES as f64,
            columnar as f64 / PULLED_SAMPLES as f64,
            columnar as f64 / bytes as f64,
        );
        group.throughput(Throughput::Elements(PULLED_SAMPLES as u64));
        group.bench_function(BenchmarkId::new("pull", name), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| pull(&service, &caller, PullRequest::default()));
        });
        group.bench_function(BenchmarkId::new("columnar_form", name), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| pull_columns(&service, &caller, PullRequest::default()));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = support::cpu_criterion();
    encode(&mut criterion);
    criterion.final_summary();
}
