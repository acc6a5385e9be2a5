//! Breaking a body: as JSON, with values that do not belong there, and as bytes.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::{Value, json};

/// Texts that parsers stumble over.
const TOKENS: [&str; 28] = [
    "1e999",
    "-1e999",
    "-0",
    "1e-400",
    "9007199254740993",
    "99999999999999999999999999999999",
    "-1",
    "0.1e",
    "NaN",
    "Infinity",
    "01",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\q\"",
    "\u{0}",
    "\u{feff}",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":",
    ",",
    ":",
    "}",
    "]",
    "\"",
];
const LONG_TEXT_BYTES: usize = 200_000;
const STEPS_MAX_COUNT: usize = 4;
const RANDOM_BODY_MAX_BYTES: usize = 300;

/// A broken form of `body`; at times the body itself, so that what lies behind the parser is
/// reached too.
pub fn broken(body: &Value, random: &mut StdRng) -> Vec<u8> {
    match random.random_range(0..10) {
        0 => text(body),
        1..=4 => {
            let mut body = body.clone();
            for _ in 0..random.random_range(1..=STEPS_MAX_COUNT) {
                replace_somewhere(&mut body, random);
            }
            text(&body)
        }
        5..=8 => {
            let mut bytes = text(body);
            for _ in 0..random.random_range(1..=STEPS_MAX_COUNT) {
                break_bytes(&mut bytes, random);
            }
            bytes
        }
        _ => random_bytes(random),
    }
}

fn text(body: &Value) -> Vec<u8> {
    if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    }
}

fn random_bytes(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = vec![0; random.random_range(0..RANDOM_BODY_MAX_BYTES)];
    random.fill_bytes(&mut bytes);
    bytes
}

/// Walks down to a random place and puts another value there, or removes or adds a member.
fn replace_somewhere(value: &mut Value, random: &mut StdRng) {
    let stop = random.random_bool(0.2);
    match value {
        Value::Object(members) if !stop && !members.is_empty() => {
            let keys: Vec<_> = members.keys().cloned().collect();
            let Some(key) = keys.choose(random) else {
                return;
            };
            match random.random_range(0..8) {
                0 => drop(members.remove(key)),
                1 => drop(members.insert(odd_text(random), odd_value(random))),
                _ => {
                    if let Some(member) = members.get_mut(key) {
                        replace_somewhere(member, random);
                    }
                }
            }
        }
        Value::Array(items) if !stop && !items.is_empty() => {
            let index = random.random_range(0..items.len());
            replace_somewhere(&mut items[index], random);
        }
        other => *other = odd_value(random),
    }
}

fn odd_value(random: &mut StdRng) -> Value {
    match random.random_range(0..14) {
        0 => Value::Null,
        1 => json!(random.random::<bool>()),
        2 => json!(random.random::<u64>()),
        3 => json!(random.random::<i64>()),
        4 => json!(f64::from_bits(random.next_u64())),
        5 => json!(-0.0),
        6 => json!(odd_text(random)),
        7 => json!([]),
        8 => json!({}),
        9 => json!([odd_text(random), 1, null]),
        10 => json!({ odd_text(random): odd_text(random) }),
        11 => json!(random.random_range(-2..3)),
        12 => json!("2025-11-13T25:61:61Z"),
        _ => (0..random.random_range(1..100)).fold(json!(1), |inner, _| json!([inner])),
    }
}

fn odd_text(random: &mut StdRng) -> String {
    match random.random_range(0..6) {
        0 => String::new(),
        1 => "\0".to_owned(),
        2 => "x".repeat(random.random_range(1..LONG_TEXT_BYTES)),
        3 => "\u{202e}\u{1f600}\u{301}\r\n\t\u{7f}".to_owned(),
        4 => "9999-12-31T23:59:60Z".to_owned(),
        _ => (0..random.random_range(1..20))
            .map(|_| random.random::<char>())
            .collect(),
    }
}

fn break_bytes(bytes: &mut Vec<u8>, random: &mut StdRng) {
    let at = random.random_range(0..=bytes.len());
    let end = (at + random.random_range(0..40)).min(bytes.len());
    match random.random_range(0..5) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let again = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, again));
        }
        3 => {
            let token = TOKENS.choose(random).copied().unwrap_or_default();
            drop(bytes.splice(at..end, token.bytes()));
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
    }
}
