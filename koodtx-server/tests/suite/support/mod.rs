//! A server on a port of its own, and a client that checks every answer against the document.

mod client;
mod faulty_store;
mod schema;
mod server;
mod wire;

pub use client::{Account, Reply};
pub use faulty_store::{FaultyStore, Trouble};
pub use server::TestServer;
pub use wire::{compressed, decompressed, exchange, push_body, record, session_id};
