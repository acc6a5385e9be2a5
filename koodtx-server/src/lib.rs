//! Reference sync server of KooDTX, as a library and as one binary.
//!
//! The binary is [`cli::main`] over the built-in stores. A binary with stores of its own is as short:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::sync::Arc;
//!
//! use koodtx_core::memory::MemoryStore;
//! use koodtx_core::store::Store;
//! use koodtx_server::StoreRegistry;
//!
//! fn main() -> ExitCode {
//!     let stores = StoreRegistry::default().with("mine", |_url| async {
//!         Ok(Arc::new(MemoryStore::new()) as Arc<dyn Store>)
//!     });
//!     koodtx_server::cli::main(stores)
//! }
//! ```
//!
//! Inside another program, or a test, [`Server`] runs on any listener until it is told to stop:
//!
//! ```no_run
//! use koodtx_server::{Config, Server, Sources};
//! use tokio::net::TcpListener;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::read(&Sources::new().environment(std::env::vars()))?;
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let server = Server::builder().config(config).build().await?;
//! server.run(listener, async { tokio::signal::ctrl_c().await.unwrap_or(()) }).await?;
//! # Ok(())
//! # }
//! ```

pub mod analysis;
pub mod api;
mod app;
pub mod archive;
pub mod auth;
pub mod cli;
pub mod config;
mod error;
pub mod export;
mod http;
pub mod jobs;
mod logging;
mod metrics;
pub mod queue;
mod readiness;
mod reload;
mod secret_file;
mod server;
mod small_file;
mod start_error;
mod stores;
mod traces;

pub use config::{Config, ConfigError, Setting, Sources, StoreUrl};
pub use error::ApiError;
pub use http::{BodyLimits, ConnectionLimits, CorsOrigins, TlsError};
pub use reload::{Reload, ReloadError};
pub use secret_file::SECRET_FILE_NAME;
pub use server::{Server, ServerBuilder};
pub use start_error::StartError;
pub use stores::{Opened, Residence, StoreRegistry};
