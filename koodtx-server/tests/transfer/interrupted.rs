//! An import that breaks off, at whatever item, is known as unfinished, goes on, and ends whole.

use koodtx_core::store::{Store, StoreErrorKind, TransferItem};
use koodtx_core::transfer::{Totals, compare, copy};

use crate::kinds::Kind;
use crate::support::{ANN, NOON, SESSION, fill, items_of, push, records_of};

const SOURCE: &str = "there";

/// Imports the first `count` items of all users and stops, as a process does that is killed.
async fn import_some(from: &dyn Store, to: &dyn Store, count: usize) {
    to.begin_import(SOURCE).await.unwrap();
    let mut left = count;
    for (user, items) in items_of(from).await {
        let mut import = to.import_user(user).await.unwrap();
        for item in items {
            if left == 0 {
                return;
            }
            left -= 1;
            import.write(item).await.unwrap();
        }
        import.finish().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_every_item() {
    let original = Kind::Memory.fresh().await;
    fill(&*original.store).await;
    let users = items_of(&*original.store).await;
    let items: usize = users.iter().map(|(_, items)| items.len()).sum();
    for kind in Kind::ALL {
        for count in 0..=items {
            let target = kind.fresh().await;
            import_some(&*original.store, &*target.store, count).await;
            let unfinished = target.store.unfinished_import().await.unwrap();
            assert_eq!(unfinished.as_deref(), Some(SOURCE));

            let other = target.store.begin_import("elsewhere").await.unwrap_err();
            assert_eq!(other.kind(), StoreErrorKind::AlreadyExists);

            let copied = copy(&*original.store, &*target.store, SOURCE, |_| ()).await;
            copied.unwrap();
            let compared = compare(&*original.store, &*target.store, |_| ()).await;
            assert_eq!(compared.unwrap().1, [], "{kind:?} after {count} items");
            assert_eq!(target.store.unfinished_import().await.unwrap(), None);
            let page = target.store.verify(None, 100).await.unwrap();
            assert_eq!(page.problems, [], "{kind:?} after {count} items");
        }
    }
}

/// What the source has changed before the copy goes on is taken over.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_went_on() {
    for kind in Kind::ALL {
        let original = Kind::Memory.fresh().await;
        fill(&*original.store).await;
        let target = kind.fresh().await;
        import_some(&*original.store, &*target.store, usize::MAX).await;
        let records = records_of("gps", 0..3, 77);
        push(&*original.store, ANN, SESSION, &records, NOON).await;
        let mut seen = Totals::default();
        let copied = copy(&*original.store, &*target.store, SOURCE, |totals| {
            seen = *totals;
        });
        assert_eq!(copied.await.unwrap(), seen);
        let compared = compare(&*original.store, &*target.store, |_| ()).await;
        assert_eq!(compared.unwrap(), (seen, Vec::new()), "{kind:?}");
    }
}

/// A session that is being imported shows nothing of itself until it is whole.
#[tokio::test(flavor = "multi_thread")]
async fn no_half_of_a_session() {
    let original = Kind::Memory.fresh().await;
    fill(&*original.store).await;
    let users = items_of(&*original.store).await;
    let items = &users.iter().find(|(user, _)| *user == ANN).unwrap().1;
    let block = items
        .iter()
        .position(|item| matches!(item, TransferItem::Block(..)))
        .unwrap();
    let TransferItem::Session(state) = &items[block - 1] else {
        panic!("a block follows its session");
    };
    for kind in Kind::ALL {
        let target = kind.fresh().await;
        import_some(&*original.store, &*target.store, block + 1).await;
        let session = target.store.session(ANN, state.id).await.unwrap();
        assert_eq!(session, None, "{kind:?}");
    }
}

#[tokio::test]
async fn only_an_empty_store_is_imported_into() {
    for kind in Kind::ALL {
        let target = kind.fresh().await;
        push(&*target.store, ANN, SESSION, "", NOON).await;
        let before = items_of(&*target.store).await;
        let refused = target.store.begin_import(SOURCE).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::AlreadyExists, "{kind:?}");
        assert!(refused.message().contains("not empty"), "{refused}");
        assert_eq!(items_of(&*target.store).await, before);
        for error in [
            target.store.finish_import().await.unwrap_err(),
            target.store.import_user(ANN).await.err().unwrap(),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::NotFound, "{kind:?}");
        }
    }
}
