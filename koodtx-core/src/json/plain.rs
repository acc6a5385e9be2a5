//! Numbers as sensors write them, eight digits at a time.
//!
//! Nearly every reading is a few digits, a point and some more; a time is some thirteen digits. Fractions and
//! times are read here without a branch for each digit; any other number is left to the scanner's own way,
//! so nothing but speed depends on this file.

use super::number::{EXACT_INTEGER_MAX, EXACT_POWERS, divide_by_power_of_ten};
use super::scanner::{Scanner, SyntaxError};
use crate::time::MICROS_PER_MILLI;

/// Digits that are read in one step.
const STEP_DIGITS: usize = 8;
/// This many digits always fit 64 bits.
const MANTISSA_DIGITS_MAX: usize = 19;

const POWERS: [u64; STEP_DIGITS + 1] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// How many digits the text of eight bytes begins with, and their value.
#[inline(always)]
fn leading_digits(text: [u8; STEP_DIGITS]) -> (usize, u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The first character is the lowest byte; digits become 0 to 9.
    let values = u64::from_le_bytes(text) ^ (EACH * 0x30);
    // The highest bit of each byte that is more than 9. A carry out of a byte reaches only bytes behind
    // one that is more than 9 itself, and of these only the first is looked for.
    let others = (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80);
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    // Zeros in front in place of what follows the digits.
    let digits = values << (8 * (STEP_DIGITS - count));
    // Neighbours are joined: to pairs, to fours, to the eight.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
    (count, eight)
}

/// The digits at `at`: how many, and their value; `None` where there may be more than 19, or the end of
/// the text is near.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a few instructions a number")]
fn digits(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    let step = |at: usize| Some(leading_digits(*bytes.get(at..)?.first_chunk()?));
    let (count, value) = step(at)?;
    if count < STEP_DIGITS {
        return Some((count, value));
    }
    let (more, low) = step(at + STEP_DIGITS)?;
    let value = value * POWERS[more] + low;
    if more < STEP_DIGITS {
        return Some((STEP_DIGITS + more, value));
    }
    let (rest, low) = step(at + 2 * STEP_DIGITS)?;
    let count = 2 * STEP_DIGITS + rest;
    (count <= MANTISSA_DIGITS_MAX).then(|| (count, value * POWERS[rest] + low))
}

/// Whether a number that has come to this byte goes on: as a decimal, or with an exponent.
#[inline]
fn goes_on(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'.' | b'e' | b'E'))
}

/// A number as it is kept.
pub(crate) enum Reading<'a> {
    Double(f64),
    /// An integer that a double may not hold exactly, as it was sent.
    BigInteger(&'a str),
}

impl<'a> Scanner<'a> {
    /// Takes a number, whose first byte comes next; `None` where it is too large for a double.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once a number")]
    pub(crate) fn reading(&mut self) -> Result<Option<Reading<'a>>, SyntaxError> {
        if let Some(double) = self.plain_double() {
            return Ok(Some(Reading::Double(double)));
        }
        let token = self.number()?;
        let kept = |double| {
            if token.is_big_integer() {
                Reading::BigInteger(token.text)
            } else {
                Reading::Double(double)
            }
        };
        Ok(token.to_f64().map(kept))
    }

    /// Takes a number as sensors write it. `None`, with nothing taken, where it is not one, or only
    /// [`Self::number`] can tell what it is.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "most of parsing")]
    fn plain_double(&mut self) -> Option<f64> {
        let bytes = self.bytes();
        let negative = bytes.get(self.at) == Some(&b'-');
        let start = self.at + usize::from(negative);
        let mut at = start;
        let mut mantissa = 0;
        while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
            && at - start <= MANTISSA_DIGITS_MAX
        {
            mantissa = u64::wrapping_add(u64::wrapping_mul(mantissa, 10), u64::from(digit));
            at += 1;
        }
        let whole = at - start;
        if whole == 0 || (whole > 1 && bytes[start] == b'0') {
            return None;
        }
        let mut fraction = 0;
        if bytes.get(at) == Some(&b'.') {
            let (count, value) = digits(bytes, at + 1)?;
            if count == 0 {
                return None;
            }
            fraction = count;
            at += 1 + count;
            mantissa = mantissa.wrapping_mul(TENS[fraction]).wrapping_add(value);
        }
        if whole + fraction > MANTISSA_DIGITS_MAX || goes_on(bytes.get(at)) {
            return None;
        }
        let magnitude = if mantissa <= EXACT_INTEGER_MAX {
            mantissa as f64 / EXACT_POWERS[fraction]
        } else if fraction > 0 {
            divide_by_power_of_ten(mantissa, fraction)
        } else {
            return None;
        };
        self.at = at;
        // No branch: which sign comes next nobody can predict.
        let sign = u64::from(negative) << 63;
        Some(f64::from_bits(magnitude.to_bits() | sign))
    }

    /// Takes an integer, as [`Self::plain_double`] takes a number.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "most of reading times")]
    pub(crate) fn plain_integer(&mut self) -> Option<i64> {
        let bytes = self.bytes();
        let negative = bytes.get(self.at) == Some(&b'-');
        let start = self.at + usize::from(negative);
        let (count, value) = digits(bytes, start)?;
        let leading_zero = count > 1 && bytes[start] == b'0';
        if count == 0 || leading_zero || goes_on(bytes.get(start + count)) {
            return None;
        }
        let value = i64::try_from(value).ok()?;
        self.at = start + count;
        Some(if negative { -value } else { value })
    }

    /// Takes a number of milliseconds, whose first byte comes next: as microseconds, and `None` where they do
    /// not fit.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once a record")]
    pub(crate) fn millis(&mut self) -> Result<Option<i64>, SyntaxError> {
        Ok(match self.plain_integer() {
            Some(millis) => millis.checked_mul(MICROS_PER_MILLI),
            None => self.number()?.millis_to_micros(),
        })
    }
}

