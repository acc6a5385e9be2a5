//! KooDTX: offline-first sync of sensor recordings, as a library.
//!
//! Phones record sensors offline and **push** sessions with their samples later; devices **pull**
//! what changed. This crate is the protocol: identities and time, validation, last-write-wins
//! merge, columnar blocks, pages and cursors, the [`store`] traits, a [`memory`] store, and an
//! HTTP-free [`service::SyncService`]. It knows no HTTP, no SQL and no async runtime.

pub mod block;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decimal;
pub mod id;
pub mod json;
pub mod limits;
pub mod memory;
pub mod pull;
pub mod push;
pub mod register;
pub mod sample_time;
pub mod service;
pub mod session;
pub mod store;
pub mod sync_log;
pub mod time;
pub mod transfer;
