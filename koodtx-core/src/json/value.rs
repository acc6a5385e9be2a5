//! JSON values with exact numbers, for whatever is not on the hot path.

use std::collections::BTreeMap;

use super::number::EXACT_INTEGER_MAX;
use super::scanner::{LoneSurrogate, Scanner, SyntaxError};
use super::write::{write_f64, write_string};

/// A JSON value. Objects are ordered by key; of equal keys the last one counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

/// A JSON number.
///
/// `PartialEq` compares representations; numeric equality is that of [`canonical_text`].
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A finite double. Integers within ±2^53 are always doubles.
    Double(f64),
    /// The digits of an integer beyond ±2^53, with a `-` where it is negative.
    BigInteger(Box<str>),
}

/// Why a text is no value that can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is no JSON.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A number beyond the range of a double.
    #[error("a number is too large (beyond ±1.8e308)")]
    NumberNotFinite,
    /// Half of a surrogate pair.
    #[error("a string holds half of a surrogate pair, which is no character")]
    LoneSurrogate,
    /// U+0000 in a string or key.
    #[error("a string holds U+0000, which not every store can keep")]
    NulCharacter,
    /// It is longer than the caller allows.
    #[error("it is too long")]
    TooLong,
    /// It nests deeper than the caller allows.
    #[error("it nests too deeply")]
    TooDeep,
}

impl From<LoneSurrogate> for JsonError {
    fn from(_: LoneSurrogate) -> Self {
        Self::LoneSurrogate
    }
}

/// How numbers are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Short, and the very double comes back.
    Stored,
    /// Numerically equal numbers have one text.
    Canonical,
}

impl Json {
    /// Reads one JSON text that nests at most `depth_max` deep.
    ///
    /// # Errors
    /// When it is no JSON, nests deeper, or holds what no store can keep.
    pub fn parse(text: &str, depth_max: usize) -> Result<Self, JsonError> {
        let mut scanner = Scanner::new(text);
        let value = Self::read(&mut scanner, depth_max)?;
        scanner.finish()?;
        Ok(value)
    }

    /// Reads a value of at most `bytes_max` bytes that nests at most `depth_max` deep.
    ///
    /// Both are checked before anything is built: a value in memory is many times as large as its
    /// text, so a body of a few kilobytes, decompressed, could otherwise fill the memory.
    pub(crate) fn read_bounded(
        scanner: &mut Scanner<'_>,
        bytes_max: usize,
        depth_max: usize,
    ) -> Result<Self, JsonError> {
        let (text, depth) = scanner.clone().value()?;
        if depth > depth_max {
            return Err(JsonError::TooDeep);
        }
        if text.len() > bytes_max {
            return Err(JsonError::TooLong);
        }
        Self::read(scanner, depth_max)
    }

    /// Reads a value; recursion ends at `depth_left`.
    fn read(scanner: &mut Scanner<'_>, depth_left: usize) -> Result<Self, JsonError> {
        match scanner.peek() {
            b'{' | b'[' if depth_left == 0 => Err(JsonError::TooDeep),
            b'{' => {
                scanner.take(b'{');
                let mut members = BTreeMap::new();
                let mut first = true;
                while let Some(key) = scanner.next_key(&mut first)? {
                    let key = text(&key.decode()?)?;
                    members.insert(key, Self::read(scanner, depth_left - 1)?);
                }
                Ok(Self::Object(members))
            }
            b'[' => {
                scanner.take(b'[');
                let mut elements = Vec::new();
                let mut first = true;
                while scanner.next_element(&mut first)? {
                    elements.push(Self::read(scanner, depth_left - 1)?);
                }
                Ok(Self::Array(elements))
            }
            b'"' => Ok(Self::String(text(&scanner.string()?.decode()?)?)),
            b'-' | b'0'..=b'9' => scanner
                .number()?
                .to_number()
                .map(Self::Number)
                .ok_or(JsonError::NumberNotFinite),
            _ => Ok(match scanner.literal()? {
                "null" => Self::Null,
                literal => Self::Bool(literal == "true"),
            }),
        }
    }

