//! Lists of numbers: each list in the representation in which its values are smallest.
//!
//! A sensor's reading is rarely 64 bits of information. Written as JSON it is mostly a decimal of a
//! few places, or a single-precision number printed in full. Either is found out by trying it on
//! the values, and comes back as the very same double:
//!
//! | representation | a value is written as |
//! | --- | --- |
//! | [`DOUBLE`] | its bits, in an integer that orders as the number does |
//! | [`SINGLE`] | the bits of the `f32` that equals it, likewise |
//! | [`DECIMAL`] | `k` of `k / 10^places`; a few values that are no such decimal stand beside it |
//!
//! What follows is a list of integers.

use super::BlockError;
use super::bytes::{Reader, put_varint};
use super::integers::{Plan, read_integers};
use crate::decimal::{POWERS, ROUNDER, rounded};

const DOUBLE: u8 = 0;
const SINGLE: u8 = 1;
const DECIMAL: u8 = 2;

/// Values looked at to find the number of places.
const SAMPLE_COUNT: usize = 16;
/// One value in so many may be an exception.
const VALUES_PER_EXCEPTION: usize = 16;
/// About what an exception takes: its bits and its place in the list.
const EXCEPTION_BITS: usize = 80;

/// Appends a list of numbers, apart from its length.
pub(super) fn write_numbers(values: &[f64], out: &mut Vec<u8>) {
    let decimal = Decimals::of(values);
    let single = singles(values);
    let decimal = decimal
        .as_ref()
        .map(|decimal| (decimal, Plan::new(&decimal.scaled)));
    let single = single.as_deref().map(Plan::new);
    match (decimal, single) {
        (Some((decimal, plan)), single)
            if single
                .as_ref()
                .is_none_or(|single| decimal.bits(&plan) <= single.bits) =>
        {
            out.push(DECIMAL);
            decimal.write_head(out);
            plan.write(out);
        }
        (_, Some(single)) => {
            out.push(SINGLE);
            single.write(out);
        }
        _ => {
            out.push(DOUBLE);
            let ordered: Vec<i64> = values
                .iter()
                .map(|value| order_64(value.to_bits() as i64))
                .collect();
            Plan::new(&ordered).write(out);
        }
    }
}

/// Reads a list of `len` numbers, all of them finite.
///
/// The caller has reserved the memory for them.
pub(super) fn read_numbers(reader: &mut Reader<'_>, len: usize) -> Result<Vec<f64>, BlockError> {
    let values: Vec<f64> = match reader.byte()? {
        DOUBLE => read_integers(reader, len)?
            .into_iter()
            .map(|ordered| f64::from_bits(order_64(ordered) as u64))
            .collect(),
        SINGLE => read_integers(reader, len)?
            .into_iter()
            .map(|ordered| {
                i32::try_from(ordered)
                    .map(|ordered| f32::from_bits(order_32(ordered) as u32).into())
            })
            .collect::<Result<_, _>>()
            .map_err(|_| BlockError::Invalid("a single-precision number has more than 32 bits"))?,
        DECIMAL => read_decimals(reader, len)?,
        _ => {
            return Err(BlockError::Invalid(
                "a list of numbers has an unknown representation",
            ));
        }
    };
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(BlockError::Invalid("a number is not finite"))
    }
}

/// Numbers as integers over a common power of ten.
struct Decimals {
    places: usize,
    scaled: Vec<i64>,
    /// Values that are no such decimal, with their places in the list. Zero with a sign is one.
    exceptions: Vec<(usize, f64)>,
}

impl Decimals {
    fn of(values: &[f64]) -> Option<Self> {
        let places = common_places(values)?;
        let power = POWERS[places];
        let (mut scaled, unequal_count) = scale_all(values, power);
        if unequal_count > values.len() / VALUES_PER_EXCEPTION {
            return None;
        }
        let mut exceptions = Vec::with_capacity(unequal_count);
        if unequal_count > 0 {
            for (at, &value) in values.iter().enumerate() {
                if !rounded(value, power).1 {
                    exceptions.push((at, value));
                    // The neighbour's value costs next to nothing in a list of differences.
                    scaled[at] = if at > 0 { scaled[at - 1] } else { 0 };
                }
            }
        }
        Some(Self {
            places,
            scaled,
            exceptions,
        })
    }

    fn bits(&self, plan: &Plan<'_>) -> usize {
        plan.bits + self.exceptions.len() * EXCEPTION_BITS
    }

    fn write_head(&self, out: &mut Vec<u8>) {
        out.push(self.places as u8);
        put_varint(out, self.exceptions.len() as u64);
        let mut next = 0;
        for &(at, value) in &self.exceptions {
            put_varint(out, (at - next) as u64);
            out.extend_from_slice(&value.to_le_bytes());
            next = at + 1;
        }
    }
}

fn read_decimals(reader: &mut Reader<'_>, len: usize) -> Result<Vec<f64>, BlockError> {
    let power = POWERS
        .get(usize::from(reader.byte()?))
        .ok_or(BlockError::Invalid("a decimal has too many places"))?;
    let exceptions_count = reader.length(len)?;
    let mut exceptions = Vec::new();
    let mut next = 0;
    for _ in 0..exceptions_count {
        let at = next + reader.length(len)?;
        let mut bits = [0; size_of::<f64>()];
        bits.copy_from_slice(reader.bytes(size_of::<f64>())?);
        exceptions.push((at, f64::from_le_bytes(bits)));
        next = at + 1;
    }
    if next > len {
        return Err(BlockError::Invalid(
            "an exception lies behind the end of its list",
        ));
    }
    let mut values: Vec<f64> = read_integers(reader, len)?
        .into_iter()
        .map(|scaled| scaled as f64 / power)
        .collect();
    for (at, value) in exceptions {
        values[at] = value;
    }
    Ok(values)
}

