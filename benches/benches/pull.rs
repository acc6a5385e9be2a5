//! Whole pulls through the stores, from the request to the last byte of JSON.

mod support;

use std::cell::OnceCell;

use criterion::{BenchmarkId, Criterion, Throughput};
use koodtx_bench::fixture::{OpenStore, StoreKind, caller, pull, push};
use koodtx_bench::workload::{Body, Case, Digits, Recording, SEED, session_id};
use koodtx_core::pull::PullRequest;
use koodtx_core::service::SyncService;
use koodtx_core::time::Timestamp;
use tokio::runtime::Runtime;

/// Records of the session that is pulled whole.
const FULL_SAMPLES: usize = 100_000;
/// Sessions in the store while nothing of them has changed. What a pull costs should not tell them
/// apart.
const UNCHANGED_SESSIONS: [usize; 2] = [100, 2_000];
/// The same where the bench is only tried.
const TRIED_SESSIONS: [usize; 2] = [10, 20];

/// A store with one large session.
async fn with_session(kind: StoreKind) -> OpenStore {
    let open = kind.open(env!("CARGO_TARGET_TMPDIR"));
    let round = Case::Fresh.round(
        &mut Recording::new(SEED, Digits::Decimal),
        session_id(1),
        FULL_SAMPLES,
    );
    push(&**open.store(), caller(1).user, &round.push)
        .await
        .expect("a store that answers");
    open
}

/// A store with many small sessions, and the clock of the last.
async fn with_sessions(kind: StoreKind, sessions: usize) -> (OpenStore, Timestamp) {
    let open = kind.open(env!("CARGO_TARGET_TMPDIR"));
    let mut body = Body::new(
        session_id(0),
        &Recording::new(SEED, Digits::Decimal).samples(3),
    );
    let mut clock = Timestamp::ZERO;
    for number in 0..sessions as u64 {
        body.set_session(session_id(number));
        clock = push(&**open.store(), caller(1).user, &body)
            .await
            .expect("a store that answers")
            .clock;
    }
    (open, clock)
}

fn full(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("pull/full");
    group.throughput(Throughput::Elements(FULL_SAMPLES as u64));
    for kind in StoreKind::ALL {
        let open = OnceCell::new();
        group.bench_function(BenchmarkId::from_parameter(kind), |bencher| {
            let open = open.get_or_init(|| runtime.block_on(with_session(kind)));
            let service = SyncService::new(open.store().clone());
            let caller = caller(1);
            bencher
                .to_async(runtime)
                .iter(|| pull(&service, &caller, PullRequest::default()));
        });
    }
    group.finish();
}

fn unchanged(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("pull/unchanged");
    let sizes = if support::is_measuring() {
        UNCHANGED_SESSIONS
    } else {
        TRIED_SESSIONS
    };
    for kind in StoreKind::ALL {
        for sessions in sizes {
            let open = OnceCell::new();
            group.bench_function(BenchmarkId::new(kind.to_string(), sessions), |bencher| {
                let (open, clock) =
                    open.get_or_init(|| runtime.block_on(with_sessions(kind, sessions)));
                let service = SyncService::new(open.store().clone());
                let caller = caller(1);
                bencher.to_async(runtime).iter(|| {
                    let request = PullRequest {
                        last_sync_time: Some(*clock),
                        ..PullRequest::default()
                    };
                    pull(&service, &caller, request)
                });
            });
        }
    }
    group.finish();
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let mut criterion = support::wall_criterion();
    full(&mut criterion, &runtime);
    unchanged(&mut criterion, &runtime);
    criterion.final_summary();
}
