//! The push parser against `serde_json`, and its handling of what is wrong.

mod support;

use koodtx_core::json::canonical_text;
use koodtx_core::limits::{PUSH_ERROR_DETAILS_MAX_COUNT, RECORD_DATA_MAX_BYTES};
use koodtx_core::push::{PushBatch, PushErrorKind};
use koodtx_core::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

const SESSION: &str =
    r#"{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac","start_time":"2025-11-13T00:00:00Z"}"#;

fn body(records: &[String]) -> String {
    format!(
        r#" {{ "session" : {SESSION} , "sensor_data" : [{}] }} "#,
        records.join(" , ")
    )
}

fn parse(records: &[&str]) -> PushBatch {
    let records: Vec<String> = records.iter().map(|record| (*record).to_owned()).collect();
    PushBatch::parse(body(&records).as_bytes()).unwrap()
}

/// A record with its members in some order, among them one that the protocol does not know.
fn record() -> impl Strategy<Value = (String, i64, String, String)> {
    (
        select(vec!["accelerometer", "gyroscope", "gps"]),
        0..40_i64,
        support::data(),
        support::json_value(),
        Just([0, 1, 2, 3]).prop_shuffle(),
    )
        .prop_map(|(sensor, time, data, extra, order)| {
            let members = [
                format!(r#""sensor_type": "{sensor}""#),
                format!(r#""timestamp":{time}"#),
                format!(r#""data":{data}"#),
                format!(r#""extra":{extra}"#),
            ];
            let text = order.map(|at| members[at].clone()).join(", ");
            (sensor.to_owned(), time * 1_000, data, format!("{{{text}}}"))
        })
}

/// A time in microseconds, and the milliseconds as a client writes them.
fn time() -> impl Strategy<Value = (i64, String)> {
    prop_oneof![
        (0..200_i64).prop_map(|millis| (millis * 1_000, millis.to_string())),
        (1_699_876_543_200_000..1_699_876_543_300_000_i64).prop_map(|micros| {
            let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
            (
                micros,
                text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            )
        }),
        (0..100_i64).prop_map(|tens| (tens * 10_000, format!("{tens}E1"))),
    ]
}

/// Canonical values by sensor and time in microseconds.
fn read(batch: &PushBatch) -> std::collections::BTreeMap<(String, i64), String> {
    let rows = |series: &'_ koodtx_core::push::SeriesBatch| {
        (0..series.records.len())
            .map(|row| {
                let key = (
                    series.sensor_type.to_string(),
                    series.records.time(row).as_micros(),
                );
                (key, canonical_text(&series.records.data(row)))
            })
            .collect::<Vec<_>>()
    };
    batch.series.iter().flat_map(rows).collect()
}

proptest! {
    #[test]
    fn every_valid_record_is_read_as_it_was_written(
        records in proptest::collection::vec(record(), 0..60),
    ) {
        let texts: Vec<String> = records.iter().map(|record| record.3.clone()).collect();
        let batch = PushBatch::parse(body(&texts).as_bytes()).unwrap();
        prop_assert_eq!(batch.errors, 0, "{:?}", batch.error_details);
        prop_assert_eq!(batch.total_records, records.len() as u64);
        let mut expected = std::collections::BTreeMap::new();
        for (sensor, time, data, _) in &records {
            expected.insert((sensor.clone(), *time), canonical_text(data));
        }
        prop_assert_eq!(batch.replaced, (records.len() - expected.len()) as u64);
        prop_assert_eq!(read(&batch), expected);
    }

    /// Records of one shape, which are read by comparing them with the one before.
    #[test]
    fn records_that_look_alike_are_read_as_they_were_written(
        shape in select(vec![
            ("{\"sensor_type\":\"", "\",\"timestamp\":", ",\"data\":{\"x\":", ",\"y\":", "}}"),
            ("{ \"sensor_type\" : \"", "\" , \"timestamp\" : ", " , \"data\" : { \"y\" : ", " , \"x\" : ", " } } "),
            ("{\"sensor_type\":\"", "\",\"timestamp\":", ",\"data\":{\"x\":", ",\"x\":", "}}"),
            ("{\"sensor_type\":\"", "\",\"timestamp\":", ",\"data\":{\"x\":1},\"data\":{\"x\":", ",\"z\":", "}}"),
        ]),
        records in proptest::collection::vec(
            (select(vec!["a", "b"]), time(), support::number(), support::number()), 0..40,
        ),
    ) {
        let texts: Vec<String> = records
            .iter()
            .map(|(sensor, (_, time), x, y)| {
                format!("{}{sensor}{}{time}{}{x}{}{y}{}", shape.0, shape.1, shape.2, shape.3, shape.4)
            })
            .collect();
        let batch = PushBatch::parse(body(&texts).as_bytes()).unwrap();
        prop_assert_eq!(batch.errors, 0, "{:?}", batch.error_details);
        let mut expected = std::collections::BTreeMap::new();
        for ((sensor, (time, _), ..), text) in records.iter().zip(&texts) {
            let record: serde_json::Value = serde_json::from_str(text).unwrap();
            prop_assert!(record.is_object());
            // The last object of the text, with its numbers as they are written there.
            let from = text.rfind('{').unwrap();
            let data = &text[from..=from + text[from..].find('}').unwrap()];
            expected.insert(((*sensor).to_owned(), *time), canonical_text(data));
        }
        prop_assert_eq!(read(&batch), expected);
    }

    /// A record that looks like the one before but for a time that no sample has.
    #[test]
    fn a_bad_time_among_records_that_look_alike_costs_one_record(
        bad in select(vec!["-1", "-0.001", "9223372036854775", "9223372036854776", "1e300", "18446744073709551616"]),
        (micros, good) in time(),
    ) {
        let texts = [good.as_str(), bad, good.as_str()]
            .map(|time| format!(r#"{{"sensor_type":"a","timestamp":{time},"data":{{"x":0.5}}}}"#));
        let batch = PushBatch::parse(body(&texts).as_bytes()).unwrap();
        let details: Vec<_> = batch.error_details.iter().map(|error| (error.index, error.code)).collect();
        prop_assert_eq!(details, [(1, "timestamp_out_of_range")]);
        let expected = (("a".to_owned(), micros), r#"{"x":0.5}"#.to_owned());
        prop_assert_eq!(read(&batch), [expected].into());
        prop_assert_eq!(batch.replaced, 1);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        prop_assert!(PushBatch::parse(&bytes).is_err());
    }

    /// What `serde_json` calls JSON and what the scanner calls JSON is the same.
    #[test]
    fn damage_is_found_as_serde_json_finds_it(
        records in proptest::collection::vec(record(), 1..4),
        at in any::<prop::sample::Index>(),
        with in prop_oneof![
            Just(None),
            select(b"{}[]\",:0-.eE+\\ u\x01tn".to_vec()).prop_map(Some),
        ],
    ) {
        let texts: Vec<String> = records.iter().map(|record| record.3.clone()).collect();
        let mut bytes = body(&texts).into_bytes();
        let at = at.index(bytes.len());
        match with {
            Some(byte) => bytes[at] = byte,
            None => bytes.truncate(at),
        }
        let ours = PushBatch::parse(&bytes);
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        let malformed = matches!(&ours, Err(error) if error.kind() == PushErrorKind::Malformed);
        // Where the two may differ: numbers beyond a double and halves of surrogate pairs are
        // faults of one record here, and a body that is no object is malformed here.
        let tolerated = match &theirs {
            Err(error) => {
                let text = error.to_string();
                text.contains("out of range") || text.contains("surrogate") || text.contains("hex escape")
            }
            Ok(value) => !value.is_object(),
        };
        prop_assert!(
            tolerated || if theirs.is_err() { ours.is_err() } else { !malformed },
            "{ours:?} {theirs:?} {}", String::from_utf8_lossy(&bytes)
        );
    }

    #[test]
    fn timestamps_are_rounded_to_the_microsecond(
        millis in 0..253_402_300_799_999_i64,
        fraction in "[0-9]{1,9}",
    ) {
        let time = format!("{millis}.{fraction}");
        let batch = parse(&[&format!(r#"{{"sensor_type":"s","timestamp":{time},"data":{{}}}}"#)]);
        let nanos: i64 = format!("{fraction:0<9}").parse().unwrap();
        let expected = millis * 1_000 + (nanos + 500_000) / 1_000_000;
        prop_assert_eq!(batch.series[0].records.time(0), Timestamp::from_micros(expected));
    }
}

#[test]
fn a_bad_record_never_fails_the_rest() {
    let good = r#"{"sensor_type":"s","timestamp":1,"data":{"x":1}}"#;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(16), "]".repeat(16));
    let large = format!(r#"{{"x":"{}"}}"#, "a".repeat(RECORD_DATA_MAX_BYTES));
    for (bad, code) in [
        ("5".to_owned(), "invalid_record"),
        ("[]".into(), "invalid_record"),
        (r#"{"timestamp":1,"data":{}}"#.into(), "missing_field"),
        (
            r#"{"sensor_type":"s","data":{"x":2}}"#.into(),
            "missing_field",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1}"#.into(),
            "missing_field",
        ),
        (
            r#"{"sensor_type":5,"timestamp":1,"data":{}}"#.into(),
            "invalid_sensor_type",
        ),
        (
            r#"{"sensor_type":"","timestamp":1,"data":{}}"#.into(),
            "invalid_sensor_type",
        ),
        (
            r#"{"sensor_type":"a\u0000","timestamp":1,"data":{}}"#.into(),
            "invalid_sensor_type",
        ),
        (
            r#"{"sensor_type":"s","timestamp":"1","data":{}}"#.into(),
            "invalid_timestamp",
        ),
        (
            r#"{"sensor_type":"s","timestamp":null,"data":{"x":2}}"#.into(),
            "invalid_timestamp",
        ),
        (
            r#"{"sensor_type":"s","timestamp":-1,"data":{}}"#.into(),
            "timestamp_out_of_range",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1699876543210000,"data":{}}"#.into(),
            "timestamp_out_of_range",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1e300,"data":{}}"#.into(),
            "timestamp_out_of_range",
        ),
        (
            r#"{"sensor_type":"s","timestamp":253402300799999.9,"data":{}}"#.into(),
            "timestamp_out_of_range",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":[]}"#.into(),
            "invalid_data",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":null}"#.into(),
            "invalid_data",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":{"x":1e999}}"#.into(),
            "number_not_finite",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":{"x":2,"y":"\u0000"}}"#.into(),
            "invalid_string",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":{"x":2,"\u0000":1}}"#.into(),
            "invalid_string",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":{"x":2,"y":"\ud800"}}"#.into(),
            "invalid_string",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":{},"updated_at":"soon"}"#.into(),
            "invalid_updated_at",
        ),
        (
            r#"{"sensor_type":"s","timestamp":1,"data":{"x":2},"updated_at":5}"#.into(),
            "invalid_updated_at",
        ),
        (
            format!(r#"{{"sensor_type":"s","timestamp":1,"data":{deep}}}"#),
            "data_too_deep",
        ),
        (
            format!(r#"{{"sensor_type":"s","timestamp":1,"data":{large}}}"#),
            "data_too_large",
        ),
        (
            format!(r#"{{"data":{large},"sensor_type":"s","timestamp":1}}"#),
            "data_too_large",
        ),
    ] {
        let batch = parse(&[
            good,
            &bad,
            r#"{"sensor_type":"s","timestamp":2,"data":{"x":3,"y":[]}}"#,
        ]);
        assert_eq!((batch.total_records, batch.errors), (3, 1), "{bad}");
        assert_eq!(batch.error_details[0].code, code, "{bad}");
        assert_eq!(batch.error_details[0].index, 1);
        let records = &batch
            .series
            .iter()
            .find(|series| series.sensor_type.as_str() == "s")
            .unwrap()
            .records;
        assert_eq!(records.len(), 2, "{bad}");
        assert_eq!(records.data(0), r#"{"x":1}"#, "{bad}");
        assert_eq!(records.data(1), r#"{"x":3,"y":[]}"#, "{bad}");
    }
}

#[test]
fn nesting_of_sixteen_levels_is_kept() {
    let data = format!("{{\"a\":{}1{}}}", "[".repeat(15), "]".repeat(15));
    let batch = parse(&[&format!(
        r#"{{"sensor_type":"s","timestamp":1,"data":{data}}}"#
    )]);
    assert_eq!(batch.errors, 0);
    assert_eq!(batch.series[0].records.data(0), data);
}

#[test]
fn the_last_of_repeated_members_counts() {
    let batch = parse(&[
        r#"{"sensor_type":"a","data":{"x":1,"x":"one","x":2},"sensor_type":"b","timestamp":1,"timestamp":2,
            "data":{"y":1},"data":{"x":3,"x":4}}"#,
    ]);
    assert_eq!(batch.errors, 0, "{:?}", batch.error_details);
    assert_eq!(batch.series.len(), 1);
    assert_eq!(batch.series[0].sensor_type.as_str(), "b");
    assert_eq!(batch.series[0].records.time(0), Timestamp::from_millis(2));
    assert_eq!(batch.series[0].records.data(0), r#"{"x":4}"#);
}

#[test]
fn error_details_are_bounded_and_counts_are_not() {
    let many = vec!["0"; PUSH_ERROR_DETAILS_MAX_COUNT + 5];
    let batch = parse(&many);
    assert_eq!(batch.errors, many.len() as u64);
    assert_eq!(batch.error_details.len(), PUSH_ERROR_DETAILS_MAX_COUNT);
}

#[test]
fn a_bad_session_fails_the_push_and_names_the_field() {
    let with = |member: &str| {
        format!(
            r#"{{"session":{{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
                "start_time":"2025-11-13T00:00:00Z",{member}}},"sensor_data":[]}}"#
        )
    };
    let long = |chars: usize| "n".repeat(chars);
    for (text, kind, field) in [
        ("[]".to_owned(), PushErrorKind::Malformed, None),
        ("{}".into(), PushErrorKind::MissingField, Some("session")),
        (
            r#"{"session":5,"sensor_data":[]}"#.into(),
            PushErrorKind::InvalidField,
            Some("session"),
        ),
        (
            format!(r#"{{"session":{SESSION}}}"#),
            PushErrorKind::MissingField,
            Some("sensor_data"),
        ),
        (
            format!(r#"{{"session":{SESSION},"sensor_data":{{}}}}"#),
            PushErrorKind::InvalidField,
            Some("sensor_data"),
        ),
        (
            r#"{"session":{},"sensor_data":[]}"#.into(),
            PushErrorKind::MissingField,
            Some("session.session_id"),
        ),
        (
            with(r#""session_id":"x""#),
            PushErrorKind::InvalidField,
            Some("session.session_id"),
        ),
        (
            with(r#""session_id":null"#),
            PushErrorKind::MissingField,
            Some("session.session_id"),
        ),
        (
            with(r#""start_time":"2025-11-13T00:00:00""#),
            PushErrorKind::InvalidField,
            Some("session.start_time"),
        ),
        (
            with(r#""end_time":"2025-11-12T23:59:59Z""#),
            PushErrorKind::InvalidField,
            Some("session.end_time"),
        ),
        (
            with(r#""sample_rate":0"#),
            PushErrorKind::InvalidField,
            Some("session.sample_rate"),
        ),
        (
            with(r#""sample_rate":"fast""#),
            PushErrorKind::InvalidField,
            Some("session.sample_rate"),
        ),
        (
            with(r#""is_active":1"#),
            PushErrorKind::InvalidField,
            Some("session.is_active"),
        ),
        (
            with(r#""enabled_sensors":[""]"#),
            PushErrorKind::InvalidField,
            Some("session.enabled_sensors"),
        ),
        (
            with(r#""enabled_sensors":"gps""#),
            PushErrorKind::InvalidField,
            Some("session.enabled_sensors"),
        ),
        (
            with(&format!(r#""notes":"{}""#, long(10_001))),
            PushErrorKind::InvalidField,
            Some("session.notes"),
        ),
        (
            with(r#""notes":"\u0000""#),
            PushErrorKind::InvalidField,
            Some("session.notes"),
        ),
        (
            with(r#""updated_at":"never""#),
            PushErrorKind::InvalidField,
            Some("session.updated_at"),
        ),
    ] {
        let error = PushBatch::parse(text.as_bytes()).unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (kind, field),
            "{text}: {error}"
        );
        if let Some(field) = field {
            assert!(error.to_string().contains(field), "{error}");
        }
    }
    assert!(PushBatch::parse(with(&format!(r#""notes":"{}""#, long(10_000))).as_bytes()).is_ok());
}

#[test]
fn hostile_nesting_is_refused_without_recursion() {
    let deep = 100_000;
    let record = format!(
        r#"{{"sensor_type":"s","timestamp":1,"data":{}{}}}"#,
        "{\"a\":".repeat(deep),
        "}".repeat(deep)
    );
    assert!(PushBatch::parse(body(&[record]).as_bytes()).is_err());
    let record = format!(
        r#"{{"sensor_type":"s","timestamp":1,"data":{}1{}}}"#,
        "{\"a\":".repeat(deep),
        "}".repeat(deep)
    );
    let batch = PushBatch::parse(body(&[record]).as_bytes()).unwrap();
    assert_eq!(batch.error_details[0].code, "data_too_deep");
    assert!(PushBatch::parse("[".repeat(deep).as_bytes()).is_err());
    assert!(PushBatch::parse("{\"session\":".repeat(deep).as_bytes()).is_err());
}

/// Values that take a hundred times their text in memory are refused by their text.
#[test]
fn what_is_too_large_is_refused_before_it_is_built() {
    let many = format!("[{}]", vec![r#"{"":0}"#; 100_000].join(","));
    for data in [
        format!(r#"{{"x":{many}}}"#),
        format!(r#"{{"x":1,"x":2,"y":{many}}}"#),
    ] {
        let batch = parse(&[&format!(
            r#"{{"sensor_type":"s","timestamp":1,"data":{data}}}"#
        )]);
        assert_eq!(batch.error_details[0].code, "data_too_large");
    }
    let session = |member: &str| {
        let body = format!(
            r#"{{"session":{{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
                "start_time":"2025-11-13T00:00:00Z",{member}}},"sensor_data":[]}}"#
        );
        PushBatch::parse(body.as_bytes())
    };
    let field = |member: &str| session(member).unwrap_err().field().map(str::to_owned);
    assert_eq!(
        field(&format!(r#""extra":{many}"#)).as_deref(),
        Some("session")
    );
    let some = &many[..many.len() / 10 / 7 * 7];
    let some = format!("{}]", some.trim_end_matches(','));
    assert!(session(&format!(r#""extra":{some}"#)).is_ok());
    assert_eq!(
        field(&format!(r#""notes":{some}"#)).as_deref(),
        Some("session.notes")
    );
    assert_eq!(
        field(r#""enabled_sensors":[["a"]]"#).as_deref(),
        Some("session.enabled_sensors")
    );
}