/// How many places most values have, judged by a sample.
fn common_places(values: &[f64]) -> Option<usize> {
    let stride = values.len().div_ceil(SAMPLE_COUNT).max(1);
    let mut places = 0;
    let mut misses = 0;
    for &value in values.iter().step_by(stride) {
        match (places..POWERS.len()).find(|&places| rounded(value, POWERS[places]).1) {
            Some(more) => places = more,
            None if misses < values.len() / VALUES_PER_EXCEPTION => misses += 1,
            None => return None,
        }
    }
    Some(places)
}

/// The integers whose quotients by `power` are the values, with the number of values that are no such
/// quotients. There is no branch for each value, so several are computed at a time.
fn scale_all(values: &[f64], power: f64) -> (Vec<i64>, usize) {
    let mut scaled = vec![0; values.len()];
    let mut unequal_count = 0;
    for (scaled, &value) in scaled.iter_mut().zip(values) {
        let (integer, is_equal) = rounded(value, power);
        unequal_count += usize::from(!is_equal);
        // What a double of this size has beyond the rounder's bits is the integer.
        *scaled = ((integer + ROUNDER).to_bits() as i64).wrapping_sub(ROUNDER.to_bits() as i64);
    }
    (scaled, unequal_count)
}

/// The numbers in single precision, where that changes none of them.
fn singles(values: &[f64]) -> Option<Vec<i64>> {
    values
        .iter()
        .map(|&value| {
            let single = value as f32;
            (f64::from(single).to_bits() == value.to_bits())
                .then(|| order_32(single.to_bits() as i32).into())
        })
        .collect()
}

/// Turns the bits of a double into an integer of the same order, and back.
const fn order_64(bits: i64) -> i64 {
    bits ^ (bits >> 63) & i64::MAX
}

/// Turns the bits of a single into an integer of the same order, and back.
const fn order_32(bits: i32) -> i32 {
    bits ^ (bits >> 31) & i32::MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(values: &[f64]) -> Vec<u8> {
        let mut out = Vec::new();
        write_numbers(values, &mut out);
        out
    }

    fn assert_comes_back(values: &[f64]) {
        let bytes = encoded(values);
        let mut reader = Reader::new(&bytes, 0);
        let decoded = read_numbers(&mut reader, values.len()).unwrap();
        let bits = |values: &[f64]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&decoded), bits(values));
        assert_eq!(reader.rest(), b"");
    }

    #[test]
    fn each_kind_of_reading_takes_its_representation() {
        type Kind<'a> = (&'a dyn Fn(u32) -> f64, u8, usize);
        let wave = |index: u32| (f64::from(index) * 0.37).sin() * 9.81;
        let kinds: [Kind; 4] = [
            (&|index| (wave(index) * 1e4).round() / 1e4, DECIMAL, 2),
            (&|index| f64::from(index * 3), DECIMAL, 2),
            (&|index| f64::from(wave(index) as f32), SINGLE, 4),
            (&wave, DOUBLE, 8),
        ];
        for (reading, representation, value_bytes) in kinds {
            let values: Vec<f64> = (0..512).map(reading).collect();
            let bytes = encoded(&values);
            assert_eq!(bytes[0], representation);
            assert!(
                bytes.len() <= 512 * value_bytes + 300,
                "{} bytes",
                bytes.len()
            );
            assert_comes_back(&values);
        }
    }

    #[test]
    fn a_few_values_that_are_no_decimals_spoil_nothing() {
        let mut values: Vec<f64> = (0..64).map(|index| f64::from(index) / 100.0).collect();
        values[0] = -0.0;
        values[17] = 0.1 + 0.2;
        values[63] = f64::MIN_POSITIVE;
        assert_eq!(encoded(&values)[..3], [DECIMAL, 2, 3]);
        assert_comes_back(&values);
    }

    #[test]
    fn the_ends_of_the_range_come_back() {
        assert_comes_back(&[
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            -0.0,
            0.0,
            9_007_199_254_740_992.0,
            -9_007_199_254_740_993.0,
            f64::from(f32::MAX),
            2_251_799_813_685_247.5,
            1e-15,
        ]);
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let bytes = encoded(&[value]);
            assert!(read_numbers(&mut Reader::new(&bytes, 0), 1).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_finite_numbers_come_back(
            values in prop::collection::vec(
                prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 1..200,
            ),
        ) {
            assert_comes_back(&values);
        }

        #[test]
        fn any_decimals_come_back(
            places in 0_i32..17,
            integers in prop::collection::vec(-(1_i64 << 53)..1 << 53, 1..200),
        ) {
            let decimals: Vec<f64> =
                integers.iter().map(|&integer| format!("{integer}e-{places}").parse().unwrap()).collect();
            assert_comes_back(&decimals);
        }

        #[test]
        fn any_singles_come_back(
            values in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::ZERO, 1..200),
        ) {
            assert_comes_back(&values.into_iter().map(f64::from).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            representation in 0_u8..4,
            len in 0_usize..600,
        ) {
            let bytes = [&[representation], bytes.as_slice()].concat();
            if let Ok(values) = read_numbers(&mut Reader::new(&bytes, 0), len) {
                prop_assert_eq!(values.len(), len);
            }
        }
    }
}
