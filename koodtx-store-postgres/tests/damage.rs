//! What is changed by hand is noticed, named, and takes nothing else along.

mod common;
#[path = "common/script.rs"]
mod script;

use common::open;
use koodtx_core::pull::Damage;
use koodtx_core::store::{MaintenanceStore as _, StoreErrorKind};
use koodtx_core::time::Timestamp;
use koodtx_store_postgres::PostgresStore;
use koodtx_store_postgres::testing::TestDatabase;
use script::{chunks, push, record};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const RECORDS_COUNT: u64 = 1_400;

/// A series of three blocks that have something in every column, and one of a block.
async fn filled() -> (TestDatabase, PostgresStore, PgConnection) {
    let (database, store) = open().await;
    let connection = PgConnection::connect(&database.url()).await.unwrap();
    let mut records: Vec<String> = (0..RECORDS_COUNT)
        .map(|nth| {
            let (single, double) = (f64::from(nth as f32 / 3.0), nth as f64 / 3.0);
            let other = if nth % 100 == 0 {
                r#","o":"text","p":1"#
            } else {
                ""
            };
            let data = format!(r#"{{"i":{nth}.5,"s":{single},"d":{double}{other}}}"#);
            record("a", nth, &data)
        })
        .collect();
    records.push(record("b", 5, r#"{"x":1}"#));
    push(&store, &records).await.unwrap();
    // An edit with a stamp, so that there are stamps and two changes.
    let edit = r#"{"sensor_type":"a","timestamp":700,"data":{"i":1.5,"s":0.25,"d":0.3333333333333333},"updated_at":"2025-11-13T12:00:01Z"}"#;
    push(&store, &[edit.to_owned()]).await.unwrap();
    (database, store, connection)
}

async fn execute(connection: &mut PgConnection, sql: &str) -> u64 {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await;
    done.unwrap_or_else(|error| panic!("{error}: {sql}"))
        .rows_affected()
}

/// Where the blocks of series `a` begin, in milliseconds.
async fn firsts(connection: &mut PgConnection) -> Vec<i64> {
    sqlx::query_scalar(
        "SELECT first_time / 1000 FROM sensor_blocks WHERE sensor_type = 'a' ORDER BY first_time",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

async fn problems(store: &PostgresStore) -> Vec<String> {
    let page = store.verify(None, 10).await.unwrap();
    page.problems.iter().map(ToString::to_string).collect()
}

/// Reads everything; how many records of each series, and the damage.
async fn readable(store: &PostgresStore) -> (usize, usize, Vec<Damage>) {
    let (mut a, mut b, mut damaged) = (0, 0, Vec::new());
    for chunk in chunks(store, 500).await {
        for (sensor_type, block) in &chunk.series {
            match sensor_type.as_str() {
                "a" => a += block.len(),
                _ => b += block.len(),
            }
        }
        damaged.extend(chunk.damaged);
    }
    damaged.sort();
    damaged.dedup();
    (a, b, damaged)
}

#[tokio::test]
async fn every_changed_column_is_noticed() {
    let (_database, store, mut connection) = filled().await;
    let firsts = firsts(&mut connection).await;
    assert!(firsts.len() >= 3);
    let (first, next) = (firsts[1], firsts[2]);
    let healthy = readable(&store).await;
    assert_eq!(
        (healthy.0, healthy.1, healthy.2.len()),
        (RECORDS_COUNT as usize, 1, 0)
    );
    assert_eq!(problems(&store).await, [""; 0]);
    execute(
        &mut connection,
        "CREATE TABLE kept AS SELECT * FROM sensor_blocks",
    )
    .await;
    let changes = [
        "last_time = last_time - 1",
        "record_count = record_count + 1",
        "record_count = -2000000000",
        "record_count = 2000000000",
        "changed_at = changed_at + interval '1 microsecond'",
        "time_unit = 1",
        "time_offsets[2] = time_offsets[2] + 1",
        "time_offsets = NULL",
        "time_offsets = time_offsets[2:]",
        "times = ARRAY[1::bigint]",
        "change_clocks[1] = change_clocks[1] - 1",
        "change_counts[1] = change_counts[1] + 1",
        "stamps = NULL",
        "stamps[1] = 0",
        "decimal_fields[1] = 'other'",
        "decimal_places[1] = 9",
        "decimal_places[1] = 10",
        "decimals[1] = decimals[1] + 1",
        "decimals = decimals || 1",
        "decimals = array_cat(decimals[2:], NULL::integer[])",
        "decimals[1] = NULL",
        "single_fields = NULL",
        "singles[1] = 'NaN'",
        "doubles[1] = 'Infinity'",
        "doubles = ARRAY[]::double precision[]",
        "doubles = ARRAY[doubles, doubles]",
        "other_rows[1] = -1",
        "other_rows[1] = 100000",
        "other_fields[1] = NULL",
        "other_numbers[1] = 2",
        "other_texts[1] = '\"changed\"'",
        "other_texts = NULL",
        "checksum = checksum + 1",
        "checksum = -1",
    ];
    for change in changes {
        let at = format!("WHERE sensor_type = 'a' AND first_time = {}", first * 1000);
        let update = format!("UPDATE sensor_blocks SET {change} {at}");
        assert_eq!(execute(&mut connection, &update).await, 1);

        let (a, b, damaged) = readable(&store).await;
        assert_eq!(
            a,
            RECORDS_COUNT as usize - (next - first) as usize,
            "{change}"
        );
        assert_eq!(b, 1, "{change}");
        let [damage] = &damaged[..] else {
            panic!("{change}: {damaged:?}");
        };
        assert_eq!(damage.sensor_type.as_str(), "a");
        assert_eq!(damage.from, Timestamp::from_millis(first), "{change}");
        assert_eq!(damage.until, Some(Timestamp::from_millis(next)), "{change}");

        let problems = problems(&store).await;
        assert_eq!(problems.len(), 1, "{change}: {problems:?}");
        assert!(problems[0].contains("sensor a"), "{problems:?}");

        let refused = push(&store, &[record("a", first + 1, r#"{"i":0}"#)]).await;
        let refused = refused.unwrap_err();
        assert_eq!(
            refused.kind(),
            StoreErrorKind::Corrupt,
            "{change}: {refused}"
        );
        assert!(refused.message().contains("sensor a"), "{refused}");
        // Elsewhere the series can be written, and other series too.
        let last = record("a", RECORDS_COUNT - 1, r#"{"i":"again"}"#);
        let elsewhere = [last, record("b", 5, r#"{"x":1}"#)];
        push(&store, &elsewhere).await.unwrap();

        let restore = "DELETE FROM sensor_blocks; INSERT INTO sensor_blocks SELECT * FROM kept";
        execute(&mut connection, restore).await;
    }
}

/// `count` records of series `c` whose values begin at `from`.
fn many(count: u64, from: u64) -> Vec<String> {
    (0..count)
        .map(|nth| record("c", nth, &format!(r#"{{"x":{}}}"#, from + nth)))
        .collect()
}

/// That also says what is not looked at: arrays that were changed by hand.
#[tokio::test]
async fn a_repeat_is_known_by_digests_and_reads_no_arrays() {
    let (database, store) = open().await;
    let records = many(1_000, 0);
    push(&store, &records).await.unwrap();
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let change = "UPDATE sensor_blocks SET decimals[1] = decimals[1] + 1";
    assert_eq!(execute(&mut connection, change).await, 3);
    let repeat = push(&store, &records).await.unwrap();
    assert_eq!(
        (repeat.inserted, repeat.updated, repeat.duplicates),
        (0, 0, 1_000)
    );
    // One record more or less, and the block it belongs into is read.
    for (skip, take) in [(1, 999), (0, 999)] {
        let some: Vec<String> = records.iter().skip(skip).take(take).cloned().collect();
        let refused = push(&store, &some).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Corrupt, "{refused}");
    }
    assert_eq!(problems(&store).await.len(), 3);
}

/// A server of the release before writes blocks and leaves their digests as they are.
#[tokio::test]
async fn a_digest_of_what_a_row_had_before_says_nothing() {
    let (database, store) = open().await;
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    push(&store, &many(300, 0)).await.unwrap();
    execute(
        &mut connection,
        "CREATE TABLE kept AS SELECT first_time, digest FROM sensor_blocks",
    )
    .await;
    let edit = push(&store, &many(300, 1)).await.unwrap();
    assert_eq!(edit.updated, 300);
    let leave = "UPDATE sensor_blocks b SET digest = k.digest FROM kept k WHERE k.first_time = b.first_time";
    assert_eq!(execute(&mut connection, leave).await, 1);
    assert_eq!(problems(&store).await, [""; 0]);
    let back = push(&store, &many(300, 0)).await.unwrap();
    assert_eq!((back.updated, back.duplicates), (300, 0));
    // One with the head of this row is taken at its word, so it is checked.
    let wrong = "UPDATE sensor_blocks SET digest = overlay(digest placing '\\x00' from 9)";
    assert_eq!(execute(&mut connection, wrong).await, 1);
    let problems = problems(&store).await;
    assert!(problems[0].contains("digest"), "{problems:?}");
}

#[tokio::test]
async fn what_is_missing_or_counted_wrongly_is_found() {
    let changes = [
        (
            "DELETE FROM sensor_blocks WHERE sensor_type = 'b'",
            "counts 1401 records and has 1400",
        ),
        (
            "UPDATE recording_sessions SET data_count = data_count + 1",
            "counts 1402 records",
        ),
        (
            "UPDATE recording_sessions SET series_count = 3",
            "counts 3 series and has 2",
        ),
        (
            "UPDATE recording_sessions SET series = jsonb_set(series, '{a,count}', '7')",
            "sensor a: its count, its range or its open end is wrong",
        ),
        (
            "UPDATE recording_sessions SET updated_at = updated_at + interval '1 second'",
            "ahead of its last change",
        ),
        ("UPDATE user_clock SET clock = 'epoch'", "of the user clock"),
        (
            "UPDATE recording_sessions SET live = false, start_time = NULL, start_time_stamp = NULL",
            "it is deleted and has records",
        ),
        (
            "UPDATE recording_sessions SET updated_at = created_at; UPDATE user_clock SET clock = 'epoch'::timestamptz + interval '100 years'",
            "changed after the session did",
        ),
    ];
    for (change, found) in changes {
        let (_database, store, mut connection) = filled().await;
        execute(&mut connection, change).await;
        let problems = problems(&store).await;
        assert!(
            problems.iter().any(|problem| problem.contains(found)),
            "{change}: {problems:?}"
        );
    }
}
