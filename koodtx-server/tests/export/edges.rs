//! Sessions at the edges, and what a file looks like.

use std::sync::Arc;

use bytes::Bytes;
use koodtx_core::id::UserId;
use koodtx_core::memory::MemoryStore;
use koodtx_core::store::SyncStore;
use koodtx_core::time::Timestamp;
use koodtx_server::export::{ExportFormat, ROW_GROUP_MAX_BYTES, ROW_GROUP_ROWS_MAX_COUNT, export};
use parquet::basic::Encoding;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::support::{SESSION, USER, assert_lossless, export_file, push, session};

#[tokio::test]
async fn an_empty_session_is_a_file_without_records() {
    let store = Arc::new(MemoryStore::new());
    push(&*store, &[]).await;
    assert!(assert_lossless(store.clone(), session()).await.is_empty());
    let csv = export_file(store, session(), ExportFormat::Csv).await;
    assert_eq!(csv.unwrap(), b"timestamp,sensor_type,data\n");
}

#[tokio::test]
async fn only_live_sessions_of_the_user_are_exported() {
    let store: Arc<dyn SyncStore> = Arc::new(MemoryStore::new());
    push(&*store, &[]).await;
    let is_there = async |user, id: &str| {
        let id = id.parse().unwrap();
        let stream = export(store.clone(), user, id, ExportFormat::Csv).await;
        stream.unwrap().is_some()
    };
    assert!(is_there(USER, SESSION).await);
    assert!(!is_there(UserId(2), SESSION).await);
    assert!(!is_there(USER, "00000000-0000-4000-8000-000000000009").await);
    let deletion = store.delete_session(USER, session(), Timestamp::now());
    deletion.await.unwrap();
    assert!(!is_there(USER, SESSION).await);
}

#[tokio::test]
async fn the_table_looks_as_documented() {
    let records = [
        r#"{"sensor_type":"gps","timestamp":1000.5,"data":{"lat":50.25,"=x":-1,"note":"a;b","data":7}}"#,
        r#"{"sensor_type":"=gps","timestamp":1000,"data":{"lat":null,"alt":9007199254740993}}"#,
        r#"{"sensor_type":"acc","timestamp":1000.5,"data":{}}"#,
        r#"{"sensor_type":"gps","timestamp":1001,"data":{"lat":-0.0,"big":1e300}}"#,
    ];
    let store = Arc::new(MemoryStore::new());
    push(&*store, &records.map(str::to_owned)).await;
    assert_lossless(store.clone(), session()).await;
    let csv = export_file(store, session(), ExportFormat::Csv)
        .await
        .unwrap();
    let expected = r#"timestamp,sensor_type,"""=x""",big,lat,data
1000,"""=gps""",,,,"{""alt"":9007199254740993,""lat"":null}"
1000.5,acc,,,,
1000.5,gps,-1,,50.25,"{""data"":7,""note"":""a\u003bb""}"
1001,gps,,1e+300,-0.0,
"#;
    assert_eq!(String::from_utf8(csv).unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_records_make_row_groups_of_bounded_size() {
    let records: Vec<String> = (0..ROW_GROUP_ROWS_MAX_COUNT + 10)
        .map(|at| format!(r#"{{"sensor_type":"a","timestamp":{at},"data":{{"x":{at}}}}}"#))
        .collect();
    let store = Arc::new(MemoryStore::new());
    push(&*store, &records).await;
    assert_lossless(store.clone(), session()).await;
    let file = export_file(store, session(), ExportFormat::Parquet).await;
    let reader = SerializedFileReader::new(Bytes::from(file.unwrap())).unwrap();
    let groups = reader.metadata().row_groups();
    let encodings: Vec<Encoding> = groups[0].column(1).encodings().collect();
    assert!(
        encodings.contains(&Encoding::RLE_DICTIONARY),
        "{encodings:?}"
    );
    let rows: Vec<i64> = groups.iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [ROW_GROUP_ROWS_MAX_COUNT as i64, 10]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_records_make_row_groups_of_few_rows() {
    let text = "x".repeat(15_000);
    let records: Vec<String> = (0..1_500)
        .map(|at| format!(r#"{{"sensor_type":"a","timestamp":{at},"data":{{"text":"{text}"}}}}"#))
        .collect();
    let store = Arc::new(MemoryStore::new());
    push(&*store, &records).await;
    assert_lossless(store.clone(), session()).await;
    let file = export_file(store, session(), ExportFormat::Parquet).await;
    let reader = SerializedFileReader::new(Bytes::from(file.unwrap())).unwrap();
    for group in reader.metadata().row_groups() {
        let bytes = group.num_rows() as usize * text.len();
        assert!(bytes <= ROW_GROUP_MAX_BYTES, "{bytes}");
    }
}
