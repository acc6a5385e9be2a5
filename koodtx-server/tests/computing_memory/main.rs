//! The memory that exports and analyses take, and how fast they are.

#[path = "../export/support/scripted_store.rs"]
#[allow(dead_code)]
mod scripted_store;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::StreamExt;
use koodtx_core::block::{Block, Record};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::pull::{RecordChunk, RecordPosition, RecordQuery};
use koodtx_core::push::PushBatch;
use koodtx_core::store::{AccountStore, NewUser, PushCommand, Quota, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_server::analysis::{analyse, anomalies};
use koodtx_server::export::{ExportFormat, export, export_account};
use koodtx_store_sled::{SledOptions, SledStore};
use peak_alloc::PeakAlloc;
use scripted_store::ScriptedStore;
use tokio::sync::Mutex;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What is counted is the memory of the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// How long records were made for.
static READING_NANOS: AtomicU64 = AtomicU64::new(0);

const USER: UserId = UserId(1);
const MEMORY_MAX_BYTES: usize = 64 * 1024 * 1024;
const SENSORS: [&str; 3] = ["accelerometer", "gyroscope", "magnetometer"];

/// A session of the three sensors whose records are made when they are read.
async fn store(
    ticks: i64,
    chunk_ticks: i64,
    data: impl Fn(i64, usize) -> String + Send + Sync + 'static,
) -> (Arc<dyn SyncStore>, SessionId) {
    let source = move |query: &RecordQuery| {
        let start = Instant::now();
        let first = query
            .after
            .as_ref()
            .map_or(0, |after| after.timestamp.as_micros() / 10_000 + 1);
        let range = first..(first + chunk_ticks).min(ticks);
        let time = |tick: i64| Timestamp::from_micros(tick * 10_000);
        let mut series = BTreeMap::new();
        for (index, sensor) in SENSORS.into_iter().enumerate() {
            let records: Vec<Record> = range
                .clone()
                .map(|tick| Record {
                    timestamp: time(tick),
                    changed: time(tick),
                    stamp: time(tick),
                    data: data(tick, index),
                })
                .collect();
            let block = Block::from_records(&records).unwrap();
            series.insert(SensorType::new(sensor).unwrap(), block);
        }
        let chunk = RecordChunk {
            series: series.into_iter().collect(),
            next: (range.end < ticks).then(|| RecordPosition {
                timestamp: time(range.end - 1),
                sensor_type: SensorType::new(SENSORS[2]).unwrap(),
            }),
            damaged: Vec::new(),
        };
        READING_NANOS.fetch_add(start.elapsed().as_nanos() as u64, Ordering::SeqCst);
        chunk
    };
    let store = ScriptedStore {
        source: Some(Box::new(source)),
        ..ScriptedStore::default()
    };
    let body = r#"{"session":{"session_id":"00000000-0000-4000-8000-000000000001",
        "start_time":"2025-11-13T00:00:00Z"},"sensor_data":[]}"#;
    let command = PushCommand {
        user: USER,
        batch: Arc::new(PushBatch::parse(body.as_bytes()).unwrap()),
        device_id: None,
        body_bytes: 0,
        started_at: Timestamp::ZERO,
        request_id: None,
        quota: Quota::default(),
    };
    let session = command.batch.session.session_id;
    store.push(command, Timestamp::now()).await.unwrap();
    (Arc::new(store), session)
}

/// Exports, analyses and looks for anomalies.
async fn measure(what: &str, store: Arc<dyn SyncStore>, session: SessionId, rows: i64) {
    measure_exports(what, store.clone(), session, rows).await;
    for name in ["analysis", "anomalies"] {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        READING_NANOS.store(0, Ordering::SeqCst);
        let start = Instant::now();
        if name == "analysis" {
            let found = analyse(&*store, USER, session, Timestamp::now()).await;
            let count = found.unwrap().unwrap().total_records;
            assert_eq!(count, rows.unsigned_abs());
        } else {
            let found = anomalies(&*store, USER, session, 3.0).await;
            assert!(found.unwrap().is_some());
        }
        let reading = READING_NANOS.load(Ordering::SeqCst) as f64 / 1e9;
        let computing = start.elapsed().as_secs_f64() - reading;
        let grown = MEMORY.peak_usage().saturating_sub(before);
        println!(
            "{what}, {name}: {computing:.2} s beside reading ({:.2} M rows/s), memory {:.1} MiB",
            rows as f64 / computing / 1e6,
            grown as f64 / 1_048_576.0,
        );
        assert!(grown < MEMORY_MAX_BYTES, "{what}, {name}: {grown} bytes");
    }
}

