//! The view `sensor_data` shows what was pushed, and the documented queries run.

#[path = "common/script.rs"]
mod script;

use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use script::{chunks, push, record};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

const DOCUMENTATION: &str = include_str!("../../koodtx-core/docs/postgres.md");
const SEED: [u8; 32] = [7; 32];
const RECORDS_COUNT: usize = 3_000;

async fn open() -> (TestDatabase, PostgresStore, PgConnection) {
    let database = TestCluster::shared().database().await;
    let options = PostgresOptions::from_url(&database.url()).unwrap();
    let store = PostgresStore::open(&options).await.unwrap();
    let connection = PgConnection::connect(&database.url()).await.unwrap();
    (database, store, connection)
}

/// What the view shows: sensor, time in milliseconds as text, data.
async fn seen(connection: &mut PgConnection) -> Vec<(String, String, Value)> {
    let rows = sqlx::query(
        "SELECT sensor_type, timestamp::text, data FROM sensor_data
         WHERE user_id = 1 ORDER BY sensor_type, sensor_data.timestamp",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

/// What the store returns, in the same form.
async fn stored(store: &PostgresStore) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for chunk in chunks(store, 1_000_000).await {
        for (sensor_type, block) in &chunk.series {
            for row in 0..block.len() {
                let micros = block.time(row).as_micros();
                let mut time = format!("{}.{:03}", micros / 1000, micros % 1000);
                time.truncate(time.trim_end_matches('0').trim_end_matches('.').len());
                let data = serde_json::from_str(&block.record(row).data).unwrap();
                all.push((sensor_type.as_str().to_owned(), time, data));
            }
        }
    }
    all.sort_by(|a, b| {
        let number = |text: &str| text.parse::<f64>().unwrap();
        a.0.cmp(&b.0).then(number(&a.1).total_cmp(&number(&b.1)))
    });
    all
}

/// Numbers as numbers, whatever their spelling.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, l)| right.get(key).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-99_999_i32..99_999, 0..7_i32).prop_map(|(digits, places)| format!("{digits}e-{places}")),
        2 => any::<f32>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| f64::from(value).to_string()),
        2 => any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| format!("{value:e}")),
        1 => Just("-0.0".to_owned()),
        1 => any::<u64>().prop_map(|value| value.to_string()),
        1 => prop::sample::select(vec![
            "null", "true", "false", r#""""#, r#""näh \" \\ \n 😀""#, r#""é""#, "[]", "{}",
            r#"[1,{"a":[null,"b"]}]"#, r#"{"nested":{"x":1.5}}"#, "9007199254740993", "-1e300",
        ]).prop_map(str::to_owned),
    ]
}

/// Data with fields that come, go, and change their kind.
fn data() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["x", "y", "z", "", "näh", "a b", "q\\\"q"]);
    prop::collection::btree_map(name, value(), 0..5).prop_map(|fields| {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!(r#""{name}":{value}"#))
            .collect();
        format!("{{{}}}", fields.join(","))
    })
}

#[tokio::test]
async fn the_view_shows_what_was_pushed() {
    let (_database, store, mut connection) = open().await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut draw = |strategy: &dyn Fn(&mut TestRunner) -> String| strategy(&mut runner);
    let any_data = |runner: &mut TestRunner| data().new_tree(runner).unwrap().current();
    let mut records = Vec::new();
    for nth in 0..RECORDS_COUNT {
        let sensor = ["steady", "wild", "fine"][nth % 3];
        let data = match sensor {
            "steady" => format!(
                r#"{{"x":{nth}.125,"y":{},"z":-{nth}e-3}}"#,
                nth as f32 / 3.0
            ),
            _ => draw(&any_data),
        };
        let time = match sensor {
            // A microsecond apart, then years.
            "fine" => format!("{}.{:03}", (nth as u64).pow(2) * 20_000, nth % 1000),
            _ => (1_763_000_000_000 + nth as u64 * 7).to_string(),
        };
        records.push(record(sensor, time, &data));
    }
    // So many fields that the record is kept whole.
    let fields: Vec<String> = (0..900).map(|nth| format!(r#""f{nth}":{nth}.5"#)).collect();
    records.push(record("wide", 1, &format!("{{{}}}", fields.join(","))));
    records.push(record("wide", 2, r#"{"f1":"text"}"#));
    let outcome = push(&store, &records).await.unwrap();
    assert_eq!(outcome.inserted, records.len() as u64);

    let (shown, stored) = (seen(&mut connection).await, stored(&store).await);
    assert_eq!(shown.len(), records.len());
    for (shown, stored) in shown.iter().zip(&stored) {
        assert_eq!((&shown.0, &shown.1), (&stored.0, &stored.1));
        assert!(same(&shown.2, &stored.2), "{shown:?} is not {stored:?}");
    }
}

/// What JSON allows, and `jsonb` might not, does not keep the view from showing the rest.
#[tokio::test]
async fn no_value_that_is_accepted_breaks_the_view() {
    let (_database, store, mut connection) = open().await;
    let strange = [
        r#"{"v":"\ud800"}"#,
        r#"{"v":"\udc00\ud800"}"#,
        r#"{"\ud800":1}"#,
        r#"{"v":["\ud83d"]}"#,
        r#"{"v":"\u0000"}"#,
        r#"{"v":1e-400}"#,
        r#"{"v":123456789012345678901234567890123456789012345678901234567890}"#,
        r#"{"v":[1e308,4.9e-324]}"#,
        r#"{"v":"\u0001"}"#,
        r#"{"v":"fine"}"#,
    ];
    let records: Vec<String> = strange
        .iter()
        .enumerate()
        .map(|(nth, data)| record("s", nth, data))
        .collect();
    let outcome = push(&store, &records).await.unwrap();
    let shown = seen(&mut connection).await;
    assert_eq!(shown.len() as u64, outcome.inserted);
    assert!(outcome.inserted > 3, "{outcome:?}");
}

#[tokio::test]
async fn the_documented_queries_run() {
    let (_database, store, mut connection) = open().await;
    let records: Vec<String> = (0..300)
        .map(|nth| {
            // A gap of two seconds in the middle.
            let time = 1_763_000_000_000_u64 + nth * 100 + nth / 150 * 2_000;
            record("accelerometer", time, r#"{"z":9.81}"#)
        })
        .collect();
    push(&store, &records).await.unwrap();
    sqlx::query(
        "INSERT INTO users VALUES (1, 'ann', 'ann@example.com', NULL, 'hash', true, 'epoch', 'epoch')",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let queries: Vec<&str> = DOCUMENTATION
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .filter(|query| query.trim_start().starts_with("SELECT"))
        .collect();
    assert!(queries.len() >= 3, "the page should have three queries");
    for query in &queries {
        let own = query
            .replace("0f81a4f3-c125-5dbf-ba8e-668c0884d7ac", script::SESSION)
            // The session was recorded when the test was written.
            .replace("interval '30 days'", "interval '100 years'");
        let rows = sqlx::query(AssertSqlSafe(own))
            .fetch_all(&mut connection)
            .await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}: {query}"));
        assert!(!rows.is_empty(), "{query}");
    }
    let gap: (String, f64) = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT sensor_type, milliseconds::float8 FROM ({}) AS gaps (sensor_type, since, milliseconds)",
        queries[1].trim_end().trim_end_matches(';').replace(
            "0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
            script::SESSION
        )
    )))
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(gap, ("accelerometer".to_owned(), 2_100.0));
}
