//! When two JSON values are the same.

use serde_json::{Number, Value};

/// Same value: numbers as numbers, keys in any order.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

fn same_number(left: &Number, right: &Number) -> bool {
    left == right || (left.as_f64() == right.as_f64() && left.is_f64() != right.is_f64())
}

#[test]
fn numbers_are_the_same_as_numbers_and_nothing_else_is() {
    let same = |left: &str, right: &str| {
        same(
            &serde_json::from_str(left).unwrap(),
            &serde_json::from_str(right).unwrap(),
        )
    };
    assert!(same("{\"a\":1,\"b\":[1.0]}", "{\"b\":[1],\"a\":1.0}"));
    assert!(!same("9007199254740993", "9007199254740992"));
    assert!(!same("{\"a\":1}", "{\"a\":1,\"b\":null}"));
    assert!(!same("0.1", "0.10000000000000002"));
    assert!(!same("1", "\"1\""));
}
