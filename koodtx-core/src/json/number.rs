//! Numbers: exact to the double, exact integers beyond it.

use super::Number;
use crate::time::MICROS_PER_MILLI;

/// Largest integer up to which every integer is a double, and prints without a fraction: 2^53.
pub(crate) const EXACT_INTEGER_MAX: u64 = 1 << 53;

/// A number token, taken apart while it was scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberToken<'a> {
    /// The token.
    pub text: &'a str,
    pub negative: bool,
    /// All digits before the exponent as one integer; meaningless if `overflow`.
    pub mantissa: u64,
    /// Power of ten that scales the mantissa.
    pub exponent: i32,
    /// Neither fraction nor exponent.
    pub integer: bool,
    /// The digits do not fit the mantissa.
    pub overflow: bool,
}

const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

impl NumberToken<'_> {
    /// The nearest double; `None` where that is infinite.
    #[inline]
    pub(crate) fn to_f64(self) -> Option<f64> {
        let power = self.exponent.unsigned_abs() as usize;
        // Both operands are exact doubles, so one rounding gives the nearest (Clinger 1990).
        if !self.overflow && self.mantissa <= EXACT_INTEGER_MAX && power < EXACT_POWERS.len() {
            let mantissa = self.mantissa as f64;
            let magnitude = if self.exponent < 0 {
                mantissa / EXACT_POWERS[power]
            } else {
                mantissa * EXACT_POWERS[power]
            };
            return Some(if self.negative { -magnitude } else { magnitude });
        }
        self.text
            .parse()
            .ok()
            .filter(|double: &f64| double.is_finite())
    }

    /// Whether it is an integer that a double may not hold exactly.
    #[inline]
    pub(crate) fn is_big_integer(self) -> bool {
        self.integer && (self.overflow || self.mantissa > EXACT_INTEGER_MAX)
    }

    /// The number as a value; `None` where it is too large for a double.
    pub(crate) fn to_number(self) -> Option<Number> {
        let double = self.to_f64()?;
        Some(if self.is_big_integer() {
            Number::BigInteger(self.text.into())
        } else {
            Number::Double(double)
        })
    }

    /// Milliseconds as microseconds, a finer fraction rounded to the nearest; `None` where that
    /// does not fit.
    #[inline]
    pub(crate) fn millis_to_micros(self) -> Option<i64> {
        if self.integer && !self.overflow {
            let micros = i64::try_from(self.mantissa)
                .ok()?
                .checked_mul(MICROS_PER_MILLI)?;
            return Some(if self.negative { -micros } else { micros });
        }
        self.decimal_millis_to_micros().or_else(|| {
            // With an exponent, or more digits than fit: as exact as the double, which is a quarter of a
            // microsecond until 2039.
            let micros = (self.to_f64()? * MICROS_PER_MILLI as f64).round();
            (micros.abs() < i64::MAX as f64).then_some(micros as i64)
        })
    }

    /// The digits of `123.4567` taken one by one, however many there are.
    fn decimal_millis_to_micros(self) -> Option<i64> {
        let (whole, fraction) = self.text.trim_start_matches('-').split_once('.')?;
        if fraction.contains(['e', 'E']) {
            return None;
        }
        let digit = |at: usize| {
            fraction
                .as_bytes()
                .get(at)
                .map_or(0, |digit| i64::from(digit - b'0'))
        };
        let rest = digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5);
        let micros = whole
            .parse::<i64>()
            .ok()?
            .checked_mul(MICROS_PER_MILLI)?
            .checked_add(rest)?;
        Some(if self.negative { -micros } else { micros })
    }
}
