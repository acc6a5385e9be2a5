//! What comes out is what went in.

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{AccountStore as _, NewUser, StoreErrorKind, Taken, TransferStore as _};
use koodtx_server::archive::{ArchiveHeader, BackupError, Totals, back_up, restore};
use koodtx_store_postgres::testing::TestCluster;
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::kinds::Kind;
use crate::support::{ANN, NOON, backup_of, fill, full_store, header, items_of};

#[tokio::test]
async fn everything_comes_back() {
    let store = full_store().await;
    let (file, totals) = backup_of(&store).await;
    let restored = MemoryStore::new();
    assert_eq!(restore(&restored, &file[..], |_| ()).await.unwrap(), totals);
    assert_eq!(items_of(&restored).await, items_of(&store).await);
    assert_eq!(restored.unfinished_import().await.unwrap(), None);
    // And a backup of that is the same file.
    assert_eq!(backup_of(&restored).await.0, file);
}

#[tokio::test]
async fn a_restore_that_broke_off_goes_on_with_the_same_file_only() {
    let store = full_store().await;
    let (file, _) = backup_of(&store).await;
    let header = ArchiveHeader {
        id: Uuid::from_u128(43),
        ..header()
    };
    let (other, _) = back_up(&store, &header, Vec::new(), |_| ()).await.unwrap();
    let mut begun = 0;
    for len in (0..file.len()).step_by(7) {
        let restored = MemoryStore::new();
        // As if the process had ended when it was so far.
        assert!(restore(&restored, &file[..len], |_| ()).await.is_err());
        if restored.unfinished_import().await.unwrap().is_some() {
            let error = restore(&restored, &other[..], |_| ()).await.unwrap_err();
            assert!(error.to_string().contains("finish that one"), "{error}");
            begun += 1;
        }
        restore(&restored, &file[..], |_| ()).await.unwrap();
        assert_eq!(backup_of(&restored).await.0, file);
    }
    assert!(begun > 0, "some attempts should have begun");
}

#[tokio::test]
async fn a_store_that_is_not_empty_is_left_alone() {
    let store = full_store().await;
    let (file, _) = backup_of(&store).await;
    let before = items_of(&store).await;
    let error = restore(&store, &file[..], |_| ()).await.unwrap_err();
    let BackupError::Store(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    assert!(error.message().contains("not empty"), "{error}");
    assert_eq!(items_of(&store).await, before);
}

#[tokio::test]
async fn an_empty_store_has_a_backup_too() {
    let (file, totals) = backup_of(&MemoryStore::new()).await;
    assert_eq!(totals, Totals::default());
    let restored = MemoryStore::new();
    restore(&restored, &file[..], |_| ()).await.unwrap();
    assert!(items_of(&restored).await.is_empty());
}

/// A backup that could not be restored is not made.
#[tokio::test]
async fn a_store_that_contradicts_itself_gives_no_backup() {
    let database = TestCluster::shared().database().await;
    let options = PostgresOptions::from_url(&database.url()).unwrap();
    let store = PostgresStore::open(&options).await.unwrap();
    fill(&store).await;
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::query("UPDATE recording_sessions SET data_count = data_count + 1 WHERE live")
        .execute(&mut connection)
        .await
        .unwrap();
    let refused = back_up(&store, &header(), Vec::new(), |_| ())
        .await
        .unwrap_err();
    let BackupError::Store(error) = refused else {
        panic!("{refused}");
    };
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.message().contains("session"), "{error}");
}

#[tokio::test]
async fn deleted_accounts_stay_deleted_in_every_kind_of_store() {
    let store = full_store().await;
    assert!(store.delete_user(ANN, NOON).await.unwrap());
    let (file, totals) = backup_of(&store).await;
    for kind in Kind::ALL {
        let fresh = kind.fresh().await;
        let restored = restore(&*fresh.store, &file[..], |_| ()).await.unwrap();
        assert_eq!(restored, totals);
        assert_eq!(items_of(&*fresh.store).await, items_of(&store).await);
        let again = NewUser {
            username: "ANN".to_owned(),
            email: "x@example.com".to_owned(),
            device_id: Some("phone".to_owned()),
            password_hash: "hash".to_owned(),
        };
        let again = fresh.store.create_user(again, NOON).await.unwrap();
        assert_eq!(again, Err(Taken::Username), "{kind:?}");
        assert!(fresh.store.user(ANN).await.unwrap().is_none());
    }
}
