//! JSON texts in other spellings, and their values as serde_json reads them.

use std::collections::BTreeMap;

use serde_json::Value;

/// The same JSON without white space between its tokens.
pub fn minified(json: &str) -> String {
    respaced(json, |_| "")
}

/// The same JSON with white space between its tokens that differs from record to record, so that no two
/// records look alike.
pub fn scattered(json: &str) -> String {
    respaced(json, |token| match token % 7 {
        0 => " ",
        3 => "\n\t",
        _ => "",
    })
}

/// The same JSON with the white space `between(n)` behind its n-th token of punctuation.
fn respaced(json: &str, between: impl Fn(usize) -> &'static str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped, mut tokens) = (false, false, 0);
    for character in json.chars() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else {
            match character {
                ' ' | '\t' | '\n' | '\r' => {}
                '{' | '}' | '[' | ']' | ',' | ':' => {
                    out.push(character);
                    out.push_str(between(tokens));
                    tokens += 1;
                }
                other => {
                    out.push(other);
                    in_string = other == '"';
                }
            }
        }
    }
    out
}

/// A JSON value in which numbers are the bits of the nearest double, so that `1` equals `1.0` and `0.0`
/// does not equal `-0.0`.
#[derive(Debug, PartialEq)]
pub enum Exact {
    /// `null`, a truth value or a string.
    Plain(Value),
    /// A number.
    Number(u64),
    /// An array.
    Array(Vec<Exact>),
    /// An object.
    Object(BTreeMap<String, Exact>),
}

impl From<Value> for Exact {
    fn from(value: Value) -> Self {
        match value {
            // serde_json reads `-0` as a double, so the sign is there.
            Value::Number(number) => {
                Self::Number(number.as_f64().expect("a number is a double").to_bits())
            }
            Value::Array(elements) => Self::Array(elements.into_iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (key, Self::from(value)))
                    .collect(),
            ),
            plain => Self::Plain(plain),
        }
    }
}
