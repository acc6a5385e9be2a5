//! What measures KooDTX: workloads with a fixed seed, the criterion benches that run on them, an HTTP
//! load generator for any running server, what stores take on disk, and a report of all that is
//! promised of the speed.
//!
//! `benches/README.md` says what each measures and how to run it.

use mimalloc::MiMalloc;

pub mod baseline;
pub mod computing;
pub mod cpu_time;
pub mod fixture;
pub mod load;
pub mod parsing;
pub mod report;
pub mod storage;
pub mod workload;

/// The allocator of the server binary, so that what is measured here is what the server does.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
