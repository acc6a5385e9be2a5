//! The stores that a server can open, by the scheme of their URL.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{Store, StoreError, StoreErrorKind};
use koodtx_store_sled::{SledOptions, SledStore};

use crate::config::StoreUrl;

/// What opening a store comes to.
pub type Opened = Result<Arc<dyn Store>, StoreError>;

type Opener = dyn Fn(StoreUrl) -> Pin<Box<dyn Future<Output = Opened> + Send>> + Send + Sync;

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
}

/// The stores that a server can open. `sled:PATH` and `memory:` are built in.
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
        Self(BTreeMap::new())
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
    /// The server keeps no file beside such a store, so its operators set `KOODTX_JWT_SECRET`.
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
        let open: Arc<Opener> = Arc::new(move |url| Box::pin(open(url)));
        self.0.insert(scheme, Entry { open, residence });
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

    /// Opens the store of that URL; `None` for an unknown scheme.
    pub async fn open(&self, url: &StoreUrl) -> Option<Opened> {
        let entry = self.0.get(url.scheme())?;
        Some((entry.open)(url.clone()).await)
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
