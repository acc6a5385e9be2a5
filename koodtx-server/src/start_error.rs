//! Why a server cannot start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use koodtx_core::store::StoreError;

use crate::auth::PasswordError;
use crate::config::Setting;
use crate::http::TlsError;
use crate::queue::QueueError;

/// Why a server cannot start. For operators.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The URL's scheme is no store of the registry.
    #[error(
        "{}{} names a `{scheme}` store, which this server does not have; it has {}",
        Setting::Store.name(),
        origin.as_ref().map(|origin| format!(" (from {origin})")).unwrap_or_default(),
        known.join(", ")
    )]
    UnknownStore {
        /// Which source of settings the URL came from, if known.
        origin: Option<String>,
        /// The scheme.
        scheme: String,
        /// The schemes that there are.
        known: Vec<&'static str>,
    },
    /// The store does not open.
    #[error("the store {url} does not open: {}", source.message())]
    Store {
        /// Its URL, without a password.
        url: String,
        /// Why.
        source: StoreError,
    },
    /// The schema of the store cannot be read or migrated.
    #[error("the store {url} cannot be migrated: {}", source.message())]
    Schema {
        /// Its URL, without a password.
        url: String,
        /// Why.
        source: StoreError,
    },
    /// A copy or a restore into the store was begun and not finished.
    #[error(
        "the store {url} holds only a part of what is imported from {origin}: run the same `copy` \
         or `restore` again, which goes on where it broke off"
    )]
    Unfinished {
        /// Its URL, without a password.
        url: String,
        /// Where the data come from.
        origin: String,
    },
    /// There is no signing secret, and no place to keep one.
    #[error(
        "{} has to be set: the store {url} has no folder in which the server could keep a secret \
         of its own", Setting::JwtSecret.name()
    )]
    SecretMissing {
        /// The URL of the store, without a password.
        url: String,
    },
    /// The file of the signing secret cannot be used.
    #[error("the signing secret in {} cannot be used: {source}", file.display())]
    SecretFile {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Background jobs have no queue.
    #[error("{}: {source}", Setting::Jobs.name())]
    Jobs {
        /// Why.
        #[from]
        source: QueueError,
    },
    /// Metrics cannot be read where they should be.
    #[error("{}: cannot listen on {address}: {source}", Setting::MetricsListen.name())]
    MetricsListen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Passwords cannot be hashed on this machine.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
}
