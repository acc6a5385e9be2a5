//! Every kind of store.

use std::any::Any;
use std::sync::Arc;

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::Store;
use koodtx_store_postgres::testing::TestCluster;
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use koodtx_store_sled::{SledOptions, SledStore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sled,
    Postgres,
}

/// A store, and what has to live as long as it.
pub struct Fresh {
    pub store: Arc<dyn Store>,
    _guard: Box<dyn Any>,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Memory, Self::Sled, Self::Postgres];

    /// An empty store.
    pub async fn fresh(self) -> Fresh {
        match self {
            Self::Memory => Fresh {
                store: Arc::new(MemoryStore::new()),
                _guard: Box::new(()),
            },
            Self::Sled => {
                let folder = tempfile::tempdir().unwrap();
                let store = SledStore::open(folder.path(), SledOptions::default()).unwrap();
                Fresh {
                    store: Arc::new(store),
                    _guard: Box::new(folder),
                }
            }
            Self::Postgres => {
                let database = TestCluster::shared().database().await;
                let options = PostgresOptions::from_url(&database.url()).unwrap();
                let store = PostgresStore::open(&options).await.unwrap();
                Fresh {
                    store: Arc::new(store),
                    _guard: Box::new(database),
                }
            }
        }
    }
}
