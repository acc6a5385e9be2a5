//! What the tests push, export and compare.

pub mod readers;
pub mod scripted_store;

use std::sync::{Arc, LazyLock};

use futures_util::{StreamExt, TryStreamExt};
use koodtx_core::id::{SessionId, SignInId, UserId};
use koodtx_core::pull::{PullRequest, RecordQuery};
use koodtx_core::push::PushBatch;
use koodtx_core::sample_time::write_sample_time;
use koodtx_core::service::{Caller, SyncService};
use koodtx_core::store::{PushCommand, Quota, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_server::export::{ExportError, ExportFormat, export};
use tokio::runtime::Runtime;

pub const USER: UserId = UserId(1);
pub const SESSION: &str = "00000000-0000-4000-8000-000000000001";

/// Where the tests that are not asynchronous themselves run what is.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A record in a form that shows every difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Milliseconds as the protocol writes them.
    pub timestamp: String,
    pub sensor_type: String,
    /// Keys ordered, every number exact.
    pub data: String,
}

pub fn session() -> SessionId {
    SESSION.parse().unwrap()
}

pub fn body(records: &[String]) -> String {
    format!(
        r#"{{"session":{{"session_id":"{SESSION}","start_time":"2025-11-13T00:00:00Z"}},"sensor_data":[{}]}}"#,
        records.join(",")
    )
}

pub fn command(body: &str) -> PushCommand {
    let batch = PushBatch::parse(body.as_bytes()).unwrap();
    assert_eq!(batch.errors, 0, "{body}");
    PushCommand {
        user: USER,
        batch: Arc::new(batch),
        device_id: None,
        body_bytes: body.len() as u64,
        started_at: Timestamp::now(),
        request_id: None,
        quota: Quota::default(),
    }
}

pub async fn push(store: &dyn SyncStore, records: &[String]) {
    let command = command(&body(records));
    store.push(command, Timestamp::now()).await.unwrap();
}

/// All that the store holds of a session, in order.
pub async fn stored(store: &dyn SyncStore, session: SessionId) -> Vec<Record> {
    let mut query = RecordQuery {
        user: USER,
        session,
        after: None,
        changed_after: None,
        limit: 1_000,
    };
    let mut all = Vec::new();
    loop {
        let chunk = store.read_records(query.clone()).await.unwrap();
        for (sensor_type, block) in &chunk.series {
            all.extend(
                block
                    .records()
                    .map(|record| (record.timestamp, sensor_type.clone(), record.data)),
            );
        }
        query.after = chunk.next;
        if query.after.is_none() {
            break;
        }
    }
    all.sort();
    let record = |(time, sensor_type, data): (Timestamp, _, String)| {
        let mut timestamp = String::new();
        write_sample_time(&mut timestamp, time);
        Record {
            timestamp,
            sensor_type: ToString::to_string(&sensor_type),
            data,
        }
    };
    all.into_iter().map(record).collect()
}

/// The text of a pull of one session.
pub async fn pulled(store: Arc<dyn SyncStore>, session: SessionId) -> String {
    let caller = Caller {
        user: USER,
        device_id: None,
        sign_in: SignInId(session.0),
        request_id: None,
    };
    let request = PullRequest {
        session_ids: Some(vec![session]),
        ..PullRequest::default()
    };
    let mut pull = SyncService::new(store)
        .pull(&caller, request, 0)
        .await
        .unwrap();
    let mut text = Vec::new();
    while let Some(piece) = pull.next_chunk().await.unwrap() {
        text.extend(piece);
    }
    String::from_utf8(text).unwrap()
}

/// Exports a session to the end.
pub async fn export_file(
    store: Arc<dyn SyncStore>,
    session: SessionId,
    format: ExportFormat,
) -> Result<Vec<u8>, ExportError> {
    let stream = export(store, USER, session, format).await?.unwrap();
    let pieces = stream.inspect(|piece| assert!(piece.as_ref().map_or(true, |p| !p.is_empty())));
    pieces
        .try_fold(Vec::new(), async |mut file, piece| {
            file.extend(piece);
            Ok(file)
        })
        .await
}

/// Exports a session in every format and compares each with the store, and NDJSON with a pull.
pub async fn assert_lossless(store: Arc<dyn SyncStore>, session: SessionId) -> Vec<Record> {
    let expected = stored(&*store, session).await;
    for format in ExportFormat::ALL {
        let file = export_file(store.clone(), session, format).await.unwrap();
        assert_eq!(readers::read(format, &file), expected, "{format:?}");
        if format == ExportFormat::Ndjson {
            let lines = String::from_utf8(file).unwrap();
            let records: Vec<&str> = lines.lines().collect();
            let array = format!("\"sensor_data\":[{}]", records.join(","));
            let pulled = pulled(store.clone(), session).await;
            assert!(pulled.contains(&array), "{array} in {pulled}");
        }
    }
    expected
}
