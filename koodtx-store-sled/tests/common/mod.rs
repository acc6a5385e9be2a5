//! What the tests of the store share.

use std::sync::Arc;

use koodtx_core::conformance::Harness;
use koodtx_core::store::Store;
use koodtx_store_sled::{SledOptions, SledStore};
use tempfile::TempDir;

/// A fresh store in a temporary folder, which can be opened again.
pub async fn fresh() -> Harness {
    let guard = TempDir::new().expect("a temporary folder");
    let path = guard.path().join("store");
    let open = move || {
        let path = path.clone();
        async move {
            let store = SledStore::open(path, SledOptions::default())?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        }
    };
    let store = open().await.expect("a fresh store");
    Harness::new(store).with_reopen(open).with_guard(guard)
}
