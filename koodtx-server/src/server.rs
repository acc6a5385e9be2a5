//! The server: built from settings and a store, run on a listener until told to stop.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use koodtx_core::service::SyncService;
use koodtx_core::store::{Store, StoreError};
use koodtx_core::time::Timestamp;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::api;
use crate::app::App;
use crate::auth::{Accounts, Attempts, PasswordError, Passwords, SigningSecret, Tokens};
use crate::config::{Config, Setting};
use crate::http::{BodyReader, serve_connections};
use crate::secret_file::{SECRET_FILE_NAME, secret_of_folder};
use crate::stores::{Residence, StoreRegistry};

/// How long requests in flight may take after the server was told to stop.
const GRACE_SECONDS: u64 = 30;
/// How long the log entries of pulls that broke off may take after that.
const LEFTOVERS_SECONDS: u64 = 5;

type Clock = dyn Fn() -> Timestamp + Send + Sync;

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
    /// Passwords cannot be hashed on this machine.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
}

/// Puts a server together.
#[derive(Clone)]
pub struct ServerBuilder {
    config: Config,
    stores: StoreRegistry,
    store: Option<Arc<dyn Store>>,
    clock: Arc<Clock>,
}

/// A server that is ready to run.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
}

impl Server {
    /// Begins with the default settings, the built-in stores and the machine's clock.
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            config: Config::default(),
            stores: StoreRegistry::default(),
            store: None,
            clock: Arc::new(Timestamp::now),
        }
    }

    /// Serves on `listener` until `shutdown` resolves; then finishes what is in flight, for up to
    /// 30 seconds, and closes the store.
    ///
    /// # Errors
    /// Only when the listener has no address.
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let endpoint = api::endpoint(self.app.clone());
        let grace = Duration::from_secs(GRACE_SECONDS);
        serve_connections(listener, endpoint, shutdown, grace).await?;
        let leftovers = &self.app.leftovers;
        leftovers.close();
        let wait = Duration::from_secs(LEFTOVERS_SECONDS);
        if tokio::time::timeout(wait, leftovers.wait()).await.is_err() {
            tracing::warn!("some broken-off pulls were not logged in time");
        }
        Ok(())
    }

    /// The rules of accounts, for tools that work beside the API.
    pub fn accounts(&self) -> &Accounts {
        &self.app.accounts
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.app.store
    }
}

impl ServerBuilder {
    /// With these settings.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With these stores to choose from.
    #[must_use]
    pub fn stores(mut self, stores: StoreRegistry) -> Self {
        self.stores = stores;
        self
    }

    /// With this store, whatever the settings say.
    ///
    /// Where the settings hold no secret, tokens are signed with one that ends with this server.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// With this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the store and gets everything ready.
    ///
    /// # Errors
    /// When the store does not open, or there is no secret to sign tokens with.
    pub async fn build(self) -> Result<Server, StartError> {
        let Self {
            config,
            stores,
            store,
            clock,
        } = self;
        let (store, residence) = match store {
            Some(store) => (store, Residence::Process),
            None => open(&stores, &config).await?,
        };
        let secret = match &config.auth.secret {
            Some(secret) => secret.clone(),
            None => own_secret(residence, &config)?,
        };
        let tokens = Tokens::new(&secret, config.auth.lifetimes);
        // Hashes once, for unknown users.
        let passwords = match tokio::task::spawn_blocking(Passwords::new).await {
            Ok(passwords) => passwords?,
            Err(error) => return Err(PasswordError::Failed(error.to_string()).into()),
        };
        let app = App {
            service: SyncService::with_clock(store.clone(), clock),
            accounts: Accounts::new(store.clone(), passwords, tokens),
            store,
            attempts: Attempts::new(config.auth.rate_limit),
            bodies: BodyReader::new(config.http.bodies),
            behind_proxy: config.http.behind_proxy,
            leftovers: TaskTracker::new(),
        };
        Ok(Server { app: Arc::new(app) })
    }
}

/// Opens the store that the settings name, unless it holds only a part of what is being imported.
pub(crate) async fn open(
    stores: &StoreRegistry,
    config: &Config,
) -> Result<(Arc<dyn Store>, Residence), StartError> {
    let (store, residence) = open_unfinished(stores, config).await?;
    let failed = |source| StartError::Store {
        url: config.store.to_string(),
        source,
    };
    match store.unfinished_import().await.map_err(failed)? {
        None => Ok((store, residence)),
        Some(origin) => Err(StartError::Unfinished {
            url: config.store.to_string(),
            origin,
        }),
    }
}

/// Opens the store that the settings name, be it with a part of an import only.
pub(crate) async fn open_unfinished(
    stores: &StoreRegistry,
    config: &Config,
) -> Result<(Arc<dyn Store>, Residence), StartError> {
    let url = &config.store;
    let (Some(residence), Some(opened)) = (stores.residence(url), stores.open(url, config).await)
    else {
        let scheme = url.scheme().to_owned();
        return Err(StartError::UnknownStore {
            origin: config.store_origin.clone(),
            scheme,
            known: stores.schemes(),
        });
    };
    let store = opened.map_err(|source| StartError::Store {
        url: url.to_string(),
        source,
    })?;
    Ok((store, residence))
}

fn own_secret(residence: Residence, config: &Config) -> Result<SigningSecret, StartError> {
    match residence {
        Residence::Folder(folder) => {
            secret_of_folder(&folder).map_err(|source| StartError::SecretFile {
                file: folder.join(SECRET_FILE_NAME),
                source,
            })
        }
        // The accounts end with the process, so their tokens may too.
        Residence::Process => Ok(SigningSecret::random()),
        Residence::Elsewhere => Err(StartError::SecretMissing {
            url: config.store.to_string(),
        }),
    }
}
