//! Numbers as sensors write them, eight digits at a time.
//!
//! Nearly every reading is a few digits, a point and some more; a time is some thirteen digits. Fractions and
//! times are read here without a branch for each digit; any other number is left to the scanner's own way,
//! so nothing but speed depends on this file.

use super::number::{EXACT_INTEGER_MAX, EXACT_POWERS, divide_by_power_of_ten};
use super::scanner::{Scanner, SyntaxError};
use crate::time::MICROS_PER_MILLI;

/// Digits that are read in one step.
pub(super) const STEP_DIGITS: usize = 8;
/// This many digits always fit 64 bits.
pub(super) const MANTISSA_DIGITS_MAX: usize = 19;

/// Digits before the point of a double that is read here.
const WHOLE_DIGITS_MAX: usize = STEP_DIGITS;
/// What is looked at of the digits before a point, or of those behind it.
pub(super) const PART_BYTES: usize = 3 * STEP_DIGITS;
/// What is looked at of a number: a sign, digits, a point, and more digits.
const PLAIN_BYTES: usize = 1 + WHOLE_DIGITS_MAX + 1 + PART_BYTES;

/// A number with at most 19 digits and no exponent: `mantissa / 10^places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainNumber {
    pub(crate) is_negative: bool,
    pub(crate) mantissa: u64,
    /// Digits behind the point; 0 where there is no point.
    pub(crate) places: usize,
}

impl PlainNumber {
    /// The nearest double; `None` for an integer that a double may not hold exactly.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once a number")]
    pub(crate) fn to_f64(self) -> Option<f64> {
        // No branch: which sign comes next nobody can predict.
        let power = SIGNED_POWERS[usize::from(self.is_negative)][self.places % POWERS_COUNT];
        // Both operands are exact, so one rounding gives the nearest (Clinger 1990).
        if self.mantissa < FRACTION_END {
            return Some(exact_double(self.mantissa) / power);
        }
        if self.mantissa <= EXACT_INTEGER_MAX {
            return Some(self.mantissa as f64 / power);
        }
        let magnitude = divide_by_power_of_ten(self.mantissa, self.places);
        (self.places > 0).then_some(magnitude.copysign(power))
    }

    /// The integer; `None` where there is a point or it does not fit.
    #[inline]
    pub(crate) fn to_integer(self) -> Option<i64> {
        let size = i64::try_from(self.mantissa).ok()?;
        (self.places == 0).then_some(if self.is_negative { -size } else { size })
    }
}

/// A one in each byte.
pub(super) const EACH: u64 = 0x0101_0101_0101_0101;

/// The values of the digits of a text of eight bytes, the first one in the lowest byte.
#[inline]
pub(super) fn digit_values(text: [u8; STEP_DIGITS]) -> u64 {
    u64::from_le_bytes(text) ^ u64::from_le_bytes([b'0'; STEP_DIGITS])
}

/// The number that eight digits make, the first one in the lowest byte.
#[inline]
pub(super) fn eight_digits(digits: u64) -> u64 {
    /// The lowest byte of each four.
    const ENDS: u64 = 0x0000_00FF_0000_00FF;
    // Neighbours are joined to pairs, and pairs each by what it counts, in the upper half of the product.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let odd = (pairs & ENDS).wrapping_mul(100 + (1_000_000 << 32));
    let even = (pairs >> 16 & ENDS).wrapping_mul(1 + (10_000 << 32));
    odd.wrapping_add(even) >> 32
}

/// How many digits the text of eight bytes begins with, and their value.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a few instructions a number")]
fn leading_digits(text: [u8; STEP_DIGITS]) -> (usize, u64) {
    let values = digit_values(text);
    // The highest bit of each byte that is more than 9. A carry out of a byte reaches only bytes behind
    // one that is more than 9 itself, and of these only the first is looked for.
    let others = (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80);
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    // Zeros in front in place of what follows the digits.
    (count, eight_digits(values << (8 * (STEP_DIGITS - count))))
}

/// The digits that a text begins with: how many, and their value; `None` where there may be more than 19.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a few instructions a number")]
fn digits(text: &[u8; PART_BYTES]) -> Option<(usize, u64)> {
    let (steps, _) = text.as_chunks();
    let (count, value) = leading_digits(steps[0]);
    if count < STEP_DIGITS {
        return Some((count, value));
    }
    let (more, low) = leading_digits(steps[1]);
    let value = value * TENS[more] + low;
    if more < STEP_DIGITS {
        return Some((STEP_DIGITS + more, value));
    }
    let (rest, low) = leading_digits(steps[2]);
    let count = 2 * STEP_DIGITS + rest;
    (count <= MANTISSA_DIGITS_MAX).then(|| (count, value * TENS[rest] + low))
}

