//! Numbers that follow each other in a list, as in `0.125,-9.81,45.77`.
//!
//! Read one after another, each waits for the end of the one before to be found. Here the digits within some bytes
//! are marked at a time, as bits of one word, so that to the end of a number, and on to the next, it is a few shifts,
//! and no branch depends on how many digits there are, as long as they are at most eight. What is not plain is left to
//! the scanner's own way, so nothing but speed depends on this file. (Between the texts of a record it is no gain: a
//! window holds three numbers or so.)

use super::plain::{
    EACH, MANTISSA_DIGITS_MAX, PART_BYTES, PlainNumber, STEP_DIGITS, TENS, digit_values,
    eight_digits,
};
use super::scanner::{Scanner, Separator};

/// Bytes of which the digits are marked at a time.
const WINDOW_BYTES: usize = u64::BITS as usize;
/// The window, and what is looked at of a number behind a byte of it.
const LOADED_BYTES: usize = WINDOW_BYTES + PART_BYTES;
/// Bytes between two numbers: a comma and a space.
const SEPARATOR_MAX_BYTES: usize = 2;
/// Bits of a byte.
const BYTE: usize = u8::BITS as usize;

/// Whether a byte is the first one of numbers.
const BEGINS_NUMBER: [bool; 256] = {
    let mut begins = [false; 256];
    begins[b'-' as usize] = true;
    let mut digit = b'0';
    while digit <= b'9' {
        begins[digit as usize] = true;
        digit += 1;
    }
    begins
};

/// Some bytes of a text, with marks of those that are no digits.
struct Window<'a> {
    bytes: &'a [u8; LOADED_BYTES],
    /// A bit for each byte but the last ones, the lowest for the first.
    stops: u64,
}

impl<'a> Window<'a> {
    /// That which begins at the scanner; `None` near the end of the text.
    #[inline]
    fn at(scanner: &Scanner<'a>) -> Option<Self> {
        let bytes: &[u8; LOADED_BYTES] = scanner.chunk()?;
        // No number ends at the last bytes, so that the next one begins in the window, too.
        let stops = stops(bytes.first_chunk()?) & (u64::MAX >> SEPARATOR_MAX_BYTES);
        Some(Self { bytes, stops })
    }

    /// The plain number whose first byte, a sign or a digit, stands at a place, and how long it is. `None` where
    /// it is no such number, or its end is not in the window.
    ///
    /// What follows is not looked at: an exponent might, or a second point.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "most of parsing")]
    fn number(&self, at: usize) -> Option<(PlainNumber, usize)> {
        let stops = self.stops >> (at % WINDOW_BYTES);
        let start = (stops & 1) as usize;
        let stops = stops & !1;
        if stops == 0 {
            return None;
        }
        let first = stops.trailing_zeros() as usize;
        let (mut end, mut places) = (first, 0);
        if self.part_at(at + first)[0] == b'.' {
            let stops = stops & (stops - 1);
            end = stops.trailing_zeros() as usize;
            places = end - first - 1;
            if stops == 0 || places == 0 {
                return None;
            }
        }
        let number = PlainNumber {
            is_negative: start == 1,
            mantissa: self.mantissa(at + start, first - start, places)?,
            places,
        };
        Some((number, end))
    }

    /// The digits of a number as one integer: those from a place on, and those behind the point, if there are any.
    /// `None` where these are too many, or not those of a number.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once a number")]
    fn mantissa(&self, at: usize, whole: usize, places: usize) -> Option<u64> {
        let digits = whole + places;
        if whole.wrapping_sub(1) >= STEP_DIGITS - 1 || digits > STEP_DIGITS {
            return self.long_mantissa(at, whole, places);
        }
        let text = self.part_at(at);
        if whole > 1 && text[0] == b'0' {
            return None;
        }
        // Both fit one step, without what stands between them.
        let (before, behind) = (eight(text, 0), eight(text, 1));
        let both = before ^ ((before ^ behind) & (u64::MAX << (whole * BYTE)));
        Some(eight_digits(both << ((STEP_DIGITS - digits) * BYTE)))
    }

    #[inline(never)]
    fn long_mantissa(&self, at: usize, whole: usize, places: usize) -> Option<u64> {
        let before = self.part_at(at);
        let leading_zero = whole > 1 && before[0] == b'0';
        if whole == 0 || leading_zero || whole + places > MANTISSA_DIGITS_MAX {
            return None;
        }
        let integral = integer(before, whole);
        if places == 0 {
            return Some(integral);
        }
        let [_, behind @ ..] = self.part_at(at + whole);
        Some(integral * TENS[places] + integer(behind, places))
    }

