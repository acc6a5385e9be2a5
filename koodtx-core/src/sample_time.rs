//! The `timestamp` of a sample: microseconds inside, milliseconds on the wire.

use crate::limits::RECORD_TIMESTAMP_MAX_MILLIS;
use crate::time::{MICROS_PER_MILLI, Timestamp};

/// Latest time of a sample.
pub const SAMPLE_TIME_MAX: Timestamp = Timestamp::from_millis(RECORD_TIMESTAMP_MAX_MILLIS);

/// Whether a sample may have been taken then: from the epoch to [`SAMPLE_TIME_MAX`].
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
}
