//! Lists of integers: what times, stamps, rows, lengths and numbers all come down to.
//!
//! A list is written as what remains of its values after taking differences zero to two times.
//! Zero: the distance of each value from the mean. One: the step from the value before. Two: by how
//! much that step changed, which is nothing at all for a steady clock. The number of times is
//! chosen per list, by adding up the bits that each would leave. A list is
//!
//! - its tag: form and number of differences (one byte),
//! - its head, as varints: the mean; or the first value; or the first value and the first step,
//! - its remainders, in one of these forms:
//!
//! | form | the remainders |
//! | --- | --- |
//! | [`ZERO`] | all zero: not written |
//! | [`BITS`] | packed at fixed widths, see [`bits`](super::bits) |
//! | [`PCO_32`], [`PCO_64`] | modelled by [`pco`](super::pco_chunk), as 32 or 64 bits |
//!
//! Packing is several times as fast as a model, and for smooth readings with noise as small within
//! a few percent; where few values are much wider than the rest, a model is far smaller.

use super::BlockError;
use super::bits::{bits_bytes, read_bits, write_bits};
use super::bytes::{Reader, put_signed, zigzag};
use super::pco_chunk::{pco_bytes, read_pco, write_pco};

const ZERO: u8 = 0;
const BITS: u8 = 1;
const PCO_32: u8 = 2;
const PCO_64: u8 = 3;

/// Bits of the tag that hold the form; those above hold how often differences are taken.
const FORM_BITS: u32 = 2;
const DIFFERENCES_MAX_COUNT: usize = 2;
/// A model must save one byte in so many to be worth its time.
const PCO_GAIN_DIVISOR: usize = 8;

/// A list on its way into bytes, with the number of differences already chosen.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    values: &'a [i64],
    mean: i64,
    differences: usize,
    /// About how many bits the remainders take.
    pub bits: usize,
}

impl<'a> Plan<'a> {
    /// Chooses how often to take differences.
    pub fn new(values: &'a [i64]) -> Self {
        // A sum that overflows makes a poor mean, never a wrong list.
        let sum = values
            .iter()
            .fold(0_i64, |sum, &value| sum.wrapping_add(value));
        let mean = sum / values.len().max(1) as i64;
        let costs = remainders_bits(values, mean);
        let mut differences = 0;
        for more in 1..costs.len() {
            // A list so short that nothing would remain has nothing to take differences of either.
            if values.len() > more && costs[more] < costs[differences] {
                differences = more;
            }
        }
        Self {
            values,
            mean,
            differences,
            bits: costs[differences],
        }
    }

    /// Appends the list, apart from its length.
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.values.is_empty() {
            return;
        }
        let rest = self.remainders();
        if rest.iter().all(|&value| value == 0) {
            return self.write_head(ZERO, out);
        }
        let packed_bytes = bits_bytes(&rest);
        if pays(pco_bytes(rest.len(), self.bits), packed_bytes) {
            let start = out.len();
            let narrow: Result<Vec<i32>, _> = rest.iter().map(|&value| value.try_into()).collect();
            let written = if let Ok(narrow) = narrow {
                self.write_head(PCO_32, out);
                write_pco(&narrow, out)
            } else {
                self.write_head(PCO_64, out);
                write_pco(&rest, out)
            };
            if written.is_some_and(|written_bytes| pays(written_bytes, packed_bytes)) {
                return;
            }
            out.truncate(start);
        }
        self.write_head(BITS, out);
        write_bits(&rest, out);
    }

    fn write_head(&self, form: u8, out: &mut Vec<u8>) {
        out.push((self.differences << FORM_BITS) as u8 | form);
        match self.differences {
            0 => put_signed(out, self.mean),
            1 => put_signed(out, self.values[0]),
            _ => {
                put_signed(out, self.values[0]);
                put_signed(out, step(self.values));
            }
        }
    }

    fn remainders(&self) -> Vec<i64> {
        match self.differences {
            0 => self
                .values
                .iter()
                .map(|value| value.wrapping_sub(self.mean))
                .collect(),
            1 => self.values.windows(2).map(step).collect(),
            _ => self.values.windows(3).map(bend).collect(),
        }
    }
}

/// Reads a list of `len` integers.
///
/// The caller has reserved the memory for them.
pub(super) fn read_integers(reader: &mut Reader<'_>, len: usize) -> Result<Vec<i64>, BlockError> {
    let mut values = Vec::with_capacity(len);
    if len == 0 {
        return Ok(values);
    }
    let tag = reader.byte()?;
    let differences = usize::from(tag >> FORM_BITS);
    if differences > DIFFERENCES_MAX_COUNT || differences >= len {
        return Err(BlockError::Invalid("a list takes differences too often"));
    }
    let start = reader.signed()?;
    let (mut value, mut step) = (start, 0_i64);
    if differences > 0 {
        values.push(value);
    }
    if differences == DIFFERENCES_MAX_COUNT {
        step = reader.signed()?;
        value = value.wrapping_add(step);
        values.push(value);
    }
    match tag & ((1 << FORM_BITS) - 1) {
        ZERO => values.resize(len, 0),
        BITS => read_bits(reader, len - differences, &mut values)?,
        PCO_32 => values.extend(
            read_pco::<i32>(reader, len - differences)?
                .into_iter()
                .map(i64::from),
        ),
        _ => values.append(&mut read_pco::<i64>(reader, len - differences)?),
    }
    for remainder in &mut values[differences..] {
        match differences {
            0 => value = start.wrapping_add(*remainder),
            1 => value = value.wrapping_add(*remainder),
            _ => {
                step = step.wrapping_add(*remainder);
                value = value.wrapping_add(step);
            }
        }
        *remainder = value;
    }
    Ok(values)
}