const TENS: [u64; MANTISSA_DIGITS_MAX + 1] = {
    let mut tens = [1; MANTISSA_DIGITS_MAX + 1];
    let mut power = 1;
    while power < tens.len() {
        tens[power] = tens[power - 1] * 10;
        power += 1;
    }
    tens
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the standard library makes of the number, and where it ends; the scanner's own way has to
    /// agree.
    fn general(text: &str) -> Option<(u64, usize)> {
        let mut scanner = Scanner::new(text);
        let token = scanner.number().ok()?;
        let double: f64 = token.text.parse().unwrap();
        let double = Some(double).filter(|double| double.is_finite());
        assert_eq!(
            token.to_f64().map(f64::to_bits),
            double.map(f64::to_bits),
            "{text}"
        );
        double
            .filter(|_| !token.is_big_integer())
            .map(|double| (double.to_bits(), scanner.at))
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "-?(0|[1-9][0-9]{0,4})\\.[0-9]{1,18}",
            1 => "-?[0-9]{1,21}(\\.[0-9]{0,21})?([eE]-?[0-9]{1,2})?",
            1 => any::<f64>().prop_map(|double| double.to_string()),
            1 => any::<f32>().prop_map(|single| f64::from(single).to_string()),
            1 => any::<i64>().prop_map(|integer| integer.to_string()),
            // Halfway between two doubles, or next to it.
            2 => (1_u64 << 53..1 << 54, -1..2_i64, 0..4_usize).prop_map(|(odd, aside, zeros)| {
                let half = i128::from(odd | 1) * 5 * 10_i128.pow(zeros as u32) + i128::from(aside);
                let text = half.to_string();
                let point = text.len() - 1 - zeros;
                format!("{}.{}", &text[..point], &text[point..])
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn numbers_are_those_of_the_general_way(text in number(), end in "[-+,\\]}:;/ \t\n\x00éx.eE]|", more in "[0-9]{0,20}") {
            let text = format!("{text}{end}{more}");
            let mut scanner = Scanner::new(&text);
            let expected = general(&text);
            if let Some(double) = scanner.plain_double() {
                prop_assert_eq!(Some((double.to_bits(), scanner.at)), expected, "{}", text);
            } else {
                prop_assert_eq!(scanner.at, 0);
            }
            let mut scanner = Scanner::new(&text);
            if let Some(integer) = scanner.plain_integer() {
                let token = Scanner::new(&text).number().unwrap();
                prop_assert!(token.integer);
                prop_assert_eq!(token.text.parse().ok(), Some(integer));
                prop_assert_eq!(token.text.len(), scanner.at);
            }
        }
    }

    /// The usual numbers are read here, or all of this were for nothing.
    #[test]
    fn what_sensors_write_is_plain() {
        // In a list, and in a record without and with white space.
        for behind in [
            ",0.1,0.2,0.3,0.4,0.5,0.6]",
            "}},{\"sensor_type\":\"gyroscope\"",
            " } }, { \"sensor_type\"",
        ] {
            for text in [
                "0",
                "-0",
                "0.1",
                "-9.8125",
                "45.772134",
                "0.12345678955316544",
                "1013",
                "-43.02315139770508",
            ] {
                let list = format!("{text}{behind}");
                let double = Scanner::new(&list).plain_double();
                assert_eq!(
                    double.map(f64::to_bits),
                    text.parse().ok().map(f64::to_bits),
                    "{list}"
                );
            }
            for text in ["0", "10", "-5", "1699876543210"] {
                let list = format!("{text}{behind}");
                assert_eq!(
                    Scanner::new(&list).plain_integer(),
                    text.parse().ok(),
                    "{list}"
                );
            }
        }
    }
}
