//! A server on a port of its own, and a client that checks every answer against the document.

mod client;
pub mod columns;
mod exposition;
mod faulty_store;
mod program;
mod schema;
mod server;
mod tls;
mod wire;

pub use client::{Account, Reply};
pub use exposition::Exposition;
pub use faulty_store::{FaultyStore, LOG_MILLIS, Trouble};
pub use program::{Running, finish, program, run};
pub use server::TestServer;
pub use tls::{Identity, TlsClient, start_tls};
pub use wire::{
    Connection, LONG_TEXTS_BYTES, compressed, decompressed, exchange, long_push_body, push_body,
    push_head, record, session_id,
};
