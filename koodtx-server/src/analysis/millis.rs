//! Times and durations as the protocol writes those of samples.

use std::fmt;

use koodtx_core::time::{MICROS_PER_MILLI, Timestamp};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time since the epoch or a duration, in microseconds; on the wire a number of milliseconds, an
/// integer where it is whole.
///
/// Fractions are exact up to 2^53 µs, which is the year 2255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(i64);

impl Millis {
    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl From<Timestamp> for Millis {
    fn from(time: Timestamp) -> Self {
        Self(time.as_micros())
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % MICROS_PER_MILLI == 0 {
            serializer.serialize_i64(self.0 / MICROS_PER_MILLI)
        } else {
            serializer.serialize_f64(self.0 as f64 / MICROS_PER_MILLI as f64)
        }
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MillisVisitor)
    }
}

struct MillisVisitor;

impl Visitor<'_> for MillisVisitor {
    type Value = Millis;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of milliseconds")
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<Millis, E> {
        let micros = millis.checked_mul(MICROS_PER_MILLI);
        micros.map(Millis).ok_or_else(|| E::custom("out of range"))
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<Millis, E> {
        self.visit_i64(i64::try_from(millis).map_err(|_| E::custom("out of range"))?)
    }

    fn visit_f64<E: Error>(self, millis: f64) -> Result<Millis, E> {
        Ok(Millis((millis * MICROS_PER_MILLI as f64).round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_milliseconds_are_integers_and_others_have_a_fraction() {
        for (micros, text) in [
            (0, "0"),
            (1_699_876_543_210_000, "1699876543210"),
            (1_699_876_543_210_125, "1699876543210.125"),
            (1_699_876_543_210_500, "1699876543210.5"),
            (20, "0.02"),
        ] {
            let millis = Millis::from_micros(micros);
            assert_eq!(serde_json::to_string(&millis).unwrap(), text);
            assert_eq!(serde_json::from_str::<Millis>(text).unwrap(), millis);
        }
    }
}