/// Whether a model saves enough over packing.
fn pays(pco_bytes: usize, packed_bytes: usize) -> bool {
    pco_bytes + pco_bytes / PCO_GAIN_DIVISOR < packed_bytes
}

/// The bits of all remainders together, for each number of differences, in one pass.
fn remainders_bits(values: &[i64], mean: i64) -> [usize; DIFFERENCES_MAX_COUNT + 1] {
    let mut bits = [0; DIFFERENCES_MAX_COUNT + 1];
    let Some((&first, others)) = values.split_first() else {
        return bits;
    };
    bits[0] = bit_length(first.wrapping_sub(mean));
    let mut before = first;
    // The first step has no change: it counts as none.
    let mut step_before = others
        .first()
        .map_or(0, |second| second.wrapping_sub(first));
    for &value in others {
        let step = value.wrapping_sub(before);
        bits[0] += bit_length(value.wrapping_sub(mean));
        bits[1] += bit_length(step);
        bits[2] += bit_length(step.wrapping_sub(step_before));
        (before, step_before) = (value, step);
    }
    bits
}

fn bit_length(value: i64) -> usize {
    (u64::BITS - zigzag(value).leading_zeros()) as usize
}

/// The step between the first two values.
fn step(values: &[i64]) -> i64 {
    values[1].wrapping_sub(values[0])
}

/// The change of step between the first three values.
fn bend(values: &[i64]) -> i64 {
    step(&values[1..]).wrapping_sub(step(values))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(values: &[i64]) -> Vec<u8> {
        let mut out = Vec::new();
        Plan::new(values).write(&mut out);
        out
    }

    fn assert_comes_back(values: &[i64]) {
        let bytes = [encoded(values).as_slice(), b"next"].concat();
        let mut reader = Reader::new(&bytes, 0);
        assert_eq!(
            read_integers(&mut reader, values.len()).as_deref(),
            Ok(values)
        );
        assert_eq!(reader.rest(), b"next");
    }

    #[test]
    fn a_steady_clock_costs_a_few_bytes() {
        let clock: Vec<i64> = (0..512).map(|tick| tick * 10_000).collect();
        assert_eq!(encoded(&clock).len(), 5);
        assert_comes_back(&clock);
        assert_eq!(encoded(&[7; 512]).len(), 2);
    }

    /// Noise of `bits` bits, and of a few bits only in four of five places.
    fn uneven(bits: u32, len: u64) -> Vec<i64> {
        let wide = |index: u64| {
            let mixed = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        let shift = |index: u64| {
            if index.is_multiple_of(5) {
                64 - bits
            } else {
                60
            }
        };
        (0..len)
            .map(|index| wide(index) as i64 >> shift(index))
            .collect()
    }

    #[test]
    fn every_form_comes_back() {
        for (values, form) in [
            (vec![3; 40], ZERO),
            (uneven(4, 300), BITS),
            (uneven(20, 5), BITS),
            (uneven(20, 300), PCO_32),
            (uneven(50, 300), PCO_64),
            (vec![i64::MIN, i64::MAX, i64::MIN, 0], BITS),
        ] {
            assert_eq!(encoded(&values)[0] & 3, form);
            assert_comes_back(&values);
        }
    }

    proptest! {
        #[test]
        fn any_list_comes_back(values in prop::collection::vec(any::<i64>(), 0..600)) {
            assert_comes_back(&values);
        }

        #[test]
        fn any_smooth_list_comes_back(
            start in any::<i64>(),
            steps in prop::collection::vec(-100_000_i64..100_000, 0..600),
        ) {
            let values: Vec<i64> = steps
                .iter()
                .scan(start, |at, step| { *at = at.wrapping_add(*step); Some(*at) })
                .collect();
            assert_comes_back(&values);
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            tag in 0_u8..12,
            len in 0_usize..2_000,
        ) {
            // The tag and the mode of most lists are made valid, so that the reading gets further.
            let bytes = [[tag, 0, 0].as_slice(), &bytes].concat();
            if let Ok(values) = read_integers(&mut Reader::new(&bytes, 0), len) {
                prop_assert_eq!(values.len(), len);
            }
        }

        #[test]
        fn a_damaged_pco_chunk_is_read_or_refused(
            wide in any::<bool>(),
            len in 64_u64..700,
            damages in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6),
        ) {
            let mut bytes = encoded(&uneven(if wide { 50 } else { 20 }, len));
            prop_assert!(bytes[0] & 3 >= PCO_32);
            for (at, damage) in damages {
                let at = at.index(bytes.len());
                bytes[at] ^= damage;
            }
            if let Ok(values) = read_integers(&mut Reader::new(&bytes, 0), len as usize) {
                prop_assert_eq!(values.len(), len as usize);
            }
        }
    }
}
