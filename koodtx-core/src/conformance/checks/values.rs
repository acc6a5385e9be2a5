//! What was pushed comes back.

use crate::block::BLOCK_RECORDS_MAX_COUNT;
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::script::{ANN, RUN, record, session, session_id};
use crate::json::canonical_text;
use crate::limits::{RECORD_DATA_MAX_DEPTH, RECORD_TIMESTAMP_MAX_MILLIS, SENSOR_TYPE_MAX_CHARS};
use crate::time::Timestamp;

/// Pushes values, all together and each into a session of its own, and reads them back.
async fn survive(h: &Harness, values: &[String]) -> Outcome {
    let records: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(time, data)| record("s", time, data))
        .collect();
    h.push(ANN, &session(RUN), &records).await?;
    let together = h.records(ANN, RUN).await?;
    ensure_eq!(together.len(), values.len(), "records stored");
    for ((number, data), (_, stored)) in values.iter().enumerate().zip(&together) {
        let id = session_id(number as u128 + 1);
        h.push(ANN, &session(id), &[record("s", 1, data)]).await?;
        let alone = h.value(ANN, id).await?;
        for found in [&stored.data, &alone] {
            ensure_eq!(
                canonical_text(found),
                canonical_text(data),
                "what {data} came back as"
            );
        }
    }
    Ok(())
}

