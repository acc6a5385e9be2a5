//! Parsed pushes into the stores. Parsing is not part of it; waiting for the disk is.

mod support;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use koodtx_bench::fixture::{StoreKind, command, push};
use koodtx_bench::workload::{BODY_SIZES_SAMPLES, Case, Digits, Recording, SEED, session_id};
use koodtx_core::id::UserId;
use koodtx_core::time::Timestamp;
use tokio::runtime::Runtime;

/// Samples of a push in the cases that are measured at one size only.
const COMPARED_SAMPLES: usize = 5_000;

/// Time that `rounds` pushes take, one after another, into one session of a new store.
async fn time_rounds(kind: StoreKind, case: Case, count: usize, rounds: u64) -> Duration {
    let open = kind.open(env!("CARGO_TARGET_TMPDIR"));
    let store = open.store();
    let user = UserId(1);
    let mut recording = Recording::new(SEED, Digits::Decimal);
    let mut elapsed = Duration::ZERO;
    for _ in 0..rounds {
        let round = case.round(&mut recording, session_id(1), count);
        if let Some(before) = &round.before {
            push(&**store, user, before)
                .await
                .expect("a store that answers");
        }
        let command = command(user, &round.push).expect("a valid push");
        let now = Timestamp::now();
        let start = Instant::now();
        store
            .push(command, now)
            .await
            .expect("a store that answers");
        elapsed += start.elapsed();
    }
    elapsed
}

fn ingest(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    for kind in StoreKind::ALL {
        let mut group = criterion.benchmark_group(format!("ingest/{kind}"));
        group.sampling_mode(SamplingMode::Flat);
        for case in Case::ALL {
            let sizes = if case == Case::Fresh {
                &BODY_SIZES_SAMPLES[..]
            } else {
                &[COMPARED_SAMPLES]
            };
            for &count in sizes {
                group.throughput(Throughput::Elements(count as u64));
                group.bench_function(BenchmarkId::new(case.name(), count), |bencher| {
                    bencher
                        .to_async(&runtime)
                        .iter_custom(|rounds| time_rounds(kind, case, count, rounds));
                });
            }
        }
        group.finish();
    }
}

fn main() {
    let mut criterion = support::wall_criterion();
    ingest(&mut criterion);
    criterion.final_summary();
}