/// Exports and throws the pieces away.
async fn measure_exports(what: &str, store: Arc<dyn SyncStore>, session: SessionId, rows: i64) {
    for format in ExportFormat::ALL {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        READING_NANOS.store(0, Ordering::SeqCst);
        let start = Instant::now();
        let stream = export(store.clone(), USER, session, format).await.unwrap();
        let mut stream = pin!(stream.unwrap());
        let (mut bytes, mut largest) = (0, 0);
        while let Some(piece) = stream.next().await {
            let piece = piece.unwrap().len();
            bytes += piece;
            largest = largest.max(piece);
        }
        // Making the records takes longer than exporting them.
        let reading = READING_NANOS.load(Ordering::SeqCst) as f64 / 1e9;
        let encoding = start.elapsed().as_secs_f64() - reading;
        let grown = MEMORY.peak_usage().saturating_sub(before);
        println!(
            "{what}, {format:?}: {rows} rows, {:.1} MB, {encoding:.2} s beside reading \
             ({:.2} M rows/s), largest piece {:.1} MiB, memory {:.1} MiB, process {}",
            bytes as f64 / 1e6,
            rows as f64 / encoding / 1e6,
            largest as f64 / 1_048_576.0,
            grown as f64 / 1_048_576.0,
            process_peak(),
        );
        assert!(
            grown < MEMORY_MAX_BYTES,
            "{what}, {format:?}: {grown} bytes"
        );
    }
}

/// The most memory that the process ever had, of whatever kind; only to be shown.
fn process_peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("unknown").replace('\t', " ")
}

/// A value with the noise and the steps of a real sensor.
fn value(tick: i64, axis: i64) -> f64 {
    let noise = (tick.wrapping_mul(6_364_136_223_846_793_005) >> (33 + axis)) % 64;
    ((tick as f64 / 300.0 + axis as f64).sin() * 4_000.0 + noise as f64).round() / 512.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_three_sensors_at_100_hertz() {
    let _alone = ALONE.lock().await;
    let data = |tick, sensor| {
        let axis = |index| value(tick, sensor as i64 * 3 + index);
        format!(r#"{{"x":{},"y":{},"z":{}}}"#, axis(0), axis(1), axis(2))
    };
    let (store, session) = store(360_000, 2_730, data).await;
    measure("an hour", store, session, 3 * 360_000).await;
}

/// A whole account, in a store that keeps it on disk. Throws the pieces away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_many_samples() {
    const PUSHES_COUNT: i64 = 12;
    const TICKS_OF_A_PUSH: i64 = 10_000;
    let _alone = ALONE.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), SledOptions::default()).unwrap();
    let new = NewUser {
        username: "ann".to_owned(),
        email: "ann@example.org".to_owned(),
        device_id: None,
        password_hash: "hash".to_owned(),
    };
    let user = store.create_user(new, Timestamp::ZERO).await;
    let user = user.unwrap().unwrap();
    for push in 0..PUSHES_COUNT {
        let records: Vec<String> = (0..TICKS_OF_A_PUSH)
            .flat_map(|tick| SENSORS.map(|sensor| (push * TICKS_OF_A_PUSH + tick, sensor)))
            .map(|(tick, sensor)| {
                let axis = |index| value(tick, index);
                let data = format!(r#"{{"x":{},"y":{},"z":{}}}"#, axis(0), axis(1), axis(2));
                format!(
                    r#"{{"sensor_type":"{sensor}","timestamp":{},"data":{data}}}"#,
                    tick * 10
                )
            })
            .collect();
        let session = r#"{"session_id":"00000000-0000-4000-8000-000000000001","start_time":"2025-11-13T00:00:00Z"}"#;
        let body = format!(
            r#"{{"session":{session},"sensor_data":[{}]}}"#,
            records.join(",")
        );
        let command = PushCommand {
            user: USER,
            batch: Arc::new(PushBatch::parse(body.as_bytes()).unwrap()),
            device_id: None,
            body_bytes: 0,
            request_id: None,
            started_at: Timestamp::ZERO,
            quota: Quota::default(),
        };
        store.push(command, Timestamp::now()).await.unwrap();
    }
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    let mut stream = pin!(export_account(Arc::new(store), user, Timestamp::ZERO));
    let (mut bytes, mut largest) = (0, 0);
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap().len();
        bytes += piece;
        largest = largest.max(piece);
    }
    let grown = MEMORY.peak_usage().saturating_sub(before);
    println!(
        "an account: {} rows, {:.1} MB, {:.2} s, largest piece {:.1} MiB, memory {:.1} MiB",
        PUSHES_COUNT * TICKS_OF_A_PUSH * 3,
        bytes as f64 / 1e6,
        start.elapsed().as_secs_f64(),
        largest as f64 / 1_048_576.0,
        grown as f64 / 1_048_576.0,
    );
    assert!(grown < MEMORY_MAX_BYTES, "{grown} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_columns() {
    let _alone = ALONE.lock().await;
    let data = |tick: i64, sensor| {
        let mut members: Vec<String> = (0..60)
            .map(|field| {
                format!(
                    "\"f{:03}\":{}",
                    (field * 5 + tick) % 300,
                    value(tick, field % 9)
                )
            })
            .collect();
        members.push(format!("\"note\":\"{sensor};\\\"\""));
        format!("{{{}}}", members.join(","))
    };
    // As many as a store puts into a chunk of 4 MiB.
    let (store, session) = store(10_000, 600, data).await;
    measure("many columns", store, session, 3 * 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_texts() {
    let _alone = ALONE.lock().await;
    let data = |tick: i64, _| {
        let text = format!(";{tick:x}\\\"{};;", tick * 7_919).repeat(1_000);
        format!(r#"{{"x":1,"text":"{text}"}}"#)
    };
    let (store, session) = store(1_000, 85, data).await;
    measure("large texts", store, session, 3 * 1_000).await;
}
