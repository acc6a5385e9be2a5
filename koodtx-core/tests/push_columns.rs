//! The columnar form of a push against the documented one, and its handling of what is wrong.

mod support;

use std::collections::BTreeMap;

use koodtx_core::json::Json;
use koodtx_core::limits::{COLUMN_GROUP_FIELDS_MAX_COUNT, RECORD_DATA_MAX_BYTES};
use koodtx_core::push::{PushBatch, PushError, PushErrorKind};
use koodtx_core::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use support::columns::{Parts, Spelling, group, grouped};

const SESSION: &str =
    r#"{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac","start_time":"2025-11-13T00:00:00Z"}"#;

fn documented(records: &[Parts]) -> PushBatch {
    let records: Vec<String> = records.iter().map(Parts::record).collect();
    let body = format!(
        r#"{{"session":{SESSION},"sensor_data":[{}]}}"#,
        records.join(",")
    );
    PushBatch::parse(body.as_bytes()).unwrap()
}

fn body(groups: &str) -> String {
    format!(r#"{{"session":{SESSION},"columns":[{groups}]}}"#)
}

fn parse(groups: &str) -> Result<PushBatch, PushError> {
    PushBatch::parse_columns(body(groups).as_bytes())
}

/// The members of an object as JSON, by name.
fn members(data: &str) -> BTreeMap<String, String> {
    let Json::Object(members) = Json::parse(data, 16).unwrap() else {
        panic!("{data}")
    };
    let name = |name| Json::String(name).stored_text();
    members
        .into_iter()
        .map(|(key, value)| (name(key), value.stored_text()))
        .collect()
}

fn spelling() -> impl Strategy<Value = Spelling> {
    any::<[bool; 4]>().prop_map(|[steps, sparse, spaced, data_first]| Spelling {
        steps,
        sparse,
        spaced,
        data_first,
    })
}

fn valid() -> impl Strategy<Value = Parts> {
    (
        select(vec![
            r#""accelerometer""#,
            r#""gps""#,
            r#""\u0061ccelerometer""#,
        ]),
        prop_oneof![
            4 => (0..60_i64).prop_map(|time| time.to_string()),
            1 => (0..60_i64, 0..1_000_i64).prop_map(|(time, rest)| format!("{time}.{rest:03}")),
        ],
        support::data(),
        proptest::option::weighted(
            0.3,
            prop_oneof![
                (0..9_i64).prop_map(|at| format!("\"{}\"", Timestamp::from_millis(at))),
                Just("null".to_owned()),
            ],
        ),
    )
        .prop_map(|(sensor_type, timestamp, data, updated_at)| Parts {
            sensor_type: sensor_type.to_owned(),
            timestamp,
            data: members(&data),
            updated_at,
        })
}

/// A record that is not valid, for one reason.
fn faulty() -> impl Strategy<Value = Parts> {
    let deep = format!("{}1{}", "[".repeat(16), "]".repeat(16));
    let values = vec![
        "1e999".into(),
        r#""\u0000""#.into(),
        r#""\ud800""#.into(),
        deep,
    ];
    (
        valid(),
        prop_oneof![
            select(vec!["5", "null", "\"\"", r#""a\u0000""#]).prop_map(|bad| (0, bad.to_owned())),
            select(vec![
                "-1",
                "253402300799999.9",
                "1e300",
                "\"1\"",
                "null",
                "[1]"
            ])
            .prop_map(|bad| (1, bad.to_owned())),
            select(values).prop_map(|bad: String| (2, bad)),
            select(vec!["\"soon\"", "5", "{}"]).prop_map(|bad| (3, bad.to_owned())),
            select(vec![r#""\u0000""#, r#""\ud800""#]).prop_map(|bad| (4, bad.to_owned())),
        ],
    )
        .prop_map(|(mut parts, (what, bad))| {
            match what {
                0 => parts.sensor_type = bad,
                1 => parts.timestamp = bad,
                2 => drop(parts.data.insert("\"x\"".into(), bad)),
                3 => parts.updated_at = Some(bad),
                _ => drop(parts.data.insert(bad, "1".into())),
            }
            parts
        })
}

proptest! {
    /// Records say the same in both forms, whatever they hold and however they are dealt out to groups.
    #[test]
    fn both_forms_are_read_as_the_same_push(
        records in proptest::collection::vec(valid(), 0..50),
        run in 1..20_usize,
        spelling in spelling(),
    ) {
        let groups = grouped(records, run);
        let texts: Vec<String> = groups.iter().map(|rows| group(rows, spelling)).collect();
        let ours = parse(&texts.join(",")).unwrap();
        let expected = documented(&groups.concat());
        prop_assert_eq!(expected.errors, 0, "{:?}", expected.error_details);
        prop_assert_eq!(ours, expected);
    }

    /// So are records that are not valid: the same ones are refused, with the same words.
    #[test]
    fn both_forms_refuse_the_same_records(
        records in proptest::collection::vec(prop_oneof![6 => valid(), 1 => faulty()], 1..30),
        run in 1..20_usize,
        spelling in spelling(),
    ) {
        let groups = grouped(records, run);
        let texts: Vec<String> = groups.iter().map(|rows| group(rows, spelling)).collect();
        let expected = documented(&groups.concat());
        prop_assert_eq!(parse(&texts.join(",")).unwrap(), expected);
    }

    /// Damage never makes it panic, and what is malformed is malformed in the eyes of `serde_json`.
    #[test]
    fn damage_is_found(
        records in proptest::collection::vec(valid(), 1..6),
        spelling in spelling(),
        at in any::<prop::sample::Index>(),
        with in prop_oneof![
            Just(None),
            select(b"{}[]\",:0-.eE+\\ u\x01tn".to_vec()).prop_map(Some),
        ],
    ) {
        let groups = grouped(records, 3);
        let texts: Vec<String> = groups.iter().map(|rows| group(rows, spelling)).collect();
        let mut bytes = body(&texts.join(",")).into_bytes();
        let at = at.index(bytes.len());
        match with {
            Some(byte) => bytes[at] = byte,
            None => bytes.truncate(at),
        }
        let ours = PushBatch::parse_columns(&bytes);
        let malformed = matches!(&ours, Err(error) if error.kind() == PushErrorKind::Malformed);
        let is_object = serde_json::from_slice::<serde_json::Value>(&bytes)
            .is_ok_and(|value| value.is_object());
        prop_assert!(!(malformed && is_object), "{ours:?} {}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn later_rows_win_through_all_groups() {
    let group =
        |x: &str| format!(r#"{{"sensor_type":"s","timestamp":[2,1,2],"data":{{"x":{x}}}}}"#);
    let batch = parse(&[group("[1,2,3]"), group("[4,5,6]")].join(",")).unwrap();
    assert_eq!(
        (batch.total_records, batch.replaced, batch.errors),
        (6, 4, 0)
    );
    let records = &batch.series[0].records;
    assert_eq!(
        (records.data(0), records.data(1)),
        (r#"{"x":5}"#.into(), r#"{"x":6}"#.into())
    );
}

#[test]
fn steps_are_added_up_and_go_back_too() {
    let batch = parse(
        r#"{"sensor_type":"s","timestamp":{"steps":[10, -5,0 ,1],"first":100.25},"data":{"x":[1,2,3,4,5]}}"#,
    )
    .unwrap();
    assert_eq!((batch.total_records, batch.replaced), (5, 1));
    let records = &batch.series[0].records;
    let times: Vec<i64> = (0..records.len())
        .map(|row| records.time(row).as_micros())
        .collect();
    assert_eq!(times, [100_250, 105_250, 106_250, 110_250]);
    assert_eq!(records.data(1), r#"{"x":4}"#);
}

/// Where a time is out of range the rows behind it go on from there.
#[test]
fn a_step_out_of_range_costs_its_row_only() {
    let batch =
        parse(r#"{"sensor_type":"s","timestamp":{"first":5,"steps":[-6,2]},"data":{"x":[1,2,3]}}"#)
            .unwrap();
    assert_eq!((batch.total_records, batch.errors), (3, 1));
    assert_eq!(batch.error_details[0].index, 1);
    assert_eq!(batch.error_details[0].code, "timestamp_out_of_range");
    assert_eq!(batch.series[0].records.data(0), r#"{"x":3}"#);
}

#[test]
fn absent_and_null_stay_apart_and_data_may_be_empty() {
    let batch = parse(
        r#"{"sensor_type":"s","timestamp":[1,2,3],"data":{"x":{"values":[null,7],"rows":[0,2]}}},
           {"sensor_type":"t","timestamp":[1],"data":{}},
           {"sensor_type":"none","timestamp":[],"data":{"x":[],"y":{"rows":[],"values":[]}}}"#,
    )
    .unwrap();
    assert_eq!(
        (batch.total_records, batch.errors, batch.series.len()),
        (4, 0, 2)
    );
    let data: Vec<String> = (0..3)
        .map(|row| batch.series[0].records.data(row))
        .collect();
    assert_eq!(data, [r#"{"x":null}"#, "{}", r#"{"x":7}"#]);
    assert_eq!(batch.series[1].records.data(0), "{}");
}

#[test]
fn one_updated_at_stands_for_all_rows() {
    let batch = parse(
        r#"{"updated_at":"2025-11-13T12:00:00Z","sensor_type":"s","timestamp":[1,2],"data":{}},
           {"sensor_type":"s","timestamp":[3],"data":{},"updated_at":null},
           {"sensor_type":"s","timestamp":[4,5],"data":{},"updated_at":"soon"}"#,
    )
    .unwrap();
    let stamps: Vec<_> = (0..3)
        .map(|row| batch.series[0].records.updated_at(row))
        .collect();
    let noon = "2025-11-13T12:00:00Z".parse().ok();
    assert_eq!(stamps, [noon, noon, None]);
    assert_eq!(batch.errors, 2);
    assert_eq!(batch.error_details[1].code, "invalid_updated_at");
}

/// The size of a row is that of its data as the documented form would write them without white space.
#[test]
fn the_size_of_a_row_is_that_of_its_record() {
    for (extra, errors) in [(0, 0), (1, 1)] {
        // {"x":"…"} has 8 bytes beside the text.
        let text = "a".repeat(RECORD_DATA_MAX_BYTES - 8 + extra);
        let groups = format!(
            r#"{{"sensor_type":"s","timestamp":[1,2],"data":{{"x":["","{text}"],"y":{{"rows":[0],"values":[1]}}}}}}"#
        );
        let batch = parse(&groups).unwrap();
        assert_eq!((batch.total_records, batch.errors), (2, errors));
        if errors > 0 {
            assert_eq!(batch.error_details[0].code, "data_too_large");
            assert_eq!(batch.error_details[0].index, 1);
        }
        assert_eq!(batch.series[0].records.data(0), r#"{"x":"","y":1}"#);
    }
}

#[test]
fn mistakes_of_form_fail_the_push_and_name_their_place() {
    let with = |member: &str| {
        format!(r#"{{"sensor_type":"s","timestamp":[1,2,3],"data":{{}}}},{{{member}}}"#)
    };
    let data = |list: &str| {
        with(&format!(
            r#""sensor_type":"s","timestamp":[1,2],"data":{{"a":[1,2],"x":{list}}}"#
        ))
    };
    // In a series of too many fields for columns the form is checked another way.
    let many: Vec<String> = (0..70).map(|n| format!(r#""f{n}":[1,2]"#)).collect();
    let many = many.join(",");
    let wide = |list: &str| {
        with(&format!(
            r#""sensor_type":"s","timestamp":[1,2],"data":{{{many},"x":{list}}}"#
        ))
    };
    let time = |list: &str| {
        with(&format!(
            r#""sensor_type":"s","data":{{}},"timestamp":{list}"#
        ))
    };
    for (groups, field, words) in [
        ("5".to_owned(), "columns[0]", "object"),
        (with(""), "columns[1].sensor_type", "missing"),
        (
            with(r#""sensor_type":"s","data":{}"#),
            "columns[1].timestamp",
            "missing",
        ),
        (
            with(r#""sensor_type":"s","timestamp":[1]"#),
            "columns[1].data",
            "missing",
        ),
        (
            with(r#""sensor_type":"s","timestamp":[1],"data":[]"#),
            "columns[1].data",
            "object",
        ),
        (
            with(r#""sensor_type":"s","timestamp":[],"data":[]"#),
            "columns[1].data",
            "object",
        ),
        (
            with(r#""sensor_type":"s","sensor_type":"s""#),
            "columns[1].sensor_type",
            "twice",
        ),
        (
            with(r#""sensor_type":"s","timestamp":[1],"data":{},"updated_at":[]"#),
            "columns[1].updated_at",
            "0 values, but the group has 1 rows",
        ),
        (
            with(r#""sensor_type":"s","timestamp":[1],"data":{},"updated_at":5"#),
            "columns[1].updated_at",
            "array",
        ),
        (time("5"), "columns[1].timestamp", "array"),
        (time(r#"{"first":1}"#), "columns[1].timestamp", "`steps`"),
        (
            time(r#"{"first":"1","steps":[]}"#),
            "columns[1].timestamp.first",
            "number",
        ),
        (
            time(r#"{"first":1e99,"steps":[]}"#),
            "columns[1].timestamp.first",
            "number",
        ),
        (
            time(r#"{"first":1,"steps":5}"#),
            "columns[1].timestamp.steps",
            "whole",
        ),
        (
            time(r#"{"first":1,"steps":[1,0.5]}"#),
            "columns[1].timestamp.steps",
            "whole",
        ),
        (
            time(r#"{"first":1,"steps":[null]}"#),
            "columns[1].timestamp.steps",
            "whole",
        ),
        (
            time(r#"{"first":1,"steps":[9223372036854775]}"#),
            "columns[1].timestamp.steps",
            "whole",
        ),
        (data("5"), "columns[1].data.x", "array"),
        (
            data("[1]"),
            "columns[1].data.x",
            "1 values, but the group has 2 rows",
        ),
        (
            data("[1,2,3,\"\"]"),
            "columns[1].data.x",
            "4 values, but the group has 2 rows",
        ),
        (
            data("[\"\",2,3]"),
            "columns[1].data.x",
            "3 values, but the group has 2 rows",
        ),
        (
            data(r#"{"rows":[0,1],"values":[1]}"#),
            "columns[1].data.x",
            "2 `rows`, but 1 `values`",
        ),
        (
            data(r#"{"rows":[1,0],"values":[1,2]}"#),
            "columns[1].data.x.rows",
            "ascending",
        ),
        (
            data(r#"{"rows":[1,1],"values":[1,2]}"#),
            "columns[1].data.x.rows",
            "ascending",
        ),
        (
            data(r#"{"rows":[2],"values":[1]}"#),
            "columns[1].data.x.rows",
            "below 2",
        ),
        (
            data(r#"{"rows":[0.0],"values":[1]}"#),
            "columns[1].data.x.rows",
            "row numbers",
        ),
        (
            data(r#"{"rows":[-1],"values":[1]}"#),
            "columns[1].data.x.rows",
            "row numbers",
        ),
        (
            data(r#"{"rows":0,"values":[1]}"#),
            "columns[1].data.x.rows",
            "array",
        ),
        (
            data(r#"{"rows":[0],"values":1}"#),
            "columns[1].data.x.values",
            "array",
        ),
        (
            data(r#"{"rows":[0],"rows":[0]}"#),
            "columns[1].data.x.rows",
            "twice",
        ),
        (
            data(r#"{"rows":[0],"values":[1],"also":1}"#),
            "columns[1].data.x",
            "`rows` and `values`",
        ),
        (
            data(r#"[1,2],"\u0078":[1,2]"#),
            "columns[1].data.x",
            "twice",
        ),
        (wide("5"), "columns[1].data.x", "array"),
        (
            wide("[1,2,3]"),
            "columns[1].data.x",
            "3 values, but the group has 2 rows",
        ),
        (
            wide(r#"{"rows":[0,1],"values":[1]}"#),
            "columns[1].data.x",
            "2 `rows`, but 1 `values`",
        ),
        (
            wide(r#"[1,2],"\u0078":[1,2]"#),
            "columns[1].data.x",
            "twice",
        ),
    ] {
        let error = parse(&groups).expect_err(&groups);
        assert_eq!(error.field(), Some(field), "{groups}: {error}");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("`{field}`")) && text.contains(words),
            "{groups}: {error}"
        );
        assert_ne!(error.kind(), PushErrorKind::TooLarge);
    }
    let refused = |member: &str| {
        let body = format!(r#"{{"session":{SESSION}{member}}}"#);
        PushBatch::parse_columns(body.as_bytes())
            .unwrap_err()
            .field()
            .map(str::to_owned)
    };
    assert_eq!(refused("").as_deref(), Some("columns"));
    assert_eq!(refused(r#","columns":{}"#).as_deref(), Some("columns"));
    assert_eq!(
        refused(r#","columns":[],"sensor_data":[]"#).as_deref(),
        Some("sensor_data")
    );
}

#[test]
fn a_long_name_is_cut_in_the_message() {
    let groups = format!(
        r#"{{"sensor_type":"s","timestamp":[1],"data":{{"{}":5}}}}"#,
        "é".repeat(10_000)
    );
    let error = parse(&groups).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}

#[test]
fn records_are_counted_through_all_groups_and_fields_in_each() {
    let zeros = vec!["0"; 600_000].join(",");
    for times in [
        format!("[{zeros}]"),
        format!(r#"{{"first":0,"steps":[{zeros}]}}"#),
    ] {
        let group = format!(r#"{{"sensor_type":"s","timestamp":{times},"data":{{}}}}"#);
        let error = parse(&format!("{group},{group}")).unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (PushErrorKind::TooLarge, Some("columns"))
        );
    }
    let fields = |count: usize| {
        let fields: Vec<String> = (0..count)
            .map(|n| format!(r#""{n}":{{"rows":[],"values":[]}}"#))
            .collect();
        parse(&format!(
            r#"{{"sensor_type":"s","timestamp":[1],"data":{{{}}}}}"#,
            fields.join(",")
        ))
    };
    assert_eq!(
        fields(COLUMN_GROUP_FIELDS_MAX_COUNT)
            .unwrap()
            .valid_records(),
        1
    );
    let error = fields(COLUMN_GROUP_FIELDS_MAX_COUNT + 1).unwrap_err();
    assert_eq!(
        (error.kind(), error.field()),
        (PushErrorKind::TooLarge, Some("columns[0].data"))
    );
}

#[test]
fn hostile_nesting_is_refused_without_recursion() {
    let deep = 100_000;
    let value = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let batch = parse(&format!(
        r#"{{"sensor_type":"s","timestamp":[1,2],"data":{{"x":[{value},1]}}}}"#
    ))
    .unwrap();
    assert_eq!((batch.valid_records(), batch.errors), (1, 1));
    for open in [
        "[",
        "{\"a\":",
        "{\"columns\":[",
        "{\"columns\":[{\"data\":{\"x\":[",
    ] {
        assert!(PushBatch::parse_columns(open.repeat(deep).as_bytes()).is_err());
    }
}
