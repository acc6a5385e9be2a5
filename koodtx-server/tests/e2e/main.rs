//! End-to-end proofs: the real binary with its stores, over real connections, killed, stopped, raced,
//! flooded and fed rubbish.
//!
//! The race of eight writers on PostgreSQL lasts some seconds; before a release let it last a minute:
//! `KOODTX_TEST_RACE_SECONDS=60 cargo test -p koodtx-server --test e2e postgres::races`. Stores are swapped with
//! some thousand samples; with an hour of three sensors at 100 Hz by
//! `KOODTX_TEST_SWAP_SAMPLES=90000 cargo test -p koodtx-server --test e2e swap::sled`.

mod support;

mod crash;
mod faults;
mod full_disk;
mod hostile;
mod jobs;
mod memory;
mod postgres;
mod races;
mod real_recordings;
mod schemathesis;
mod shutdown;
mod soak;
mod swap;
