//! Damage to stored bytes: found, named, and without effect on anything else.

use std::sync::Arc;

use koodtx_core::block::{Block, read_summary};
use koodtx_core::id::{SensorType, SignInId};
use koodtx_core::pull::{Damage, PageStart, PullQuery, PullRequest, RecordPosition, RecordQuery};
use koodtx_core::service::{Caller, SyncService};
use koodtx_core::store::{MaintenanceStore, Problem, SyncStore};
use koodtx_core::sync_log::SyncStatus;
use koodtx_core::time::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use super::{USER, open, push, session_id};
use crate::SledStore;
use crate::key::{Key, Table};
use crate::record;
use crate::series::SeriesRecord;
use crate::session::SessionRecord;
use crate::user::UserRecord;
use crate::values::{Entry, WriteSet};

const RECORDS_COUNT: u64 = 3_000;

fn blocks(store: &SledStore, session: u64) -> Vec<Entry> {
    let values = &store.inner().values;
    let life = SessionRecord::find(values, USER, session_id(session))
        .unwrap()
        .unwrap()
        .life;
    let all = values.scan_prefix(&Key::life(Table::Block, USER, life));
    all.collect::<Result<_, _>>().unwrap()
}

/// Writes behind the store's back.
fn spoil(store: &SledStore, work: impl FnOnce(&mut WriteSet<'_>)) {
    let mut set = WriteSet::new(&store.inner().values);
    work(&mut set);
    store.inner().journal.commit(set).unwrap();
}

fn flip_a_byte(store: &SledStore, entry: &Entry) {
    let mut bytes = store.inner().values.load(entry).unwrap().into_owned();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    spoil(store, |set| {
        set.put(&Key::from_bytes(entry.key()), &bytes).unwrap();
    });
}

fn query(session: u64) -> RecordQuery {
    let session = session_id(session);
    RecordQuery {
        user: USER,
        session,
        after: None,
        changed_after: None,
        limit: usize::MAX,
    }
}

async fn problems(store: &Arc<SledStore>) -> Vec<Problem> {
    store.verify(None, 100).await.unwrap().problems
}

#[tokio::test]
async fn a_damaged_block_is_named_and_spares_everything_else() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    for session in [1, 2] {
        push(&store, session, "accelerometer", 0, RECORDS_COUNT)
            .await
            .unwrap();
    }
    let untouched = store.pull(everything(), Timestamp::ZERO).await.unwrap();
    push(&store, 1, "gps", 0, 10).await.unwrap();
    assert_eq!(problems(&store).await, vec![]);

    let all = blocks(&store, 1);
    assert!(all.len() > 4, "several blocks, or this shows nothing");
    flip_a_byte(&store, &all[2]);

    let found = problems(&store).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].session, session_id(1));
    assert_eq!(
        found[0].sensor_type.as_ref().unwrap().as_str(),
        "accelerometer"
    );
    assert!(
        found[0]
            .message
            .contains("1970-01-01T00:14:18Z to before 1970-01-01T00:21:27Z"),
        "{}",
        found[0]
    );
    assert!(found[0].message.contains("checksum"), "{}", found[0]);

    // A read that meets the block says so, and gives everything else, in whatever chunks.
    let lost = 429;
    let damage = Damage {
        sensor_type: SensorType::new("accelerometer").unwrap(),
        from: Timestamp::from_millis(858_000),
        until: Some(Timestamp::from_millis(1_287_000)),
    };
    for limit in [1, 100, 513, usize::MAX] {
        let (mut count, mut damaged, mut after) = (0, Vec::new(), None);
        loop {
            let query = RecordQuery {
                after,
                limit,
                ..query(1)
            };
            let chunk = store.read_records(query).await.unwrap();
            count += chunk.len() as u64;
            damaged.extend(chunk.damaged);
            after = chunk.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(count, RECORDS_COUNT + 10 - lost);
        damaged.dedup();
        assert_eq!(damaged, std::slice::from_ref(&damage));
    }
    // So does a pull of the whole session.
    let service = SyncService::new(store.clone());
    let caller = Caller {
        user: USER,
        device_id: None,
        sign_in: SignInId(Uuid::nil()),
        request_id: None,
    };
    let mut stream = service
        .pull(&caller, PullRequest::default(), 0)
        .await
        .unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = stream.next_chunk().await.unwrap() {
        text.extend(chunk);
    }
    let answer: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        answer["damaged"],
        serde_json::json!([{
            "session_id": session_id(1), "sensor_type": "accelerometer",
            "from": 858_000, "until": 1_287_000,
        }])
    );
    assert_eq!(answer["sessions"][0]["data_count"], RECORDS_COUNT + 10);
    assert_eq!(
        answer["sessions"][0]["sensor_data"]
            .as_array()
            .unwrap()
            .len() as u64,
        RECORDS_COUNT + 10 - lost
    );
    let log = service.status(&caller).await.unwrap().recent_syncs;
    assert_eq!(log[0].entry.status, SyncStatus::Partial);
    // Reads behind it, of what changed since, and of other sessions, do not meet it.
    let after = RecordPosition {
        timestamp: Timestamp::from_millis(2_000_000),
        sensor_type: SensorType::new("accelerometer").unwrap(),
    };
    let behind = RecordQuery {
        after: Some(after),
        ..query(1)
    };
    assert_eq!(
        store.read_records(behind).await.unwrap().len() as u64,
        RECORDS_COUNT - 2_001
    );
    let changes = RecordQuery {
        changed_after: Some(untouched.clock),
        ..query(1)
    };
    assert_eq!(store.read_records(changes).await.unwrap().len(), 10);
    assert_eq!(
        store.read_records(query(2)).await.unwrap().len() as u64,
        RECORDS_COUNT
    );
    // So do pushes.
    assert_eq!(
        push(&store, 1, "accelerometer", RECORDS_COUNT, 10)
            .await
            .unwrap(),
        10
    );
    assert!(push(&store, 1, "accelerometer", 1_030, 1).await.is_err());
    assert_eq!(problems(&store).await.len(), 1);

    // Deleting the session is a way out.
    store
        .delete_session(USER, session_id(1), Timestamp::ZERO)
        .await
        .unwrap();
    assert_eq!(problems(&store).await, vec![]);
}