/// Whether a number that has come to this byte goes on: as a decimal, or with an exponent.
#[inline]
fn goes_on(byte: u8) -> bool {
    matches!(byte, b'.' | b'e' | b'E')
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
        let bytes: &[u8; PLAIN_BYTES] = self.chunk()?;
        let start = usize::from(bytes[0] == b'-');
        let (mut whole, mut mantissa) = (0, 0);
        while let digit = bytes[start + whole].wrapping_sub(b'0')
            && digit < 10
        {
            mantissa = mantissa * 10 + u64::from(digit);
            whole += 1;
            if whole > WHOLE_DIGITS_MAX {
                return None;
            }
        }
        if whole == 0 || (whole > 1 && bytes[start] == b'0') {
            return None;
        }
        let (mut end, mut places) = (start + whole, 0);
        if bytes[end] == b'.' {
            let (count, value) = digits(bytes[end + 1..].first_chunk()?)?;
            if count == 0 || whole + count > MANTISSA_DIGITS_MAX {
                return None;
            }
            places = count;
            end += 1 + count;
            mantissa = mantissa * TENS[places] + value;
        }
        if goes_on(bytes[end]) {
            return None;
        }
        let number = PlainNumber {
            is_negative: start == 1,
            mantissa,
            places,
        };
        let double = number.to_f64()?;
        self.at += end;
        Some(double)
    }

    /// Takes an integer, as [`Self::plain_double`] takes a number.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "most of reading times")]
    pub(crate) fn plain_integer(&mut self) -> Option<i64> {
        let bytes: &[u8; PLAIN_BYTES] = self.chunk()?;
        let start = usize::from(bytes[0] == b'-');
        let (count, value) = digits(bytes[start..].first_chunk()?)?;
        let leading_zero = count > 1 && bytes[start] == b'0';
        if count == 0 || leading_zero || goes_on(bytes[start + count]) {
            return None;
        }
        let number = PlainNumber {
            is_negative: start == 1,
            mantissa: value,
            places: 0,
        };
        let integer = number.to_integer()?;
        self.at += start + count;
        Some(integer)
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

/// 2^52: an integer below it fits the fraction of a double.
const FRACTION_END: u64 = 1 << (f64::MANTISSA_DIGITS - 1);

/// The double of an integer below [`FRACTION_END`]. Unlike the processor's instruction for it, it does not wait
/// for the number converted before.
#[inline]
fn exact_double(integer: u64) -> f64 {
    // The doubles from 2^52 to 2^53 are the integers: their fraction counts from there.
    const BEGIN: f64 = FRACTION_END as f64;
    f64::from_bits(BEGIN.to_bits() | integer) - BEGIN
}

/// Powers of ten that there is room for: a power of two, so that a place needs no multiplication.
const POWERS_COUNT: usize = 32;

/// Powers of ten, and the same below zero.
const SIGNED_POWERS: [[f64; POWERS_COUNT]; 2] = {
    let mut signed = [[0.0; POWERS_COUNT]; 2];
    let mut power = 0;
    while power <= MANTISSA_DIGITS_MAX {
        signed[0][power] = EXACT_POWERS[power];
        signed[1][power] = -EXACT_POWERS[power];
        power += 1;
    }
    signed
};

/// Powers of ten that fit 64 bits.
pub(super) const TENS: [u64; MANTISSA_DIGITS_MAX + 1] = {
    let mut tens = [1; MANTISSA_DIGITS_MAX + 1];
    let mut power = 1;
    while power < tens.len() {
        tens[power] = tens[power - 1] * 10;
        power += 1;
    }
    tens
};

#[cfg(test)]
pub(super) mod tests {
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

    pub(in crate::json) fn number() -> impl Strategy<Value = String> {
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
        fn numbers_are_those_of_the_general_way(text in number(), end in "[-+,\\]}:;/ \t\n\x00éx.eE]|", more in "[0-9]{0,20}[ ,]{0,30}") {
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
            ",0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9]",
            "}},{\"sensor_type\":\"gyroscope\",\"time\"",
            " } }, { \"sensor_type\": \"gyroscope\", ",
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
