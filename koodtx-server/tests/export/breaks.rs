//! What happens to a session while it is exported.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use koodtx_core::id::SensorType;
use koodtx_core::pull::Damage;
use koodtx_core::time::Timestamp;
use koodtx_server::export::{ExportError, ExportFormat, export};

use crate::support::readers::read;
use crate::support::scripted_store::{Event, ScriptedStore};
use crate::support::{USER, body, command, export_file, push, session, stored};

/// Records of more than one chunk: a pass takes two reads.
const RECORDS: usize = 10_000;

fn record(at: usize, data: &str) -> String {
    format!(r#"{{"sensor_type":"a","timestamp":{at},"data":{data}}}"#)
}

async fn store(read: usize, event: Event) -> Arc<ScriptedStore> {
    let store = ScriptedStore {
        events: BTreeMap::from([(read, event)]),
        ..ScriptedStore::default()
    };
    let records: Vec<String> = (0..RECORDS).map(|at| record(at, r#"{"x":1}"#)).collect();
    push(&store, &records).await;
    Arc::new(store)
}

/// The pieces that come before the end, and what the end is; nothing may follow it.
async fn run(store: Arc<ScriptedStore>, format: ExportFormat) -> (usize, Option<ExportError>) {
    let stream = export(store, USER, session(), format).await.unwrap();
    let mut stream = pin!(stream.unwrap());
    let mut pieces = 0;
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(_) => pieces += 1,
            Err(error) => {
                assert!(stream.next().await.is_none());
                return (pieces, Some(error));
            }
        }
    }
    (pieces, None)
}

#[tokio::test]
async fn damage_breaks_off_and_is_named() {
    let damage = Damage {
        sensor_type: SensorType::new("a").unwrap(),
        from: Timestamp::from_millis(9_000),
        until: Some(Timestamp::from_millis(9_500)),
    };
    for (format, pieces) in [
        (ExportFormat::Ndjson, 1),
        (ExportFormat::Csv, 0),
        (ExportFormat::Parquet, 0),
    ] {
        let store = store(1, Event::Damage(damage.clone())).await;
        let (seen, error) = run(store, format).await;
        assert_eq!(seen, pieces);
        assert_eq!(
            error.unwrap().to_string(),
            "the stored samples of sensor \"a\" from 1970-01-01T00:00:09Z until before \
             1970-01-01T00:00:09.5Z are damaged"
        );
    }
}

#[tokio::test]
async fn a_failing_store_and_a_deletion_break_off_at_any_read() {
    for format in ExportFormat::ALL {
        let reads = if format == ExportFormat::Ndjson { 2 } else { 4 };
        for read in 0..reads {
            let (_, error) = run(store(read, Event::Fail).await, format).await;
            assert!(matches!(error, Some(ExportError::Store(_))), "{error:?}");
            let (_, error) = run(store(read, Event::Delete).await, format).await;
            assert!(matches!(error, Some(ExportError::Removed)), "{error:?}");
        }
        let (_, error) = run(store(reads, Event::Fail).await, format).await;
        assert!(error.is_none(), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_pushed_between_the_passes_is_exported_too() {
    let late = [
        record(RECORDS, r#"{"new":1.5,"x":2}"#),
        record(RECORDS + 1, r#"{"data":[1]}"#),
        record(5, r#"{"new":"text"}"#),
        r#"{"sensor_type":"b","timestamp":3.5,"data":{"y":1}}"#.to_owned(),
    ];
    for format in ExportFormat::ALL {
        let event = Event::Push(command(&body(&late)));
        let read_of_second_pass = if format == ExportFormat::Ndjson { 0 } else { 2 };
        let store = store(read_of_second_pass, event).await;
        let file = export_file(store.clone(), session(), format).await.unwrap();
        let expected = stored(&*store, session()).await;
        assert_eq!(expected.len(), RECORDS + 3);
        assert_eq!(read(format, &file), expected);
    }
}