/// By a digest that is not its own a block would be taken for what it is not.
#[tokio::test]
async fn the_digest_of_other_records_is_found() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    push(&store, 1, "accelerometer", 0, 400).await.unwrap();
    push(&store, 1, "accelerometer", 400, 400).await.unwrap();
    assert_eq!(problems(&store).await, vec![]);
    let entries = blocks(&store, 1);
    let digests: Vec<[u8; 16]> = entries
        .iter()
        .map(|entry| {
            let bytes = store.inner().values.load(entry).unwrap();
            read_summary(&bytes).unwrap().unwrap().digest.0
        })
        .collect();
    let mut bytes = store.inner().values.load(&entries[0]).unwrap().into_owned();
    let at = bytes.windows(16).position(|bytes| bytes == digests[0]);
    let at = at.unwrap();
    bytes[at..at + 16].copy_from_slice(&digests[1]);
    let content = bytes.len() - 4;
    let checksum = crc32fast::hash(&bytes[..content]);
    bytes[content..].copy_from_slice(&checksum.to_le_bytes());
    assert!(Block::decode(&bytes).is_ok());
    spoil(&store, |set| {
        set.put(&Key::from_bytes(entries[0].key()), &bytes).unwrap();
    });
    assert_eq!(problems(&store).await.len(), 1);
}

fn everything() -> PullQuery {
    PullQuery {
        user: USER,
        since: None,
        session_ids: None,
        start: PageStart::Offset(0),
        limit: 10,
        round: None,
    }
}

