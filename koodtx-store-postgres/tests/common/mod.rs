//! What the tests of the store share.

use std::sync::Arc;

use koodtx_core::conformance::Harness;
use koodtx_core::store::Store;
use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use koodtx_store_postgres::{PostgresOptions, PostgresStore};

/// A fresh store in a database of its own.
#[allow(dead_code, reason = "not every test file uses all of these")]
pub async fn open() -> (TestDatabase, PostgresStore) {
    let database = TestCluster::shared().database().await;
    let options = PostgresOptions::from_url(&database.url()).expect("its URL is good");
    let store = PostgresStore::open(&options).await.expect("a fresh store");
    (database, store)
}

/// The stores of two servers on one fresh database.
#[allow(dead_code, reason = "not every test file uses all of these")]
pub async fn two_servers() -> (TestDatabase, [PostgresStore; 2]) {
    let (database, first) = open().await;
    let options = PostgresOptions::from_url(&database.url()).expect("its URL is good");
    let second = PostgresStore::open(&options)
        .await
        .expect("a second server");
    (database, [first, second])
}

/// A fresh store in a database of its own, which can be opened again.
#[allow(dead_code, reason = "not every test file uses all of these")]
pub async fn fresh() -> Harness {
    let database = TestCluster::shared().database().await;
    let options = PostgresOptions::from_url(&database.url()).expect("its URL is good");
    let open = move || {
        let options = options.clone();
        async move {
            let store = PostgresStore::open(&options).await?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        }
    };
    let store = open().await.expect("a fresh store");
    Harness::new(store).with_reopen(open).with_guard(database)
}
