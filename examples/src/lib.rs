//! Runnable examples of KooDTX.
//!
//! | program | shows |
//! | --- | --- |
//! | `embed` | a Rust service that syncs without HTTP |
//! | `upload` | a client of a running server ([`upload`]): upload, retry, pull back, compare |
//! | `third_party_store` | a store of one's own ([`journal_store`]) behind the server |
//! | `metered_store` | a wrapper around any store ([`metered`]) |
//!
//! Run one with `cargo run -p koodtx-examples --bin NAME -- --help`.

pub mod journal_store;
pub mod metered;
pub mod recordings;
pub mod upload;

/// Compiles the snippets of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
