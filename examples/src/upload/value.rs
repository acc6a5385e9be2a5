//! When two JSON values are the same to the protocol.

use serde_json::{Number, Value};

/// Whether two values are equal with numbers compared as numbers: `1` equals `1.0`.
pub fn same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same_value(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, l)| right.get(key).is_some_and(|r| same_value(l, r)))
        }
        _ => left == right,
    }
}

fn same_number(left: &Number, right: &Number) -> bool {
    if left.is_f64() || right.is_f64() {
        left.as_f64() == right.as_f64()
    } else {
        left == right
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers_and_nothing_else_is() {
        assert!(same_value(
            &json!({"a": [1, 2.5], "b": null}),
            &json!({"b": null, "a": [1.0, 2.5]})
        ));
        assert!(!same_value(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992_u64)
        ));
        for (left, right) in [
            (json!(1), json!(1.000_001)),
            (json!(1), json!("1")),
            (json!([1]), json!([1, 2])),
            (json!({"a": 1}), json!({"a": 1, "b": 1})),
            (json!({"a": 1}), json!({"b": 1})),
            (json!(null), json!(false)),
        ] {
            assert!(
                !same_value(&left, &right) && !same_value(&right, &left),
                "{left} {right}"
            );
        }
    }
}
