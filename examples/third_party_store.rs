//! A server with a store that is not part of KooDTX, under a URL scheme of its own.
//!
//! ```sh
//! cargo run -p koodtx-examples --bin third_party_store -- --store journal:./journal-data
//! ```
//!
//! It is the whole reference server, commands included; `sled:` and `memory:` stay available. The
//! store is `koodtx_examples::journal_store`, and passes the conformance suite
//! (`tests/third_party_store.rs`).

use std::process::ExitCode;
use std::sync::Arc;

use koodtx_core::store::Store;
use koodtx_examples::journal_store::JournalStore;
use koodtx_server::{Residence, StoreRegistry, cli};

fn main() -> ExitCode {
    let stores = StoreRegistry::default().with_residence(
        "journal",
        |url| Residence::Folder(url.rest().into()),
        |url| async move { Ok(Arc::new(JournalStore::open(url.rest()).await?) as Arc<dyn Store>) },
    );
    cli::main(stores)
}