    /// The text in which the value is stored and sent: no white space, keys ordered, shortest
    /// numbers.
    pub fn stored_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Form::Stored);
        text
    }

    /// The text that decides equality and order of values; see [`canonical_text`].
    pub fn canonical_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Form::Canonical);
        text
    }

    fn write(&self, out: &mut String, form: Form) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(Number::BigInteger(digits)) => out.push_str(digits),
            Self::Number(Number::Double(double)) if form == Form::Stored => write_f64(out, *double),
            Self::Number(Number::Double(double)) => write_canonical_f64(out, *double),
            Self::String(text) => write_string(out, text),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write(out, form);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, member)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_string(out, key);
                    out.push(':');
                    member.write(out, form);
                }
                out.push('}');
            }
        }
    }
}

fn text(text: &str) -> Result<String, JsonError> {
    if text.contains('\0') {
        Err(JsonError::NulCharacter)
    } else {
        Ok(text.to_owned())
    }
}

/// Numerically equal doubles and integers get one text: zero has no sign, and an integral double
/// beyond 2^53 is written with all its digits, as an integer would be.
fn write_canonical_f64(out: &mut String, double: f64) {
    if double == 0.0 {
        out.push('0');
    } else if double.abs() > EXACT_INTEGER_MAX as f64 {
        use std::fmt::Write;
        // A double of this size is integral. Writing to a string cannot fail.
        let _ = write!(out, "{double:.0}");
    } else {
        write_f64(out, double);
    }
}

/// The canonical form of a JSON text: keys ordered bytewise, no white space, numbers by value.
///
/// Two values are equal exactly when their canonical texts are, and of two values with equal stamps
/// the one with the (bytewise) greater canonical text wins. A text that is no valid value of the
/// protocol is returned as it is.
pub fn canonical_text(text: &str) -> String {
    // Stored texts were bounded when they were validated; this only keeps recursion finite.
    const DEPTH_MAX: usize = 128;
    Json::parse(text, DEPTH_MAX).map_or_else(|_| text.to_owned(), |value| value.canonical_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        for (left, right) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("-0", "0.0"),
            ("1152921504606846976", "1152921504606846976.0"),
            ("1e22", "10000000000000000000000"),
            (r#"{"b":1,"a":[2.50]}"#, r#" {"a" : [2.5], "b": 1e0} "#),
            (r#""\u0041\/""#, r#""A/""#),
        ] {
            assert_eq!(canonical_text(left), canonical_text(right));
        }
        for (left, right) in [
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993", "9007199254740993.0"),
            ("1", "\"1\""),
            ("0", "false"),
            ("0.1", "0.1000000000000001"),
        ] {
            assert_ne!(canonical_text(left), canonical_text(right));
        }
    }

    #[test]
    fn stored_text_keeps_the_very_number() {
        for text in [
            "-0.0",
            "0.1",
            "5e-324",
            "1.7976931348623157e308",
            "9007199254740993",
            "-18446744073709551617",
        ] {
            let stored = Json::parse(text, 0).unwrap().stored_text();
            assert_eq!(
                stored.parse::<f64>().unwrap().to_bits(),
                text.parse::<f64>().unwrap().to_bits()
            );
            assert_eq!(canonical_text(&stored), canonical_text(text));
        }
        assert_eq!(Json::parse("1e2", 0).unwrap().stored_text(), "100");
    }

    #[test]
    fn refuses_what_cannot_be_stored() {
        assert_eq!(Json::parse("1e400", 0), Err(JsonError::NumberNotFinite));
        assert_eq!(
            Json::parse(&"9".repeat(400), 0),
            Err(JsonError::NumberNotFinite)
        );
        assert_eq!(Json::parse(r#""\ud800""#, 0), Err(JsonError::LoneSurrogate));
        assert_eq!(
            Json::parse(r#""\ud800\u0041""#, 0),
            Err(JsonError::LoneSurrogate)
        );
        assert_eq!(
            Json::parse(r#"{"\u0000":1}"#, 1),
            Err(JsonError::NulCharacter)
        );
        assert_eq!(Json::parse("[[1]]", 1), Err(JsonError::TooDeep));
    }
}