#[tokio::test]
async fn every_broken_index_and_count_is_found() {
    type Spoil = fn(&SledStore, &SessionRecord);
    let cases: [(&str, Spoil); 11] = [
        ("it cannot be found by its id", |store, record| {
            spoil(store, |set| {
                set.remove(&Key::session_id(USER, record.state.id)).unwrap();
            });
        }),
        ("delta pulls cannot find it", |store, record| {
            spoil(store, |set| {
                set.remove(&Key::change(USER, record.state.updated_at))
                    .unwrap();
            });
        }),
        ("ahead of its last change", |store, _| {
            let clock = Timestamp::from_micros(5);
            let user = UserRecord {
                clock,
                ..UserRecord::read(&store.inner().values, USER).unwrap()
            };
            spoil(store, |set| user.write(set, USER).unwrap());
        }),
        ("it counts 7 records and has 3000", |store, record| {
            let mut record = record.clone();
            record.state.data_count = 7;
            let key = Key::session(USER, record.state.created_at);
            spoil(store, |set| record::put(set, &key, &record).unwrap());
        }),
        ("it counts 2 series and has 1", |store, record| {
            let mut record = record.clone();
            record.state.series_count = 2;
            let key = Key::session(USER, record.state.created_at);
            spoil(store, |set| record::put(set, &key, &record).unwrap());
        }),
        (
            "its count, its range or its open end is wrong",
            |store, _| {
                let all = blocks(store, 1);
                spoil(store, |set| {
                    set.remove(&Key::from_bytes(all[1].key())).unwrap();
                });
            },
        ),
        (
            "its count, its range or its open end is wrong",
            |store, record| {
                let sensor_type = SensorType::new("a").unwrap();
                let values = &store.inner().values;
                let series = SeriesRecord::read(values, USER, record.life, &sensor_type);
                let mut series = series.unwrap().unwrap();
                series.open.as_mut().unwrap().records += 1;
                spoil(store, |set| {
                    series.write(set, USER, record.life, &sensor_type).unwrap();
                });
            },
        ),
        ("cannot be found by its change", |store, record| {
            let prefix = Key::life(Table::BlockChange, USER, record.life);
            let first = store
                .inner()
                .values
                .scan_prefix(&prefix)
                .next()
                .unwrap()
                .unwrap();
            spoil(store, |set| {
                set.remove(&Key::from_bytes(first.key())).unwrap();
            });
        }),
        ("changes of blocks lie there", |store, record| {
            let key = Key::block_change(
                USER,
                record.life,
                Timestamp::from_micros(3),
                0,
                Timestamp::ZERO,
            );
            spoil(store, |set| set.mark(&key));
        }),
        ("overlaps the one before it", |store, _| {
            let all = blocks(store, 1);
            let bytes = store.inner().values.load(&all[1]).unwrap().into_owned();
            let block = Block::decode(&bytes).unwrap();
            let late = block.slice(100..200);
            let mut key = all[1].key().to_vec();
            let time = Key::block(USER, Timestamp::ZERO, 0, late.time(0));
            let suffix = key.len() - 10;
            key[suffix..].copy_from_slice(&time.as_bytes()[time.as_bytes().len() - 10..]);
            spoil(store, |set| {
                set.put(&Key::from_bytes(&key), &late.encode()).unwrap();
            });
        }),
        ("a stored record cannot be read", |store, record| {
            let key = Key::session(USER, record.state.created_at);
            spoil(store, |set| set.put(&key, b"\x01{").unwrap());
        }),
    ];
    for (message, work) in cases {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        // Full blocks, and an open end.
        push(&store, 1, "a", 0, RECORDS_COUNT - 10).await.unwrap();
        push(&store, 1, "a", RECORDS_COUNT - 10, 10).await.unwrap();
        push(&store, 2, "a", 0, 10).await.unwrap();
        assert_eq!(problems(&store).await, vec![]);
        let record = SessionRecord::find(&store.inner().values, USER, session_id(1))
            .unwrap()
            .unwrap();
        work(&store, &record);
        let page = store.verify(None, 100).await.unwrap();
        assert_eq!(page.sessions, 2, "{message}");
        let found = page.problems;
        assert!(
            found
                .iter()
                .any(|problem| problem.message.contains(message)),
            "{message}: {found:?}"
        );
        assert!(
            found.iter().any(|problem| problem.session == session_id(1)),
            "{message}: {found:?}"
        );
    }
}
