//! Numbers of one field, written one after another.

use super::record_text::RecordText;
use super::write::write_f64;
use crate::decimal::{POWERS, rounded};

/// Places that a decimal is looked for with.
const PLACES_MAX: usize = 8;
/// Values of a field that are no such decimals, after which none is looked for any more.
const MISSES_MAX: u32 = 4;
/// Integers below it have at most 15 digits. Such a decimal is the shortest text of a double, since no two of
/// them are the same double; of those with 16 digits some are.
const INTEGER_MAX: f64 = 1e15;
/// Digits that are found. The first one is always a zero, so a text with its point fits 16 bytes too.
const DIGITS: usize = 16;
const HALF: usize = DIGITS / 2;
/// Numbers below it have at most eight digits.
const EIGHT_DIGITS_END: u64 = 100_000_000;
/// The digits of a [`NearWriter`] that differ.
const LAST_DIGITS: usize = 4;
const LAST_END: i64 = 10_i64.pow(LAST_DIGITS as u32);
/// Room for a sign, up to eight digits before the point, the point, and eight digits of which those that count are
/// kept.
const SHORT_BYTES: usize = 1 + HALF + 1 + HALF;
/// Makes characters of eight digits.
const ZEROS: u64 = u64::from_le_bytes([b'0'; HALF]);
/// The shortest text of a smaller double has an exponent.
const PLAIN_MIN: f64 = 1e-5;

/// Writes doubles as [`write_f64`] does, faster where they are decimals of a few places: what most
/// sensors send.
///
/// The text of a decimal is known when its places are, and these are those of the numbers before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumberWriter {
    places: usize,
    misses: u32,
    /// For all other numbers.
    text: String,
}

impl NumberWriter {
    /// Appends a finite double.
    #[inline]
    pub(crate) fn write(&mut self, out: &mut RecordText, value: f64) {
        match self.decimal(value) {
            Some(integer) => write_decimal(out, integer, self.places),
            None => self.write_other(out, value),
        }
    }

    #[inline]
    fn decimal(&mut self, value: f64) -> Option<i64> {
        let size = value.abs();
        if size < PLAIN_MIN && value.to_bits() != 0 || self.misses >= MISSES_MAX {
            return None;
        }
        if let Some(integer) = scaled(value, self.places) {
            return Some(integer);
        }
        self.decimal_of_more_places(value)
    }

    #[cold]
    fn decimal_of_more_places(&mut self, value: f64) -> Option<i64> {
        for places in self.places + 1..=PLACES_MAX {
            if let Some(integer) = scaled(value, places) {
                self.places = places;
                return Some(integer);
            }
        }
        self.misses += 1;
        None
    }

    #[cold]
    fn write_other(&mut self, out: &mut RecordText, value: f64) {
        self.text.clear();
        write_f64(&mut self.text, value);
        out.push_str(&self.text);
    }
}

/// Appends an integer of at most 15 digits; false where it has more.
#[inline]
pub(crate) fn write_integer(out: &mut RecordText, integer: i64) -> bool {
    let is_short = integer.unsigned_abs() < INTEGER_MAX as u64;
    if is_short {
        write_decimal(out, integer, 0);
    }
    is_short
}

/// The integer whose quotient by `10^places` is this very double, if it is short enough.
#[inline]
fn scaled(value: f64, places: usize) -> Option<i64> {
    let (integer, is_equal) = rounded(value, POWERS[places]);
    (is_equal && integer.abs() < INTEGER_MAX).then_some(integer as i64)
}

/// Appends `integer / 10^places`, without zeros at the end of its fraction. The integer has at most 15
/// digits, and `places` are at most [`PLACES_MAX`].
#[inline]
fn write_decimal(out: &mut RecordText, integer: i64, places: usize) {
    let size = integer.unsigned_abs();
    debug_assert!(size < INTEGER_MAX as u64 && places <= PLACES_MAX);
    if size < EIGHT_DIGITS_END && places < HALF {
        out.push_with(|room| put_short_decimal(room, integer < 0, size as u32, places));
    } else {
        out.push_short([b'-'], usize::from(integer < 0));
        write_long_decimal(out, size, places);
    }
}

