//! KooDTX on PostgreSQL: the same contract as every store, shared by any number of servers.
//!
//! Samples are kept in column blocks of ordinary arrays, so that SQL sees them through the view
//! `sensor_data`. See `koodtx-core/docs/postgres.md` for the schema and for operations.

mod account_store;
mod accounts;
mod block;
mod cpu;
mod erase;
mod error;
mod families;
mod instant;
mod log;
mod maintenance;
mod merge;
mod options;
mod pull;
mod push;
mod read_ahead;
mod records;
mod repair;
mod results;
mod rounds;
mod schema;
mod session;
mod statements;
mod store;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod transfer;
mod unlocked;
mod user;
mod verify;
mod wire;

pub use options::{
    ACQUIRE_TIMEOUT_DEFAULT_SECONDS, CONNECTIONS_DEFAULT_COUNT, InvalidUrl,
    LOCK_TIMEOUT_DEFAULT_SECONDS, PostgresOptions, STATEMENT_TIMEOUT_DEFAULT_SECONDS,
};
pub use schema::{PendingMigration, SchemaState, SchemaStatus, migrate, schema_status};
pub use store::{ConnectionCounts, PostgresStore};
