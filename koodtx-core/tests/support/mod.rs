//! Generators that the property tests share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod columns;

use koodtx_core::block::{Block, Record};
use koodtx_core::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

/// A number as a client may write it: several spellings of one value.
pub fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (-1_000_000_i64..1_000_000, 0..6_u32).prop_map(|(n, d)| format!("{}", n as f64 / 10f64.powi(d as i32))),
        1 => any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(|x| format!("{x:e}")),
        1 => any::<i64>().prop_map(|x| x.to_string()),
        1 => (1..=u64::MAX).prop_map(|x| format!("{x}000")),
        2 => select(vec!["0", "-0", "-0.0", "0.0", "1", "1.0", "10e-1", "1e2", "100", "9007199254740992",
            "9007199254740993", "-9007199254740993", "9007199254740993.0", "1152921504606846976",
            "1152921504606846976.0", "1e22", "10000000000000000000000", "5e-324", "1.7976931348623157e308"])
            .prop_map(str::to_owned),
    ]
}

/// A JSON value as a client may write it, of every kind.
pub fn json_value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "\\PC{0,8}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        select(vec![
            r#""""#,
            r#""\u0041""#,
            r#""A""#,
            r#""\/\n\ud83d\ude00""#,
            r#""\u001f""#
        ])
        .prop_map(str::to_owned),
    ];
    let scalar = prop_oneof![
        6 => number(),
        2 => text,
        1 => select(vec!["null", "true", "false"]).prop_map(str::to_owned),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|values| format!("[ {} ]", values.join(" ,"))),
            proptest::collection::vec((field_name(), inner), 0..4).prop_map(object),
        ]
    })
}

/// Few names, so that fields meet.
fn field_name() -> impl Strategy<Value = String> {
    select(vec![
        "x",
        "y",
        "z",
        "",
        "latitude",
        "\u{fc}",
        "a\"b",
        "long name with spaces",
    ])
    .prop_map(str::to_owned)
}

fn object(members: Vec<(String, String)>) -> String {
    let members: Vec<String> = members
        .into_iter()
        .map(|(key, value)| format!("{} : {value}", serde_json::to_string(&key).unwrap()))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A `data` object; its keys may repeat.
pub fn data() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (-99..99_i32, -9..9_i32).prop_map(|(x, y)| format!("{{\"x\":{},\"y\":{y}.5}}", f64::from(x) / 10.0)),
        2 => proptest::collection::vec((field_name(), json_value()), 0..5).prop_map(object),
        1 => (0..200_usize, 60..90_usize).prop_map(|(from, count)| {
            object((from..from + count).map(|n| (format!("f{n}"), n.to_string())).collect())
        }),
    ]
}

/// A record whose time and stamp are likely to meet those of others.
pub fn record() -> impl Strategy<Value = Record> {
    (0..40_i64, 0..5_i64, 0..4_i64, data()).prop_map(|(time, stamp, changed, data)| Record {
        timestamp: Timestamp::from_micros(time),
        stamp: Timestamp::from_micros(stamp),
        changed: Timestamp::from_micros(changed),
        data,
    })
}

/// A block of such records.
pub fn block() -> impl Strategy<Value = Block> {
    proptest::collection::vec(record(), 0..30).prop_map(|mut records| {
        records.sort_by_key(|record| record.timestamp);
        records.dedup_by_key(|record| record.timestamp);
        Block::from_records(&records).unwrap()
    })
}
