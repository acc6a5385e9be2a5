//! Lists of integers: what times, stamps, rows, lengths and numbers all come down to.
//!
//! A list is written as its first value, then what remains of the others after taking differences
//! zero to two times. Zero: the distance from the first value. One: the step from the value before.
//! Two: by how much that step changed, which is nothing at all for a steady clock. The number of
//! times is chosen per list, by adding up the bits that each would leave.
//!
//! | form | the remainders |
//! | --- | --- |
//! | [`ZERO`] | all zero: not written |
//! | [`BITS`] | packed at a fixed width: short lists, where a model costs more than it saves |
//! | [`PCO_32`], [`PCO_64`] | a `pco` chunk without mode and delta, of 32 or 64 bits |

use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec};

use super::BlockError;
use super::bits::{bits_bytes, read_bits, write_bits};
use super::bytes::{Reader, put_signed, zigzag};

const ZERO: u8 = 0;
const BITS: u8 = 1;
const PCO_32: u8 = 2;
const PCO_64: u8 = 3;

/// Bits of the tag that hold the form; those above hold how often differences were taken.
const FORM_BITS: u32 = 2;
const DIFFERENCES_MAX_COUNT: usize = 2;

/// `pco` searches harder at higher levels; above this it gains less than 1 % and takes twice the
/// time.
const PCO_LEVEL: usize = 4;
/// What `pco` would write as the header of a file. It is the same for all blocks of a codec
/// version, so blocks do not repeat it.
const PCO_FORMAT: [u8; 2] = [4, 1];
/// First byte of a `pco` chunk in classic mode without delta. Nothing else is read: other modes
/// have tables and windows whose sizes the input dictates.
const PCO_PLAIN: u8 = 0;
/// About what a `pco` chunk needs for its own description.
const PCO_CHUNK_BYTES: usize = 12;
/// Plain packing is 3 to 5 times as fast, so `pco` must save one byte in so many.
const PCO_GAIN_DIVISOR: usize = 8;

/// A list on its way into bytes, with the number of differences already chosen.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    values: &'a [i64],
    differences: usize,
    /// About how many bits the remainders take.
    pub bits: usize,
}

impl<'a> Plan<'a> {
    /// Chooses how often to take differences.
    pub fn new(values: &'a [i64]) -> Self {
        let costs = [distance_bits(values), step_bits(values), curve_bits(values)];
        let mut best = 0;
        for differences in 1..costs.len() {
            if costs[differences] < costs[best] {
                best = differences;
            }
        }
        Self {
            values,
            differences: best,
            bits: costs[best],
        }
    }