fn objects(values: &[&str]) -> Vec<String> {
    values
        .iter()
        .map(|value| format!(r#"{{"x":{value}}}"#))
        .collect()
}

/// Doubles come back as the same doubles, and integers within ±2^53 without a fraction.
pub(crate) async fn numbers_survive(h: &Harness) -> Outcome {
    let numbers = [
        "0",
        "1",
        "-1",
        "0.1",
        "-9.80665",
        "1e-7",
        "5e-324",
        "1.7976931348623157e308",
        "0.30000000000000004",
        "123456.789",
        "9007199254740991",
        "9007199254740992",
        "-9007199254740992",
    ];
    survive(h, &objects(&numbers)).await?;
    for (index, (_, stored)) in h.records(ANN, RUN).await?.iter().enumerate() {
        let text = stored
            .data
            .trim_start_matches(r#"{"x":"#)
            .trim_end_matches('}');
        let (found, pushed): (Result<f64, _>, Result<f64, _>) =
            (text.parse(), numbers[index].parse());
        ensure_eq!(
            found.map(f64::to_bits).ok(),
            pushed.map(f64::to_bits).ok(),
            "the double that {} came back as: {text}",
            numbers[index]
        );
        let integer = numbers[index].parse::<i64>().is_ok();
        ensure_eq!(
            text.parse::<i64>().is_ok(),
            integer,
            "{} without a fraction",
            numbers[index]
        );
    }
    Ok(())
}

/// Zero keeps its sign.
pub(crate) async fn negative_zero_survives(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &[record("s", 1, r#"{"x":-0.0}"#)])
        .await?;
    let data = h.value(ANN, RUN).await?;
    let text = data.trim_start_matches(r#"{"x":"#).trim_end_matches('}');
    let negative = text.parse::<f64>().ok().map(f64::is_sign_negative);
    ensure_eq!(negative, Some(true), "whether {text} is negative");
    Ok(())
}

/// Integers beyond ±2^53 keep every digit.
pub(crate) async fn big_integers_survive(h: &Harness) -> Outcome {
    let numbers = [
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775807",
        "18446744073709551615",
        "-123456789012345678901234567890",
    ];
    survive(h, &objects(&numbers)).await?;
    for ((_, stored), number) in h.records(ANN, RUN).await?.iter().zip(numbers) {
        ensure_eq!(
            stored.data,
            format!(r#"{{"x":{number}}}"#),
            "the digits of {number}"
        );
    }
    Ok(())
}

/// Every kind of JSON value survives, also where one field holds many kinds.
pub(crate) async fn every_kind_of_value_survives(h: &Harness) -> Outcome {
    let values = [
        "null",
        "true",
        "false",
        "1",
        "1.5",
        r#""1""#,
        r#""""#,
        "[]",
        "{}",
        "[1,[2,{\"y\":[]}],null]",
        r#"{"a":null,"b":{"c":[true,false]}}"#,
        r#""null""#,
        "2",
    ];
    let mut objects = objects(&values);
    objects.extend([
        r#"{"y":1,"z":"a"}"#.to_owned(),
        r#"{"x":1,"z":null}"#.to_owned(),
    ]);
    survive(h, &objects).await
}

/// Strings and keys survive in every script, with quotes, escapes and control characters.
pub(crate) async fn strings_and_keys_survive(h: &Harness) -> Outcome {
    let strings = [
        r#""plain""#,
        r#""é""#,
        "\"e\u{301}\"",
        r#""走る 🏃🏽‍♀️""#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#""\u0001\u001f\u007f\u2028\ud83d\ude00""#,
        "\"\u{10FFFF}\u{FFFD}\u{FEFF}\"",
        r#"" ""#,
    ];
    let mut values = objects(&strings);
    values.extend(strings.iter().map(|key| format!(r#"{{{key}:1,"":{key}}}"#)));
    survive(h, &values).await
}

/// An object may be empty, and so may a key.
pub(crate) async fn empty_objects_and_keys_survive(h: &Harness) -> Outcome {
    let values = [
        "{}",
        r#"{"":0}"#,
        r#"{"":{"":{}}}"#,
        r#"{"x":{}}"#,
        "{}",
        r#"{"":null,"x":1}"#,
    ];
    survive(h, &values.map(str::to_owned)).await
}

/// Objects and arrays may nest as deep as the limit says.
pub(crate) async fn deep_nesting_survives(h: &Harness) -> Outcome {
    let arrays = RECORD_DATA_MAX_DEPTH - 1;
    let deep_array = format!(r#"{{"x":{}{}}}"#, "[".repeat(arrays), "]".repeat(arrays));
    let deep_object = format!(
        "{}1{}",
        r#"{"x":"#.repeat(RECORD_DATA_MAX_DEPTH),
        "}".repeat(RECORD_DATA_MAX_DEPTH)
    );
    survive(h, &[deep_array, deep_object]).await
}

/// Fields may come and go from record to record, over several blocks.
pub(crate) async fn changing_fields_survive(h: &Harness) -> Outcome {
    let values: Vec<_> = (0..BLOCK_RECORDS_MAX_COUNT + 50)
        .map(|number| match number % 4 {
            0 => format!(r#"{{"x":{number}}}"#),
            1 => format!(r#"{{"x":{number},"y{}":"t"}}"#, number / 100),
            2 => "{}".to_owned(),
            _ => format!(r#"{{"x":"{number}","z":[{number}]}}"#),
        })
        .collect();
    let records: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(time, data)| record("s", time, data))
        .collect();
    h.push(ANN, &session(RUN), &records).await?;
    let stored: Vec<_> = h
        .records(ANN, RUN)
        .await?
        .into_iter()
        .map(|(_, r)| r.data)
        .collect();
    ensure_eq!(stored, values, "all values");
    Ok(())
}

/// A time is kept to the microsecond, two samples within a millisecond are two, and each is known again.
pub(crate) async fn times_survive_to_the_microsecond(h: &Harness) -> Outcome {
    let times = [
        ("0", 0),
        ("0.001", 1),
        ("1699876543210", 1_699_876_543_210_000),
        ("1699876543210.125", 1_699_876_543_210_125),
        ("1699876543210.126", 1_699_876_543_210_126),
        // Later than any offset can express within the year 9999.
        (
            "253402300799998.999",
            RECORD_TIMESTAMP_MAX_MILLIS * 1_000 - 1,
        ),
        ("253402300799999", RECORD_TIMESTAMP_MAX_MILLIS * 1_000),
    ];
    let records = times.map(|(millis, _)| record("s", millis, r#"{"x":1}"#));
    h.push(ANN, &session(RUN), &records).await?;
    for again in records.chunks(1).rev() {
        let answer = h.push(ANN, &session(RUN), again).await?;
        ensure_eq!(answer.inserted, 0, "{again:?} once more");
    }
    let stored: Vec<_> = h
        .records(ANN, RUN)
        .await?
        .iter()
        .map(|(_, r)| r.timestamp)
        .collect();
    ensure_eq!(
        stored,
        times.map(|(_, micros)| Timestamp::from_micros(micros)),
        "times"
    );
    Ok(())
}

/// Sensor types are kept apart by every character, and may be as long as the limit says.
pub(crate) async fn sensor_types_survive(h: &Harness) -> Outcome {
    let longest = "\u{10FFFF}".repeat(SENSOR_TYPE_MAX_CHARS);
    let mut names = [
        "acc", "ACC", "acc ", " ", "a/b", "é", "e\u{301}", "走", "%", "'",
    ]
    .to_vec();
    names.push(&longest);
    names.sort_unstable();
    let mut expected = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let data = format!(r#"{{"x":{number}}}"#);
        h.push(ANN, &session(RUN), &[record(name, 1, &data)])
            .await?;
        expected.push(format!("{name}@1000 {data}"));
    }
    ensure_eq!(
        h.values(ANN, RUN).await?,
        expected,
        "one value of each sensor"
    );
    Ok(())
}
