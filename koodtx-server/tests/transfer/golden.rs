//! A file of version 1 of the format, written when that version was new: it stays readable for good.

use std::path::Path;

use koodtx_core::memory::MemoryStore;
use koodtx_server::archive::{check, restore};

use crate::support::{full_store, header, items_of};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/transfer/golden/version-1.koodtx"
);

#[tokio::test]
async fn a_file_of_version_1_is_read() {
    let file = std::fs::read(Path::new(FILE)).unwrap();
    assert_eq!(check(&file[..]).unwrap().0, header());
    let restored = MemoryStore::new();
    restore(&restored, &file[..], |_| ()).await.unwrap();
    assert_eq!(
        items_of(&restored).await,
        items_of(&full_store().await).await
    );
}
