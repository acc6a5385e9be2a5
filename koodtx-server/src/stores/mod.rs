//! The stores that a server can open, by the scheme of their URL.

mod postgres;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{Store, StoreError, StoreErrorKind};
use koodtx_store_postgres::{PostgresStore, SchemaStatus};
use koodtx_store_sled::{SledOptions, SledStore};

use crate::config::{Config, StoreUrl};

/// What opening a store comes to.
pub type Opened = Result<Arc<dyn Store>, StoreError>;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Opener = dyn Fn(StoreUrl, Config) -> Boxed<Result<OpenStore, StoreError>> + Send + Sync;
type Schema = fn(SchemaStep, StoreUrl, Config) -> Boxed<Result<SchemaStatus, StoreError>>;

/// A store, and what can be asked of it beside the traits.
pub(crate) struct OpenStore {
    pub(crate) store: Arc<dyn Store>,
    /// The same store, where it is one on PostgreSQL.
    pub(crate) postgres: Option<PostgresStore>,
}

/// What to do with the schema of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchemaStep {
    /// Say how it stands.
    Read,
    /// Bring it to the version of this release.
    Migrate,
}

/// Where a store keeps its data, as far as the server needs to know: for its signing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Residence {
    /// In a folder of this machine, where the server may keep a file of its own.
    Folder(PathBuf),
    /// In this process; everything ends with it.
    Process,
    /// Somewhere else.
    Elsewhere,
}

#[derive(Clone)]
struct Entry {
    open: Arc<Opener>,
    residence: fn(&StoreUrl) -> Residence,
    /// Absent where the store upgrades itself when it is opened.
    schema: Option<Schema>,
}

/// The stores that a server can open. `sled:PATH`, `postgres://…`, `postgresql://…` and `memory:` are
/// built in.
#[derive(Clone)]
pub struct StoreRegistry(BTreeMap<&'static str, Entry>);

impl fmt::Debug for StoreRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreRegistry")
            .field(&self.schemes())
            .finish()
    }
}

impl Default for StoreRegistry {
    fn default() -> Self {
        let postgres = Entry {
            open: Arc::new(|url, config| Box::pin(postgres::open(url, config))),
            residence: |_| Residence::Elsewhere,
            schema: Some(|step, url, config| Box::pin(postgres::schema(step, url, config))),
        };
        let servers = ["postgres", "postgresql"].map(|scheme| (scheme, postgres.clone()));
        Self(BTreeMap::from(servers))
            .with_residence(
                "sled",
                |url| Residence::Folder(url.rest().into()),
                open_sled,
            )
            .with_residence(
                "memory",
                |_| Residence::Process,
                |_| async { Ok(Arc::new(MemoryStore::new()) as Arc<dyn Store>) },
            )
    }
}

impl StoreRegistry {
    /// Adds a store under the scheme of its URLs, or replaces the one that is there.
    ///
    /// The server keeps no file beside such a store, so its operators set `KOODTX_JWT_SECRET`. The
    /// store brings its own format up to date when it is opened.
    #[must_use]
    pub fn with<F>(
        self,
        scheme: &'static str,
        open: impl Fn(StoreUrl) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Opened> + Send + 'static,
    {
        self.with_residence(scheme, |_| Residence::Elsewhere, open)
    }

    /// Adds a store of which it is known where it keeps its data.
    #[must_use]
    pub fn with_residence<F>(
        mut self,
        scheme: &'static str,
        residence: fn(&StoreUrl) -> Residence,
        open: impl Fn(StoreUrl) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Opened> + Send + 'static,
    {
        // What such a store can be told stands in its URL.
        let open: Arc<Opener> = Arc::new(move |url, _| {
            let opening = open(url);
            Box::pin(async move {
                let (store, postgres) = (opening.await?, None);
                Ok(OpenStore { store, postgres })
            })
        });
        let schema = None;
        let entry = Entry {
            open,
            residence,
            schema,
        };
        self.0.insert(scheme, entry);
        self
    }

    /// The schemes that are known.
    pub fn schemes(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// Where the store of that URL keeps its data; `None` for an unknown scheme.
    pub fn residence(&self, url: &StoreUrl) -> Option<Residence> {
        self.0.get(url.scheme()).map(|entry| (entry.residence)(url))
    }

    /// Opens the store of that URL, whatever store `config` names; `None` for an unknown scheme.
    pub async fn open(&self, url: &StoreUrl, config: &Config) -> Option<Opened> {
        let opened = self.open_whole(url, config).await?;
        Some(opened.map(|opened| opened.store))
    }

    /// Opens the store of that URL with what can be asked of it beside the traits.
    pub(crate) async fn open_whole(
        &self,
        url: &StoreUrl,
        config: &Config,
    ) -> Option<Result<OpenStore, StoreError>> {
        let entry = self.0.get(url.scheme())?;
        Some((entry.open)(url.clone(), config.clone()).await)
    }

    /// Reads or migrates the schema of the store that the settings name; `None` where it has none,
    /// but upgrades itself when it is opened.
    pub(crate) async fn schema(
        &self,
        step: SchemaStep,
        config: &Config,
    ) -> Option<Result<SchemaStatus, StoreError>> {
        let schema = self.0.get(config.store.scheme())?.schema?;
        Some(schema(step, config.store.clone(), config.clone()).await)
    }
}

async fn open_sled(url: StoreUrl) -> Opened {
    let opened =
        tokio::task::spawn_blocking(move || SledStore::open(url.rest(), SledOptions::default()));
    match opened.await {
        Ok(store) => Ok(Arc::new(store?)),
        Err(error) => Err(StoreError::new(
            StoreErrorKind::Internal,
            "open",
            "opening the store failed half way",
        )
        .with_source(error)),
    }
}