    /// What stands from a byte of the window on: a stop and a part of a number, or more than that.
    #[inline]
    fn part_at(&self, at: usize) -> &'a [u8; 1 + PART_BYTES] {
        debug_assert!(at < WINDOW_BYTES, "what is looked at begins in the window");
        // Without the remainder each place would be compared with the length.
        let part = self.bytes[at % WINDOW_BYTES..].first_chunk();
        part.expect("the window is followed by enough")
    }
}

impl Scanner<'_> {
    /// Takes numbers, of which the first one comes next, for as long as they are plain, each is followed
    /// by the same separator and another number, and `put` takes them, to which their length in bytes is told
    /// too. The scanner then stands at a number that is not taken. Returns whether any was.
    #[inline]
    pub(crate) fn plain_numbers(
        &mut self,
        separator: Separator,
        mut put: impl FnMut(PlainNumber, usize) -> bool,
    ) -> bool {
        let start = self.at;
        debug_assert!(
            self.chunk()
                .is_none_or(|&[byte]| BEGINS_NUMBER[usize::from(byte)])
        );
        while let Some(window) = Window::at(self) {
            let mut at = 0;
            while let Some((number, bytes)) = window.number(at) {
                let [stop, behind_stop, behind_space, ..] = *window.part_at(at + bytes);
                let (is_alike, next) = if separator.has_space {
                    (behind_stop == b' ', behind_space)
                } else {
                    (true, behind_stop)
                };
                let is_followed = stop == b',' && is_alike && BEGINS_NUMBER[usize::from(next)];
                if !is_followed || !put(number, bytes) {
                    self.at += at;
                    return self.at > start;
                }
                at += bytes + separator.len();
            }
            if at == 0 {
                break;
            }
            self.at += at;
        }
        self.at > start
    }
}

/// Which of the bytes are no digits, the first one in the lowest bit.
#[inline]
fn stops(bytes: &[u8; WINDOW_BYTES]) -> u64 {
    let (eights, _) = bytes.as_chunks::<STEP_DIGITS>();
    // In each byte a bit for each of the eights.
    let mut marks = 0;
    for (place, eight) in eights.iter().enumerate() {
        let values = digit_values(*eight);
        // The highest bit of each byte that is more than 9; without it no sum carries.
        let above = (values & (EACH * 0x7F)) + EACH * 0x76;
        marks |= ((above | values) & (EACH * 0x80)) >> (STEP_DIGITS - 1 - place);
    }
    transposed(marks)
}

/// Bit `i` of byte `j` as bit `j` of byte `i`.
#[inline]
fn transposed(mut bits: u64) -> u64 {
    // Blocks of 1, 2 and 4 bits a side change places with the one across the diagonal.
    for (distance, block) in [
        (7, 0x00AA_00AA_00AA_00AA),
        (14, 0x0000_CCCC_0000_CCCC),
        (28, 0x0000_0000_F0F0_F0F0),
    ] {
        let changed = (bits ^ (bits >> distance)) & block;
        bits ^= changed ^ (changed << distance);
    }
    bits
}

/// The integer of the first 1 to 19 digits.
#[inline]
fn integer(text: &[u8], digits: usize) -> u64 {
    let step = |at, digits| eight_digits(eight(text, at) << ((STEP_DIGITS - digits) * BYTE));
    if digits <= STEP_DIGITS {
        return step(0, digits);
    }
    let more = digits - STEP_DIGITS;
    let high = step(0, STEP_DIGITS);
    if more <= STEP_DIGITS {
        return high * TENS[more] + step(STEP_DIGITS, more);
    }
    let rest = more - STEP_DIGITS;
    let high = high * TENS[STEP_DIGITS] + step(STEP_DIGITS, STEP_DIGITS);
    high * TENS[rest] + step(2 * STEP_DIGITS, rest)
}

