//! The server: built from settings and a store, run on a listener until told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use koodtx_core::service::SyncService;
use koodtx_core::store::Store;
use koodtx_core::time::Timestamp;
use koodtx_store_postgres::PostgresStore;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api;
use crate::api::schema::LimitsAnswer;
use crate::app::App;
use crate::auth::{
    Accounts, Attempts, PasswordError, Passwords, RequestRates, SigningSecret, Tokens,
};
use crate::config::{Config, QueueKind};
use crate::http::{Admission, BodyReader, ConnectionLimits, Heavy, Tls, serve_connections};
use crate::jobs::{Context, Jobs};
use crate::metrics::{MeasuredStore, Meters, MetricsServer};
use crate::readiness::Readiness;
use crate::reload::Reload;
use crate::secret_file::{SECRET_FILE_NAME, secret_of_folder};
use crate::start_error::StartError;
use crate::stores::{OpenStore, Residence, StoreRegistry};

/// How long requests in flight may take after the server was told to stop.
const GRACE_SECONDS: u64 = 30;
/// How long the log entries of pulls that broke off may take after that.
const LEFTOVERS_SECONDS: u64 = 5;
/// Where export files go within a data folder.
const EXPORT_FOLDER_NAME: &str = "exports";

type Clock = dyn Fn() -> Timestamp + Send + Sync;

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
    tls: Option<Arc<Tls>>,
    connections: ConnectionLimits,
    metrics: Option<MetricsServer>,
    /// How long to go on after being told to stop.
    drain: Duration,
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
        let (stop, stop_jobs) = (CancellationToken::new(), CancellationToken::new());
        let own_jobs = tokio::spawn(own_jobs(self.app.jobs.clone(), stop_jobs.clone()));
        let metrics = self.metrics.map(|metrics| {
            let app = self.app.clone();
            tokio::spawn(metrics.run(app, stop.clone()))
        });
        // Jobs stop when requests do, so that both have their grace at the same time.
        let shutdown = async {
            shutdown.await;
            self.app.readiness.drain();
            tokio::time::sleep(self.drain).await;
            stop_jobs.cancel();
        };
        let (limits, meters) = (self.connections, &self.app.meters.connections);
        let tls = self.tls;
        let served =
            serve_connections(listener, tls, endpoint, shutdown, grace, limits, meters).await;
        stop_jobs.cancel();
        stop.cancel();
        if let Some(metrics) = metrics
            && let Err(error) = metrics.await
        {
            tracing::error!(%error, "metrics broke off");
        }
        if let Err(error) = own_jobs.await {
            tracing::error!(%error, "background jobs broke off");
        }
        served?;
        let leftovers = &self.app.leftovers;
        leftovers.close();
        let wait = Duration::from_secs(LEFTOVERS_SECONDS);
        if tokio::time::timeout(wait, leftovers.wait()).await.is_err() {
            tracing::warn!("some pulls under way have not ended, and are not logged");
        }
        Ok(())
    }

    /// What reads the certificate again, also while the server runs.
    pub fn reload(&self) -> Reload {
        let mut reload = Reload::default();
        if let Some(tls) = &self.tls {
            reload.add(tls.clone());
        }
        reload
    }

    /// Background work.
    pub fn jobs(&self) -> &Arc<Jobs> {
        &self.app.jobs
    }

    /// Where metrics are read, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.listener.local_addr().ok()
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
    /// When the store does not open, there is no secret to sign tokens with, or the certificate cannot
    /// be used.
    pub async fn build(self) -> Result<Server, StartError> {
        let Self {
            config,
            stores,
            store,
            clock,
        } = self;
        // First, so that what is wrong with the settings is found out before anything is opened.
        let tls = config
            .http
            .tls
            .clone()
            .map(Tls::read)
            .transpose()?
            .map(Arc::new);
        let metrics = bind_metrics(&config).await?;
        let opened = match store {
            Some(store) => OpenedStore {
                store,
                residence: Residence::Process,
                postgres: None,
            },
            None => open(&stores, &config).await?,
        };
        let OpenedStore {
            mut store,
            residence,
            postgres,
        } = opened;
        let meters = Meters::default();
        if metrics.is_some() {
            store = Arc::new(MeasuredStore::new(store, meters.store.clone()));
        }
        let context = task_context(&config, store.clone(), &residence, clock.clone());
        let jobs = Jobs::open(&config.jobs, context)?.counting(meters.jobs.clone());
        let secret = match &config.auth.secret {
            Some(secret) => secret.clone(),
            None => own_secret(residence, &config)?,
        };
        let mut tokens = Tokens::new(&secret, config.auth.lifetimes);
        if let Some(previous) = &config.auth.previous_secret {
            tokens = tokens.accepting(previous);
        }
        // Hashes once, for unknown users.
        let limits = config.limits;
        let hasher = move || Passwords::new(limits.password_hashes);
        let passwords = match tokio::task::spawn_blocking(hasher).await {
            Ok(passwords) => passwords?,
            Err(error) => return Err(PasswordError::Failed(error.to_string()).into()),
        };
        let announced = LimitsAnswer::of(&config);
        let app = App {
            service: SyncService::with_clock(store.clone(), clock).with_quota(limits.quota),
            accounts: Accounts::new(store.clone(), passwords, tokens),
            store,
            registration: config.auth.registration,
            attempts: Attempts::new(config.auth.rate_limit),
            request_rates: RequestRates::new(
                limits.requests_of_address,
                limits.requests_of_account,
            ),
            admission: Admission::new(limits.concurrent_requests),
            bodies: BodyReader::new(config.http.bodies).counting(meters.body_bytes.clone()),
            behind_proxy: config.http.behind_proxy,
            cors: config.http.cors,
            over_tls: tls.is_some(),
            jobs: Arc::new(jobs),
            meters,
            is_measured: metrics.is_some(),
            readiness: Readiness::of(postgres.clone()),
            heavy: Heavy::default(),
            limits: announced,
            leftovers: TaskTracker::new(),
        };
        Ok(Server {
            app: Arc::new(app),
            tls,
            connections: limits.connections,
            metrics: metrics.map(|listener| MetricsServer {
                listener,
                postgres,
                started: Instant::now(),
            }),
            drain: config.observe.drain,
        })
    }
}

