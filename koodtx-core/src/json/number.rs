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

/// Powers of ten that are doubles.
pub(super) const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Most digits of which [`divide_by_power_of_ten`] takes behind the point.
const RECIPROCALS_COUNT: usize = 20;

/// The 128 highest bits of `5^-power`, rounded up.
const RECIPROCALS: [u128; RECIPROCALS_COUNT] = {
    let mut reciprocals = [1 << 127; RECIPROCALS_COUNT];
    let mut divisor: u128 = 1;
    let mut power = 1;
    while power < RECIPROCALS_COUNT {
        divisor *= 5;
        // Division of a power of two, bit by bit.
        let (mut rest, mut quotient, mut bit) = (1 << divisor.ilog2(), 0, 0);
        while bit < 128 {
            rest *= 2;
            quotient *= 2;
            if rest >= divisor {
                rest -= divisor;
                quotient += 1;
            }
            bit += 1;
        }
        reciprocals[power] = quotient + 1;
        power += 1;
    }
    reciprocals
};

/// The double nearest to `mantissa / 10^power`, where the mantissa is at least 2^53 and the power below
/// 20 (Lemire 2021, "Number parsing at a gigabyte per second").
#[inline]
pub(super) fn divide_by_power_of_ten(mantissa: u64, power: usize) -> f64 {
    /// Bits of a mantissa that are written down.
    const MANTISSA_BITS: u32 = 52;
    const BIAS: i32 = 1023;
    /// What is below the bits that decide: all but the mantissa, its hidden bit and one for rounding.
    const LOW_BITS: u32 = 64 - MANTISSA_BITS - 3;
    /// Above it no quotient is halfway between two doubles.
    const TIE_POWER_MAX: usize = 4;

    let shift = mantissa.leading_zeros();
    let mantissa = mantissa << shift;
    let reciprocal = RECIPROCALS[power];
    let product = u128::from(mantissa) * (reciprocal >> 64);
    let (mut high, mut low) = ((product >> 64) as u64, product as u64);
    if high & ((1 << LOW_BITS) - 1) == (1 << LOW_BITS) - 1 {
        // A carry from below might reach the bits that decide.
        let below = u128::from(mantissa) * (reciprocal & u128::from(u64::MAX));
        let (sum, carry) = low.overflowing_add((below >> 64) as u64);
        low = sum;
        high += u64::from(carry);
    }
    let top = (high >> 63) as u32;
    let cut = top + LOW_BITS;
    let mut bits = high >> cut;
    if low <= 1 && power <= TIE_POWER_MAX && bits & 3 == 1 && bits << cut == high {
        // Halfway: to the even one.
        bits &= !1;
    }
    bits = (bits + (bits & 1)) >> 1;
    // Of the power of ten as a power of two, rounded down.
    let scale = -((power as i32 * 217_706 + 65_535) >> 16);
    let exponent = scale + 63 + top as i32 - shift as i32;
    // A mantissa that was rounded up to the next power of two carries into the exponent.
    f64::from_bits(((((exponent + BIAS) as u64) - 1) << MANTISSA_BITS) + bits)
}

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
        if !self.overflow
            && self.exponent < 0
            && power < RECIPROCALS_COUNT
            && self.mantissa > EXACT_INTEGER_MAX
        {
            let magnitude = divide_by_power_of_ten(self.mantissa, power);
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