/// Puts a decimal of up to eight digits, of which at least one stands before the point, at the beginning of
/// `room`; returns how long it is.
#[inline]
fn put_short_decimal(
    room: &mut [u8; SHORT_BYTES],
    is_negative: bool,
    size: u32,
    places: usize,
) -> usize {
    let digits = eight_digits(size);
    let fraction = places - last_zeros(digits).min(places);

    // Text is put together in a register, the first character in the lowest byte.
    let point = HALF - places;
    let start = first_zeros(digits).min(point - 1);
    let whole = point - start;
    let text = (digits | ZEROS) >> (start * 8);
    let begin = usize::from(is_negative);
    room[0] = b'-';
    put(room, begin, text);
    if fraction == 0 {
        return begin + whole;
    }
    let at = begin + whole;
    room[at] = b'.';
    put(room, at + 1, text >> (whole * 8));
    at + 1 + fraction
}

/// Puts eight characters at a place, where there is room for them. (A copy between slices would be a call.)
#[inline]
fn put(room: &mut [u8; SHORT_BYTES], at: usize, text: u64) {
    let place = room[at..].first_chunk_mut();
    debug_assert!(place.is_some(), "there is room");
    if let Some(place) = place {
        *place = text.to_le_bytes();
    }
}

fn write_long_decimal(out: &mut RecordText, size: u64, places: usize) {
    let high = eight_digits((size / EIGHT_DIGITS_END) as u32);
    let low = eight_digits((size % EIGHT_DIGITS_END) as u32);
    let leading = if high == 0 {
        HALF + first_zeros(low)
    } else {
        first_zeros(high)
    };
    let fraction = places - last_zeros(low).min(places);

    let point = DIGITS - places;
    let start = leading.min(point - 1);
    let digits = u128::from(high | ZEROS) | u128::from(low | ZEROS) << 64;
    let digits = digits >> (start * 8);
    let mut len = point - start;
    let mut text = digits;
    if fraction > 0 {
        let bits = len * 8;
        let whole = digits & ((1 << bits) - 1);
        text = whole | u128::from(b'.') << bits | (digits >> bits) << (bits + 8);
        len += 1 + fraction;
    }
    out.push_short(text.to_le_bytes(), len);
}

/// Writes integers of which each is near the one before, such as times: they mostly differ in their last four
/// digits.
#[derive(Debug, Default)]
pub(crate) struct NearWriter {
    /// What stands before the last four digits, as a number and as text; no text where that is 0.
    begin: i64,
    text: u128,
    len: usize,
}

impl NearWriter {
    /// Appends an integer of at most 15 digits; false where it has more.
    #[inline]
    pub(crate) fn write(&mut self, out: &mut RecordText, integer: i64) -> bool {
        let (begin, rest) = (integer / LAST_END, integer % LAST_END);
        if begin != self.begin {
            return self.begin_anew(out, integer);
        }
        if self.len == 0 {
            return write_integer(out, integer);
        }
        let digits = digits_of_halves(rest as u64) as u32 | ZEROS as u32;
        let text = self.text | u128::from(digits) << (self.len * 8);
        out.push_short(text.to_le_bytes(), self.len + LAST_DIGITS);
        true
    }

    #[cold]
    fn begin_anew(&mut self, out: &mut RecordText, integer: i64) -> bool {
        let start = out.len();
        let is_written = write_integer(out, integer);
        let text = out.written_since(start);
        *self = Self::default();
        if is_written && integer >= LAST_END {
            let begin = &text[..text.len() - LAST_DIGITS];
            let mut bytes = [0; DIGITS];
            bytes[..begin.len()].copy_from_slice(begin);
            *self = Self {
                begin: integer / LAST_END,
                text: u128::from_le_bytes(bytes),
                len: begin.len(),
            };
        }
        is_written
    }
}

/// How many of eight digits are zeros before the first other one.
fn first_zeros(digits: u64) -> usize {
    (digits.trailing_zeros() / u8::BITS) as usize
}