/// Listens where the settings say that metrics are read.
pub(crate) async fn bind_metrics(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = config.observe.metrics_listen else {
        return Ok(None);
    };
    let bound = TcpListener::bind(address).await;
    bound
        .map(Some)
        .map_err(|source| StartError::MetricsListen { address, source })
}

/// Does the jobs that are kept in this process. Those of a Redis are for workers and schedulers of
/// their own.
async fn own_jobs(jobs: Arc<Jobs>, stop: CancellationToken) {
    if jobs.config().queue == QueueKind::Memory {
        tokio::join!(jobs.work(stop.clone()), jobs.schedule(stop));
    }
}

/// What tasks work with.
pub(crate) fn task_context(
    config: &Config,
    store: Arc<dyn Store>,
    residence: &Residence,
    clock: Arc<Clock>,
) -> Context {
    let jobs = &config.jobs;
    let export_folder = match (&jobs.export_folder, residence) {
        (Some(folder), _) => folder.clone(),
        (None, Residence::Folder(folder)) => folder.join(EXPORT_FOLDER_NAME),
        (None, _) => PathBuf::from("koodtx-exports"),
    };
    Context {
        store,
        queue: None,
        retention: jobs.retention,
        export_folder,
        time_limit: jobs.time_limit,
        clock,
    }
}

/// An open store, and where it is.
pub(crate) struct OpenedStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) residence: Residence,
    /// The same store, where it is one on PostgreSQL.
    pub(crate) postgres: Option<PostgresStore>,
}

/// Opens the store that the settings name, unless it holds only a part of what is being imported.
pub(crate) async fn open(
    stores: &StoreRegistry,
    config: &Config,
) -> Result<OpenedStore, StartError> {
    let opened = open_unfinished(stores, config).await?;
    let failed = |source| StartError::Store {
        url: config.store.to_string(),
        source,
    };
    match opened.store.unfinished_import().await.map_err(failed)? {
        None => Ok(opened),
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
) -> Result<OpenedStore, StartError> {
    let url = &config.store;
    let (Some(residence), Some(opened)) =
        (stores.residence(url), stores.open_whole(url, config).await)
    else {
        let scheme = url.scheme().to_owned();
        return Err(StartError::UnknownStore {
            origin: config.store_origin.clone(),
            scheme,
            known: stores.schemes(),
        });
    };
    let OpenStore { store, postgres } = opened.map_err(|source| StartError::Store {
        url: url.to_string(),
        source,
    })?;
    Ok(OpenedStore {
        store,
        residence,
        postgres,
    })
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
