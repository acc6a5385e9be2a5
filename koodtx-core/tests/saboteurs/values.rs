//! Defects of keeping values.

use koodtx_core::block::BLOCK_RECORDS_MAX_COUNT;
use koodtx_core::id::SensorType;
use koodtx_core::time::MICROS_PER_MILLI;
use serde_json::{Map, Value, json};

use super::broken::{HONEST, Hooks};
use super::edit::{edit_data, edit_rows};
use super::saboteur::{Saboteur, saboteur};

/// How deep a value nests; a number is 0.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn each_member(members: &mut Map<String, Value>, change: impl Fn(&Value) -> Option<Value>) {
    for value in members.values_mut() {
        if let Some(changed) = change(value) {
            *value = changed;
        }
    }
}

pub const VALUES: &[Saboteur] = &[
    saboteur(
        "doubles are kept as singles",
        Hooks {
            push: |inner, command, now| {
                let single = |value: &Value| {
                    let double = value.as_f64().filter(|double| double.fract() != 0.0)?;
                    let single = f64::from(double as f32);
                    single.is_finite().then(|| json!(single))
                };
                inner.push(
                    edit_data(&command, |members| each_member(members, single)),
                    now,
                )
            },
            ..HONEST
        },
        &["numbers_survive"],
    ),
    saboteur(
        "zero has no sign",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_rows(&command, |mut row| {
                    row.data = row.data.replace("-0.0", "0");
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["negative_zero_survives"],
    ),
    saboteur(
        "integers beyond 2^53 are kept as doubles",
        Hooks {
            push: |inner, command, now| {
                let double = |value: &Value| {
                    let beyond = value
                        .as_i64()
                        .is_some_and(|integer| integer.abs() > 1 << 53);
                    value
                        .as_f64()
                        .filter(|_| beyond)
                        .map(|double| json!(double))
                };
                inner.push(
                    edit_data(&command, |members| each_member(members, double)),
                    now,
                )
            },
            ..HONEST
        },
        &["big_integers_survive"],
    ),
    saboteur(
        "booleans are kept as numbers",
        Hooks {
            push: |inner, command, now| {
                let number = |value: &Value| value.as_bool().map(|flag| json!(u8::from(flag)));
                inner.push(
                    edit_data(&command, |members| each_member(members, number)),
                    now,
                )
            },
            ..HONEST
        },
        &["every_kind_of_value_survives"],
    ),
    saboteur(
        "strings are trimmed",
        Hooks {
            push: |inner, command, now| {
                let trim = |value: &Value| value.as_str().map(|text| json!(text.trim()));
                inner.push(
                    edit_data(&command, |members| each_member(members, trim)),
                    now,
                )
            },
            ..HONEST
        },
        &["strings_and_keys_survive"],
    ),
    saboteur(
        "empty keys are dropped",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_data(&command, |members| {
                    members.remove("");
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["empty_objects_and_keys_survive", "strings_and_keys_survive"],
    ),
    saboteur(
        "deep values are cut off",
        Hooks {
            push: |inner, command, now| {
                const DEPTH_MAX: usize = 10;
                let cut = |value: &Value| (depth(value) > DEPTH_MAX).then_some(Value::Null);
                inner.push(
                    edit_data(&command, |members| each_member(members, cut)),
                    now,
                )
            },
            ..HONEST
        },
        &["deep_nesting_survives"],
    ),
    saboteur(
        "behind the first block, a field that is absent is kept as null",
        Hooks {
            push: |inner, command, now| {
                let mut row = 0;
                let edited = edit_data(&command, |members| {
                    row += 1;
                    if row > BLOCK_RECORDS_MAX_COUNT {
                        members.entry("x").or_insert(Value::Null);
                    }
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["changing_fields_survive"],
    ),
    saboteur(
        "times are kept to the millisecond",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_rows(&command, |mut row| {
                    let rest = row.timestamp.as_micros() % MICROS_PER_MILLI;
                    row.timestamp = row.timestamp.plus_micros(-rest);
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["times_survive_to_the_microsecond"],
    ),
    saboteur(
        "sensor types are trimmed",
        Hooks {
            push: |inner, command, now| {
                let edited = edit_rows(&command, |mut row| {
                    if let Ok(trimmed) = SensorType::new(row.sensor.as_str().trim()) {
                        row.sensor = trimmed;
                    }
                    Some(row)
                });
                inner.push(edited, now)
            },
            ..HONEST
        },
        &["sensor_types_survive"],
    ),
];