    /// Appends the list, apart from its length.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Some((&first, others)) = self.values.split_first() else {
            return;
        };
        let tag = (self.differences << FORM_BITS) as u8;
        // With two differences the first step is a value of its own: it would stand out so far
        // from the changes of step that follow as to spoil their packing.
        let first_step = match others.first() {
            Some(second) if self.differences == DIFFERENCES_MAX_COUNT => {
                Some(second.wrapping_sub(first))
            }
            _ => None,
        };
        let head = |out: &mut Vec<u8>, form: u8| {
            out.push(tag | form);
            put_signed(out, first);
            if let Some(step) = first_step {
                put_signed(out, step);
            }
        };
        let rest = self.remainders();
        if rest.iter().all(|&value| value == 0) {
            return head(out, ZERO);
        }
        let packed_bytes = bits_bytes(&rest);
        if pays(self.pco_bytes(rest.len()), packed_bytes) {
            let start = out.len();
            let narrow: Option<Vec<i32>> = rest
                .iter()
                .map(|&value| i32::try_from(value).ok())
                .collect();
            let written = if let Some(narrow) = narrow {
                head(out, PCO_32);
                write_pco(&narrow, out)
            } else {
                head(out, PCO_64);
                write_pco(&rest, out)
            };
            if written.is_some_and(|written_bytes| pays(written_bytes, packed_bytes)) {
                return;
            }
            out.truncate(start);
        }
        head(out, BITS);
        write_bits(&rest, out);
    }

    /// About how many bytes a `pco` chunk of `len` remainders takes. Measured over sensor data of
    /// many kinds: its own description, and two bits a value to tell how wide the value is.
    fn pco_bytes(&self, len: usize) -> usize {
        PCO_CHUNK_BYTES + len / 4 + self.bits / 8
    }

    fn remainders(&self) -> Vec<i64> {
        match (self.differences, self.values) {
            (0, [first, others @ ..]) => others
                .iter()
                .map(|value| value.wrapping_sub(*first))
                .collect(),
            (1, values) => values
                .windows(2)
                .map(|pair| pair[1].wrapping_sub(pair[0]))
                .collect(),
            (_, values) => values.windows(3).map(curve).collect(),
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
    if differences > DIFFERENCES_MAX_COUNT {
        return Err(BlockError::Invalid("a list takes differences too often"));
    }
    let first = reader.signed()?;
    values.push(first);
    let mut step = 0_i64;
    if differences == DIFFERENCES_MAX_COUNT && len > 1 {
        step = reader.signed()?;
        values.push(first.wrapping_add(step));
    }
    let rest_len = len - values.len();
    let rest_start = values.len();
    match tag & ((1 << FORM_BITS) - 1) {
        ZERO => values.resize(len, 0),
        BITS => read_bits(reader, rest_len, &mut values)?,
        PCO_32 => values.extend(
            read_pco::<i32>(reader, rest_len)?
                .into_iter()
                .map(i64::from),
        ),
        _ => values.append(&mut read_pco::<i64>(reader, rest_len)?),
    }
    let mut last = values[rest_start - 1];
    let rest = &mut values[rest_start..];
    match differences {
        0 => rest
            .iter_mut()
            .for_each(|value| *value = value.wrapping_add(first)),
        1 => {
            for value in rest {
                last = last.wrapping_add(*value);
                *value = last;
            }
        }
        _ => {
            for value in rest {
                step = step.wrapping_add(*value);
                last = last.wrapping_add(step);
                *value = last;
            }
        }
    }
    Ok(values)
}

/// Whether `pco` saves enough over plain packing to be worth its time.
fn pays(pco_bytes: usize, packed_bytes: usize) -> bool {
    pco_bytes + pco_bytes / PCO_GAIN_DIVISOR < packed_bytes
}

/// Appends a `pco` chunk and returns its length in bytes; `None` where `pco` would not do it as it
/// should.
fn write_pco<T: Number>(values: &[T], out: &mut Vec<u8>) -> Option<usize> {
    // The automatic modes try out every model on every list: 17 to 90 times slower.
    let config = ChunkConfig::default()
        .with_compression_level(PCO_LEVEL)
        .with_mode_spec(ModeSpec::Classic)
        .with_delta_spec(DeltaSpec::NoOp);
    let mut chunk = FileCompressor::default()
        .chunk_compressor(values, &config)
        .ok()?;
    let start = out.len();
    chunk.write_meta(&mut *out).ok()?;
    chunk.write_page(0, &mut *out).ok()?;
    let written = out.get(start..)?;
    (written.first() == Some(&PCO_PLAIN)).then_some(written.len())
}

fn read_pco<T: Number + Default>(
    reader: &mut Reader<'_>,
    len: usize,
) -> Result<Vec<T>, BlockError> {
    const BROKEN: BlockError = BlockError::Invalid("a packed list cannot be read");
    let source = reader.rest();
    if source.first() != Some(&PCO_PLAIN) || len == 0 {
        return Err(BROKEN);
    }
    let mut values = vec![T::default(); len];
    let (file, _) = FileDecompressor::new(PCO_FORMAT.as_slice()).map_err(|_| BROKEN)?;
    let (mut chunk, rest) = file
        .chunk_decompressor::<T, _>(source)
        .map_err(|_| BROKEN)?;
    let mut page = chunk.page_decompressor(rest, len).map_err(|_| BROKEN)?;
    let progress = page.read(&mut values).map_err(|_| BROKEN)?;
    if !progress.finished || progress.n_processed != len {
        return Err(BROKEN);
    }
    let consumed = source
        .len()
        .checked_sub(page.into_src().len())
        .ok_or(BROKEN)?;
    reader.bytes(consumed)?;
    Ok(values)
}

fn bit_length(value: i64) -> usize {
    (u64::BITS - zigzag(value).leading_zeros()) as usize
}

/// Bits of the distances from the mean.
///
/// Not from the first value, as they are written: packing does not care for an offset, and noise
/// measured from one of its own samples looks wider than it is.
fn distance_bits(values: &[i64]) -> usize {
    if values.iter().all(|&value| value == values[0]) {
        return 0;
    }
    let sum: i128 = values.iter().map(|&value| i128::from(value)).sum();
    let mean = (sum / values.len() as i128) as i64;
    values
        .iter()
        .map(|value| bit_length(value.wrapping_sub(mean)))
        .sum()
}

fn step_bits(values: &[i64]) -> usize {
    values
        .windows(2)
        .map(|pair| bit_length(pair[1].wrapping_sub(pair[0])))
        .sum()
}

fn curve_bits(values: &[i64]) -> usize {
    values
        .windows(3)
        .map(|three| bit_length(curve(three)))
        .sum()
}

/// The change of step between three values.
fn curve(three: &[i64]) -> i64 {
    let (before, after) = (
        three[1].wrapping_sub(three[0]),
        three[2].wrapping_sub(three[1]),
    );
    after.wrapping_sub(before)
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
    fn the_pco_format_is_the_one_that_version_1_of_the_codec_is_made_of() {
        let mut header = Vec::new();
        FileCompressor::default().write_header(&mut header).unwrap();
        assert_eq!(
            header, PCO_FORMAT,
            "raise the codec's version, and keep reading this one"
        );
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
            index
                .wrapping_add(1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
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

    #[test]
    fn a_packed_list_of_another_mode_is_refused() {
        for other in 1..=u8::MAX {
            let bytes = [PCO_32, 0, other, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            assert!(read_integers(&mut Reader::new(&bytes, 0), 100).is_err());
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
            let bytes = [[tag, 0, PCO_PLAIN].as_slice(), &bytes].concat();
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
