//! A store with something of everything, and its backup.

use std::sync::Arc;

use koodtx_core::id::{SessionId, SignInId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::push::PushBatch;
use koodtx_core::store::{
    AccountStore, NewFamily, NewUser, PushCommand, PushOutcome, Quota, Rotation, Store, SyncStore,
    TransferItem, TransferStore,
};
use koodtx_core::time::Timestamp;
use koodtx_server::archive::{ArchiveHeader, Totals, back_up};
use uuid::Uuid;

/// Noon of a day in 2025.
pub const NOON: Timestamp = Timestamp::from_millis(1_763_035_200_000);

pub const ANN: UserId = UserId(1);
/// Has sessions and no account.
pub const NOBODY: UserId = UserId(5);

pub const SESSION: &str = "00000000-0000-4000-8000-000000000001";
pub const DELETED: &str = "00000000-0000-4000-8000-000000000002";
/// Takes several blocks.
pub const LONG: &str = "00000000-0000-4000-8000-000000000003";
const REVIVED: &str = "00000000-0000-4000-8000-000000000004";

/// Records of one sensor, ten milliseconds apart, each with that value in a field.
pub fn records_of(sensor: &str, rows: std::ops::Range<i64>, value: i64) -> String {
    let records: Vec<String> = rows
        .map(|row| {
            let time = 1_763_000_000_000 + row * 10;
            format!(
                r#"{{"sensor_type":"{sensor}","timestamp":{time},"data":{{"x":{row}.25,"v":{value}}}}}"#
            )
        })
        .collect();
    records.join(",")
}

pub async fn push(
    store: &dyn SyncStore,
    user: UserId,
    session: &str,
    records: &str,
    now: Timestamp,
) -> PushOutcome {
    let body = format!(
        r#"{{"session":{{"session_id":"{session}","start_time":"2025-11-13T00:00:00Z","notes":"rain",
            "updated_at":"2025-11-13T01:00:00Z","enabled_sensors":["gps"],"sample_rate":50.5}},
            "sensor_data":[{records}]}}"#
    );
    let command = PushCommand {
        user,
        batch: Arc::new(PushBatch::parse(body.as_bytes()).unwrap()),
        device_id: Some("phone".to_owned()),
        body_bytes: body.len() as u64,
        started_at: now,
        request_id: None,
        quota: Quota::default(),
    };
    store.push(command, now).await.unwrap()
}

pub async fn sign_in(store: &dyn AccountStore, user: UserId, id: u128, now: Timestamp) {
    let family = NewFamily {
        id: SignInId(Uuid::from_u128(id)),
        user,
        device_id: id.is_multiple_of(2).then(|| "phone".to_owned()),
        token: [1; 32],
        expires_at: now.plus_micros(10_000_000_000),
    };
    store.create_family(family, now).await.unwrap();
}

async fn delete(store: &dyn SyncStore, session: &str) {
    let session: SessionId = session.parse().unwrap();
    store.delete_session(ANN, session, NOON).await.unwrap();
}

/// Something of everything: accounts, sign-ins with rotated tokens, sessions of several blocks, records with
/// stamps, edits, a tombstone, a revived session, log entries, a user without an account.
pub async fn fill(store: &dyn Store) {
    for name in ["Ann", "Bob"] {
        let new = NewUser {
            username: name.to_owned(),
            email: format!("{name}@example.com"),
            device_id: (name == "Ann").then(|| "phone".to_owned()),
            password_hash: "$argon2id$v=19$not$a-real-hash".to_owned(),
        };
        store.create_user(new, NOON).await.unwrap().unwrap();
    }
    store.set_active(UserId(2), false, NOON).await.unwrap();
    sign_in(store, ANN, 7, NOON).await;
    sign_in(store, ANN, 6, NOON).await;
    let until = NOON.plus_micros(20_000_000_000);
    let family = SignInId(Uuid::from_u128(7));
    let rotated = store.rotate(family, ANN, [1; 32], [2; 32], until, NOON);
    assert!(matches!(rotated.await.unwrap(), Rotation::Rotated(_)));
    let records = [
        r#"{"sensor_type":"gps","timestamp":1763000000000,"data":{"latitude":50.5,"note":"näh"}}"#,
        r#"{"sensor_type":"gps","timestamp":1763000000000.5,"data":{"latitude":null,"big":9007199254740993}}"#,
        r#"{"sensor_type":"acc","timestamp":1763000000001,"data":{"x":0.1,"y":-0.0},"updated_at":"2025-11-13T01:00:00Z"}"#,
        r#"{"sensor_type":"","timestamp":1,"data":{}}"#,
    ];
    push(store, ANN, SESSION, &records.join(","), NOON).await;
    push(store, ANN, DELETED, records[0], NOON).await;
    delete(store, DELETED).await;
    push(store, ANN, REVIVED, records[1], NOON).await;
    delete(store, REVIVED).await;
    push(
        store,
        ANN,
        REVIVED,
        records[2],
        NOON.plus_micros(60_000_000),
    )
    .await;
    push(store, ANN, LONG, &records_of("gps", 0..1_500, 0), NOON).await;
    push(store, ANN, LONG, &records_of("acc", 0..700, 0), NOON).await;
    push(store, ANN, LONG, &records_of("gps", 500..510, 1), NOON).await;
    push(store, NOBODY, SESSION, records[2], NOON).await;
}

pub async fn full_store() -> MemoryStore {
    let store = MemoryStore::new();
    fill(&store).await;
    store
}

pub fn header() -> ArchiveHeader {
    ArchiveHeader {
        id: Uuid::from_u128(42),
        created_at: NOON,
        store: "memory".to_owned(),
    }
}

pub async fn backup_of(store: &dyn TransferStore) -> (Vec<u8>, Totals) {
    back_up(store, &header(), Vec::new(), |_| ()).await.unwrap()
}

/// Everything of a store, user by user.
pub async fn items_of(store: &dyn TransferStore) -> Vec<(UserId, Vec<TransferItem>)> {
    let mut all = Vec::new();
    for user in store.transfer_users(None, 100).await.unwrap() {
        let mut export = store.export_user(user).await.unwrap();
        let mut items = Vec::new();
        while let Some(item) = export.next().await.unwrap() {
            items.push(item);
        }
        all.push((user, items));
    }
    all
}