/// The values of eight digits, the first one in the lowest byte; anything where they are none.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a load, where the place is known")]
fn eight(text: &[u8], at: usize) -> u64 {
    digit_values(*text[at..].first_chunk().expect("there are as many digits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::plain::tests::number;
    use super::*;

    /// What is taken of a list, as text.
    fn taken(text: &str, has_space: bool, max: usize) -> Vec<String> {
        let mut scanner = Scanner::new(text);
        let mut numbers = Vec::new();
        let mut from = 0;
        let separator = Separator { has_space };
        scanner.plain_numbers(separator, |number, bytes| {
            if numbers.len() == max {
                return false;
            }
            let part = &text[from..from + bytes];
            let double: f64 = part.parse().unwrap();
            let is_big = number.places == 0 && number.mantissa > 1 << 53;
            let expected = (!is_big).then_some(double.to_bits());
            assert_eq!(number.to_f64().map(f64::to_bits), expected, "{part}");
            assert_eq!(number.to_integer(), part.parse().ok(), "{part}");
            numbers.push(part.to_owned());
            from += bytes + separator.len();
            true
        });
        assert_eq!(scanner.at, from, "{text}");
        // Each of them is a number by the general way, too.
        for number in &numbers {
            let mut scanner = Scanner::new(number);
            assert_eq!(scanner.number().unwrap().text, number);
        }
        let rest = &text.as_bytes()[from..];
        assert!(matches!(rest, [b'-' | b'0'..=b'9', ..]), "{text}");
        numbers
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn what_is_taken_are_the_numbers_of_the_list(
            numbers in prop::collection::vec(number(), 1..20),
            damage in prop::option::of((any::<prop::sample::Index>(), "[-+,\\]}.eE \t\"x0-9]|")),
            behind in "[\\]}x ,.0-9]{0,100}",
            max in 0..20_usize,
            has_space in any::<bool>(),
        ) {
            let mut text = numbers.join(if has_space { ", " } else { "," });
            if let Some((at, other)) = damage {
                // Never the first byte: somebody looked at it.
                let at = at.index(text.len()).max(1);
                text.replace_range(at..(at + 1).min(text.len()), &other);
            }
            text.push_str(&behind);
            let max = if max == 19 { usize::MAX } else { max };
            let taken = taken(&text, has_space, max);
            prop_assert!(taken.len() <= max);
        }

        #[test]
        fn bytes_that_are_no_digits_are_found(bytes in prop::collection::vec("[0-9]|[^0-9]", 64)) {
            let bytes: [u8; WINDOW_BYTES] = bytes.concat().as_bytes()[..WINDOW_BYTES].try_into().unwrap();
            let found = stops(&bytes);
            for (at, byte) in bytes.iter().enumerate() {
                prop_assert_eq!(found >> at & 1 == 0, byte.is_ascii_digit());
            }
        }
    }

    /// The usual lists are read here, or all of this were for nothing.
    #[test]
    fn what_sensors_write_is_taken_up_to_the_end_of_the_text() {
        for numbers in [
            ["9.8125", "-0.1", "45.772134", "0", "-0"].as_slice(),
            &["0.12345678955316544", "-43.02315139770508", "-0.000001"],
            &["10", "9", "-11", "1013"],
            &["1699876543210", "1699876543220"],
        ] {
            for (has_space, between) in [(false, ","), (true, ", ")] {
                let numbers: Vec<&str> = numbers.iter().copied().cycle().take(200).collect();
                let text = format!("{}]", numbers.join(between));
                let taken = taken(&text, has_space, usize::MAX);
                let (these, left) = numbers.split_at(taken.len());
                assert_eq!(taken, these);
                let left_bytes = left.join(between).len();
                assert!(
                    left_bytes < LOADED_BYTES,
                    "{left_bytes} bytes are left of {text}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left() {
        let rest = ",0.5".repeat(LOADED_BYTES);
        assert_eq!(taken(&format!("7, 8{rest}"), false, usize::MAX).len(), 0);
        assert_eq!(taken(&format!("7,8{rest}"), true, usize::MAX).len(), 0);
        for number in [
            "01",
            "-01.5",
            "-",
            "1.",
            "-.5",
            ".5",
            "1e3",
            "1.5E3",
            "1.2.3",
            "--1",
            "0.12345678901234567890",
            "12345678901234567890",
            "1 ",
            "1x",
        ] {
            for (has_space, between) in [(false, ","), (true, ", ")] {
                let text = format!("7{between}{number}{rest}");
                let begins = number.starts_with(|c: char| c == '-' || c.is_ascii_digit());
                let taken = taken(&text, has_space, usize::MAX);
                assert_eq!(taken.len(), usize::from(begins), "{number}");
            }
        }
    }
}
