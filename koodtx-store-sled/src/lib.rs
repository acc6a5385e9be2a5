//! The embedded store of KooDTX: everything in one folder, no database server.
//!
//! [`SledStore`] implements all storage traits of [`koodtx_core::store`] on
//! [sled](https://docs.rs/sled/0.34.7). What it keeps, what it promises after a crash and when to
//! leave it is described in `koodtx-core/docs/sled.md`.
//!
//! ```no_run
//! use koodtx_store_sled::{SledOptions, SledStore};
//!
//! # fn main() -> Result<(), koodtx_core::store::StoreError> {
//! let store = SledStore::open("./koodtx-data", SledOptions::default())?;
//! # drop(store);
//! # Ok(())
//! # }
//! ```

mod account_store;
mod accounts;
mod blocks;
mod delete;
mod erase;
mod error;
mod export;
mod families;
mod folder;
mod holders;
mod import;
mod janitor;
mod journal;
mod key;
mod locks;
mod log;
mod maintenance;
mod options;
mod pull;
mod push;
mod record;
mod records;
mod repair;
mod results;
mod room;
mod rounds;
mod series;
mod session;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod tidy;
mod transfer;
mod turns;
mod user;
mod values;
mod verify;
mod wal;

pub use options::SledOptions;
pub use store::SledStore;
