//! Counters that are wrong: counted anew, and nothing else touched.

use koodtx_core::id::SensorType;
use koodtx_core::store::{AccountStore, MaintenanceStore, NewUser, SyncStore};
use koodtx_core::time::Timestamp;
use tempfile::TempDir;

use super::garbage::{count, keys_of_lives};
use super::{USER, open, push, session_id};
use crate::SledStore;
use crate::key::{Key, Table};
use crate::record;
use crate::series::SeriesRecord;
use crate::session::SessionRecord;
use crate::user::UserRecord;
use crate::values::WriteSet;

/// Writes behind the store's back.
fn spoil(store: &SledStore, work: impl FnOnce(&mut WriteSet<'_>)) {
    let mut set = WriteSet::new(&store.inner().values);
    work(&mut set);
    store.inner().journal.commit(set).unwrap();
}

#[tokio::test]
async fn every_counter_is_counted_anew() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    for session in [1, 2] {
        push(&store, session, "accelerometer", 0, 3_000)
            .await
            .unwrap();
    }
    push(&store, 1, "gps", 0, 10).await.unwrap();
    let sound = store.session(USER, session_id(1)).await.unwrap();
    let status = store.status(USER, 0).await.unwrap();
    let usage = store.usage().await.unwrap();

    let values = &store.inner().values;
    let found = SessionRecord::find(values, USER, session_id(1))
        .unwrap()
        .unwrap();
    let gps = SensorType::new("gps").unwrap();
    spoil(&store, |set| {
        let old = found.state.clone();
        let mut wrong = found.clone();
        (wrong.state.data_count, wrong.state.series_count) = (5, 7);
        wrong.state.data_bytes += 1;
        wrong.write(set, USER, Some(&old)).unwrap();
        let mut series = SeriesRecord::read(values, USER, found.life, &gps)
            .unwrap()
            .unwrap();
        (series.count, series.last) = (99, series.first);
        series.write(set, USER, found.life, &gps).unwrap();
        let mut user = UserRecord::read(values, USER).unwrap();
        (user.live, user.active, user.records) = (40, 50, 60);
        user.data_bytes = 70;
        user.write(set, USER).unwrap();
    });
    assert_eq!(store.verify(None, 10).await.unwrap().problems.len(), 4);

    let page = store.repair(None, 10).await.unwrap();
    assert_eq!((page.sessions, page.repaired.len()), (2, 3), "{page:?}");
    assert_eq!(store.verify(None, 10).await.unwrap().problems, vec![]);
    assert_eq!(store.session(USER, session_id(1)).await.unwrap(), sound);
    assert_eq!(store.status(USER, 0).await.unwrap(), status);
    let after = store.usage().await.unwrap();
    assert_eq!(
        (after.sessions, after.records),
        (usage.sessions, usage.records)
    );
    assert!(store.repair(None, 10).await.unwrap().repaired.is_empty());
}

#[tokio::test]
async fn what_was_stored_before_there_were_quotas_is_counted_by_a_repair() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    for session in [1, 2] {
        push(&store, session, "gps", 0, 700).await.unwrap();
    }
    let status = store.status(USER, 0).await.unwrap();
    assert!(status.data_bytes > 0);
    let values = &store.inner().values;
    let found = SessionRecord::find(values, USER, session_id(1))
        .unwrap()
        .unwrap();
    let user = UserRecord::read(values, USER).unwrap();
    // As they were written then.
    let mut old_session = serde_json::to_value(&found).unwrap();
    let mut old_user = serde_json::to_value(&user).unwrap();
    let state = old_session["state"].as_object_mut().unwrap();
    assert!(state.remove("data_bytes").is_some());
    assert!(
        old_user
            .as_object_mut()
            .unwrap()
            .remove("data_bytes")
            .is_some()
    );
    let key = Key::session(USER, found.state.created_at);
    spoil(&store, |set| {
        record::put(set, &key, &old_session).unwrap();
        record::put(set, &Key::user_record(USER), &old_user).unwrap();
    });
    let problems = store.verify(None, 10).await.unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].message.contains("bytes of samples"),
        "{problems:?}"
    );
    assert_eq!(store.status(USER, 0).await.unwrap().data_bytes, 0);

    let page = store.repair(None, 10).await.unwrap();
    assert_eq!(page.repaired.len(), 2, "{page:?}");
    assert_eq!(store.verify(None, 10).await.unwrap().problems, vec![]);
    assert_eq!(store.status(USER, 0).await.unwrap(), status);
}

#[tokio::test]
async fn what_was_left_of_a_deleted_user_is_found_and_removed() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let new = NewUser {
        username: "ann".to_owned(),
        email: "ann@example.org".to_owned(),
        device_id: None,
        password_hash: "hash".to_owned(),
    };
    let user = store.create_user(new, Timestamp::ZERO).await.unwrap();
    assert_eq!(user.unwrap().id, USER);
    push(&store, 1, "gps", 0, 3_000).await.unwrap();
    push(&store, 1, "gps", 3_000, 10).await.unwrap();
    let values = &store.inner().values;
    let kept = SessionRecord::find(values, USER, session_id(1))
        .unwrap()
        .unwrap();
    assert!(store.delete_user(USER, Timestamp::ZERO).await.unwrap());
    // Before the erasure nothing is wrong.
    assert_eq!(store.verify(None, 10).await.unwrap().problems, vec![]);
    assert!(store.repair(None, 10).await.unwrap().repaired.is_empty());
    // Some of it lies in the open end.
    let open_blocks = || count(&store, Table::OpenBlock);
    assert!(open_blocks() > 0);
    while store.erase_deleted(5).await.unwrap().has_more {}
    assert_eq!(store.verify(None, 10).await.unwrap().sessions, 0);
    assert_eq!((keys_of_lives(&store), open_blocks()), (0, 0));
    let all = store.inner().journal.tree();
    // That there was such a user, and that the name is taken.
    assert_eq!(all.len(), 2);

    spoil(&store, |set| kept.write(set, USER, None).unwrap());
    let problems = store.verify(None, 10).await.unwrap().problems;
    assert!(problems[0].message.contains("deleted"), "{problems:?}");
    assert_eq!(store.repair(None, 10).await.unwrap().repaired.len(), 1);
    let erased = store.erase_deleted(10).await.unwrap();
    assert_eq!((erased.users, erased.has_more), (vec![USER], false));
    assert_eq!(store.verify(None, 10).await.unwrap().sessions, 0);
    let usage = store.usage().await.unwrap();
    assert_eq!((usage.users, usage.sessions, usage.records), (0, 0, 0));
}
