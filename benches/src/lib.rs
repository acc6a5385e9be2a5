//! What measures KooDTX: workloads with a fixed seed, the criterion benches that run on them, and
//! an HTTP load generator for any running server, and what stores take on disk.
//!
//! `benches/README.md` says what each measures and how to run it.

use mimalloc::MiMalloc;

pub mod baseline;
pub mod computing;
pub mod fixture;
pub mod load;
pub mod storage;
pub mod workload;

/// The allocator of the server binary, so that what is measured here is what the server does.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
