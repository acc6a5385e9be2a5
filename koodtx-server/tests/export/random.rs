//! Random sessions.

use std::sync::Arc;

use koodtx_core::memory::MemoryStore;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{RUNTIME, assert_lossless, push, session};

const SENSORS: [&str; 9] = [
    "accelerometer",
    "gps",
    "=cmd|' /C calc'!A0",
    "a;=1+1",
    "a,\"b\"",
    "\"gps\"",
    "'x",
    "@ü",
    "-1",
];
const KEYS: [&str; 16] = [
    "timestamp",
    "sensor_type",
    "data",
    "=cmd",
    "+x",
    "-1",
    "@a;b",
    "a,b",
    "a\"b",
    "\"q\"",
    "a\nb",
    "a.b",
    "",
    "größe",
    "X",
    "\\",
];
const TEXTS: [&str; 6] = ["", "a,\"b\";=1+1\n", "\\;", "\u{1F600}", "1", "\u{1}\t"];

pub fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[xyz]",
        4 => select(&KEYS[..]).prop_map(str::to_owned),
        2 => "\\PC{0,6}",
        1 => Just("l".repeat(128)),
        1 => Just("l".repeat(129)),
    ]
}

fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>()
            .prop_filter("finite", |double| double.is_finite())
            .prop_map(|double| format!("{double:e}")),
        (-1_000..1_000_i64).prop_map(|integer| integer.to_string()),
        any::<i64>().prop_map(|integer| integer.to_string()),
        select(vec![
            "-0.0",
            "0",
            "5e-324",
            "9007199254740992",
            "9007199254740993",
            "-123456789012345678901234567890",
            "1e22",
        ])
        .prop_map(str::to_owned),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    let text = prop_oneof![select(&TEXTS[..]).prop_map(str::to_owned), "\\PC{0,8}"];
    text.prop_map(|text| json_string(&text))
}

fn values() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => numbers(),
        2 => texts(),
        1 => select(vec!["null", "true", "false"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            btree_map(keys(), inner, 0..4).prop_map(|members| object(&members)),
        ]
    })
}

/// The text of a string in JSON.
fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn object(members: &std::collections::BTreeMap<String, String>) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(key, value)| format!("{}:{value}", json_string(key)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A record at one of few times, a fraction of a millisecond apart.
fn record(data: &str, sensor: &str, step: i64) -> String {
    let (millis, micros) = (step / 4, step % 4 * 125);
    let sensor = json_string(sensor);
    format!(
        r#"{{"sensor_type":{sensor},"timestamp":{}.{micros:03},"data":{data}}}"#,
        1_763_000_000_000 + millis
    )
}

fn small_records() -> impl Strategy<Value = Vec<String>> {
    let record = (
        btree_map(keys(), values(), 0..6),
        select(&SENSORS[..]),
        0..60_i64,
    )
        .prop_map(|(data, sensor, step)| record(&object(&data), sensor, step));
    vec(record, 0..60)
}

/// Records with ever new fields: more than there are columns.
fn wide_records() -> impl Strategy<Value = Vec<String>> {
    let width = prop_oneof![1..60_usize, 400..500_usize];
    let record = (0..500_usize, width, select(&SENSORS[..]), 60..120_i64).prop_map(
        |(first, width, sensor, step)| {
            let members = (first..first + width)
                .map(|field| (format!("w{field:03}"), format!("{field}.5")))
                .collect();
            record(&object(&members), sensor, step)
        },
    );
    vec(record, 0..25)
}

pub fn sessions() -> impl Strategy<Value = Vec<String>> {
    (
        small_records(),
        prop_oneof![3 => Just(Vec::new()).boxed(), 1 => wide_records().boxed()],
    )
        .prop_map(|(mut small, wide)| {
            small.extend(wide);
            small
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_format_restores_what_the_store_holds(records in sessions()) {
        RUNTIME.block_on(async {
            let store = Arc::new(MemoryStore::new());
            push(&*store, &records).await;
            assert_lossless(store, session()).await;
        });
    }
}