/// How many of eight digits are zeros behind the last other one.
fn last_zeros(digits: u64) -> usize {
    (digits.leading_zeros() / u8::BITS) as usize
}

/// The eight decimal digits of a number below 10^8, the first one in the lowest byte. All of them are
/// found at a time: first two halves, then four pairs, then eight digits, each by a multiplication in
/// place of a division.
#[inline]
fn eight_digits(number: u32) -> u64 {
    digits_of_halves(u64::from(number / 10_000) | u64::from(number % 10_000) << 32)
}

/// The digits of two numbers below 10,000, the first of which is in the lower half.
#[inline]
fn digits_of_halves(halves: u64) -> u64 {
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | (halves - hundreds * 100) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (pairs - tens * 10) << 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes the values in turn, as one field.
    fn assert_all_as_ever(values: &[f64]) {
        let mut writer = NumberWriter::default();
        for &value in values {
            let (mut text, mut expected) = (RecordText::default(), String::new());
            writer.write(&mut text, value);
            write_f64(&mut expected, value);
            assert_eq!(String::from(text), expected, "{:x}", value.to_bits());
        }
    }

    #[test]
    fn numbers_at_the_ends_are_written_as_ever() {
        let mut values = vec![
            0.0,
            -0.0,
            1e15,
            1e16,
            9_007_199_254_740_993.0,
            f64::MAX,
            5e-324,
        ];
        for exponent in -20..20 {
            for digits in [
                "1",
                "9",
                "1.5",
                "9.9999999",
                "1.0000001",
                "123.456789",
                "5.0000000000001",
            ] {
                let value: f64 = format!("{digits}e{exponent}").parse().unwrap();
                values.extend([value, -value, value.next_up(), value.next_down()]);
            }
        }
        for &value in &values {
            assert_all_as_ever(&[value]);
            // Found by its predecessors' places.
            assert_all_as_ever(&[0.000_000_01, value]);
            assert_all_as_ever(&[0.5, value, value]);
        }
        assert_all_as_ever(&values);
    }

    #[test]
    fn eight_digits_are_those_of_the_number() {
        for number in (0..100_000_000)
            .step_by(9_973)
            .chain([9_999, 10_000, 99_999_999])
        {
            let digits = eight_digits(number) | 0x3030_3030_3030_3030;
            assert_eq!(digits.to_le_bytes(), *format!("{number:08}").as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_decimals_are_written_as_ever(
            places in 0_i32..12,
            integers in prop::collection::vec(-(1_i64 << 54)..1 << 54, 1..20),
            shift in 0..50,
        ) {
            let values: Vec<f64> = integers
                .iter()
                .map(|integer| format!("{}e-{places}", integer >> shift).parse().unwrap())
                .collect();
            assert_all_as_ever(&values);
        }

        #[test]
        fn any_doubles_are_written_as_ever(
            values in prop::collection::vec(
                prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 1..20,
            ),
        ) {
            assert_all_as_ever(&values);
        }

        #[test]
        fn near_integers_are_written_as_ever(
            first in any::<i64>(),
            shift in 0..64,
            steps in prop::collection::vec((any::<i64>(), 40..64), 0..20),
        ) {
            let mut writer = NearWriter::default();
            let mut integer = first >> shift;
            for (step, shift) in steps {
                let (mut text, mut expected) = (RecordText::default(), RecordText::default());
                let is_written = writer.write(&mut text, integer);
                prop_assert_eq!(is_written, write_integer(&mut expected, integer));
                prop_assert_eq!(String::from(text), String::from(expected));
                integer = integer.saturating_add(step >> shift);
            }
        }

        #[test]
        fn any_integers_are_written_whole_or_refused(integer in any::<i64>(), shift in 0..64) {
            let integer = integer >> shift;
            let mut text = RecordText::default();
            let is_written = write_integer(&mut text, integer);
            prop_assert_eq!(is_written, integer.unsigned_abs() < 1_000_000_000_000_000);
            let text = String::from(text);
            prop_assert_eq!(text, if is_written { integer.to_string() } else { String::new() });
        }
    }
}
