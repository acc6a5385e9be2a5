//! The `timestamp` of a sample: microseconds inside, milliseconds on the wire.

use crate::limits::RECORD_TIMESTAMP_MAX_MILLIS;
use crate::time::{MICROS_PER_MILLI, Timestamp};

/// Latest time of a sample.
pub const SAMPLE_TIME_MAX: Timestamp = Timestamp::from_millis(RECORD_TIMESTAMP_MAX_MILLIS);

/// Whether a sample may have been taken then: from the epoch to [`SAMPLE_TIME_MAX`].
#[inline]
pub fn is_sample_time(time: Timestamp) -> bool {
    (Timestamp::ZERO..=SAMPLE_TIME_MAX).contains(&time)
}

/// Appends a sample's time as the protocol writes it: milliseconds, with a fraction only where the
/// microseconds need one.
#[inline]
pub fn write_sample_time(out: &mut String, time: Timestamp) {
    let micros = time.as_micros();
    let (millis, rest) = (
        micros.div_euclid(MICROS_PER_MILLI),
        micros.rem_euclid(MICROS_PER_MILLI),
    );
    out.push_str(itoa::Buffer::new().format(millis));
    if rest != 0 {
        let digits =
            [rest / 100, rest / 10 % 10, rest % 10].map(|digit| char::from(b'0' + digit as u8));
        let needed = 3 - digits
            .iter()
            .rev()
            .take_while(|&&digit| digit == '0')
            .count();
        out.push('.');
        out.extend(&digits[..needed]);
    }
}

/// Sample times in the JSON that stores keep, for `#[serde(with = "koodtx_core::sample_time::exact")]`.
///
/// RFC 3339, as any [`Timestamp`]; but the last day of the year 9999 has later instants than RFC 3339 can
/// express in every offset, so from [`Timestamp::MAX`] on it is microseconds since the epoch, a number.
pub mod exact {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::time::Timestamp;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Written {
        Micros(i64),
        Text(String),
    }

    /// Writes a time.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        if *time < Timestamp::MAX {
            time.serialize(serializer)
        } else {
            Written::Micros(time.as_micros()).serialize(serializer)
        }
    }

    /// Reads a time.
    ///
    /// # Errors
    /// Those of the deserializer, and where it is neither a number nor RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Micros(micros) => Ok(Timestamp::from_micros(micros)),
            Written::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_fraction_only_where_there_is_one() {
        for (micros, text) in [
            (1_699_876_543_210_000, "1699876543210"),
            (1_699_876_543_210_125, "1699876543210.125"),
            (1_699_876_543_210_500, "1699876543210.5"),
            (1_699_876_543_210_020, "1699876543210.02"),
            (0, "0"),
        ] {
            let mut out = String::new();
            write_sample_time(&mut out, Timestamp::from_micros(micros));
            assert_eq!(out, text);
        }
    }

    #[test]
    fn stores_keep_every_time_exactly() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Kept(#[serde(with = "exact")] Timestamp);

        for (time, text) in [
            (Timestamp::ZERO, "\"1970-01-01T00:00:00Z\""),
            (
                Timestamp::MAX.plus_micros(-1),
                "\"9999-12-30T21:59:59.999999Z\"",
            ),
            (SAMPLE_TIME_MAX, "253402300799999000"),
        ] {
            assert_eq!(serde_json::to_string(&Kept(time)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Kept>(text).unwrap(), Kept(time));
        }
        let before: Kept = serde_json::from_str("\"9999-12-30T22:00:00Z\"").unwrap();
        assert_eq!(before, Kept(Timestamp::MAX));
        assert!(serde_json::from_str::<Kept>("\"soon\"").is_err());
    }
}
