//! Lists of texts, each distinct text once where that pays.

use std::collections::HashMap;

use super::super::columns::Texts;
use super::BlockError;
use super::bytes::{Reader, put_varint, text};
use super::integers::{Plan, read_integers};

const PLAIN: u8 = 0;
const DICTIONARY: u8 = 1;

/// A dictionary pays where each of its texts stands for this many values at least.
const VALUES_PER_TEXT: usize = 2;

/// Appends a list of texts, apart from its length.
pub(super) fn write_texts(texts: &Texts, out: &mut Vec<u8>) {
    if let Some(dictionary) = Dictionary::of(texts) {
        out.push(DICTIONARY);
        put_varint(out, dictionary.texts.len() as u64);
        write_plain(&dictionary.texts, out);
        Plan::new(&dictionary.indices).write(out);
    } else {
        out.push(PLAIN);
        write_plain(texts, out);
    }
}

/// Reads a list of `len` texts.
///
/// The caller has reserved the memory for their ends; that for the texts is reserved here.
pub(super) fn read_texts(reader: &mut Reader<'_>, len: usize) -> Result<Texts, BlockError> {
    match reader.byte()? {
        PLAIN => {
            let texts = read_plain(reader, len)?;
            reader.reserve(texts.bytes.len(), 1)?;
            Ok(texts)
        }
        DICTIONARY => {
            let distinct_count = reader.length(len)?;
            let distinct = read_plain(reader, distinct_count)?;
            let indices = read_integers(reader, len)?
                .into_iter()
                .map(|index| {
                    usize::try_from(index)
                        .ok()
                        .filter(|&index| index < distinct_count)
                })
                .collect::<Option<Vec<_>>>()
                .ok_or(BlockError::Invalid(
                    "an index lies outside of its dictionary",
                ))?;
            let total = indices.iter().map(|&index| distinct.get(index).len()).sum();
            reader.reserve(total, 1)?;
            let mut texts = Texts {
                ends: Vec::with_capacity(len),
                bytes: String::with_capacity(total),
            };
            for index in indices {
                texts.push(distinct.get(index));
            }
            Ok(texts)
        }
        _ => Err(BlockError::Invalid("a list of texts has an unknown form")),
    }
}

fn write_plain(texts: &Texts, out: &mut Vec<u8>) {
    let lengths: Vec<i64> = (0..texts.len())
        .map(|index| texts.get(index).len() as i64)
        .collect();
    Plan::new(&lengths).write(out);
    out.extend_from_slice(texts.bytes.as_bytes());
}

/// Takes no more memory than the block that it reads, apart from the ends.
fn read_plain(reader: &mut Reader<'_>, len: usize) -> Result<Texts, BlockError> {
    const TOO_LONG: BlockError = BlockError::Invalid("a text is longer than the block");
    let lengths = read_integers(reader, len)?;
    let longest = reader.rest().len() as u64;
    let mut ends = Vec::with_capacity(len);
    let mut end = 0_u64;
    for length in lengths {
        let length = u64::try_from(length).map_err(|_| TOO_LONG)?;
        end = end
            .checked_add(length)
            .filter(|&end| end <= longest)
            .ok_or(TOO_LONG)?;
        ends.push(u32::try_from(end).map_err(|_| TOO_LONG)?);
    }
    let bytes = text(reader.bytes(end as usize)?)?;
    if ends.iter().all(|&end| bytes.is_char_boundary(end as usize)) {
        Ok(Texts {
            ends,
            bytes: bytes.to_owned(),
        })
    } else {
        Err(BlockError::Invalid("a text ends inside a character"))
    }
}

struct Dictionary {
    texts: Texts,
    indices: Vec<i64>,
}

impl Dictionary {
    /// `None` where it would not pay.
    fn of(texts: &Texts) -> Option<Self> {
        let distinct_max_count = texts.len() / VALUES_PER_TEXT;
        let mut known = HashMap::new();
        let mut dictionary = Self {
            texts: Texts::default(),
            indices: Vec::with_capacity(texts.len()),
        };
        for text in (0..texts.len()).map(|index| texts.get(index)) {
            let next = known.len();
            let index = *known.entry(text).or_insert(next);
            if index == next {
                if next == distinct_max_count {
                    return None;
                }
                dictionary.texts.push(text);
            }
            dictionary.indices.push(index as i64);
        }
        Some(dictionary)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALLOWANCE_BYTES: usize = 1 << 16;

    fn texts<T: AsRef<str>>(values: &[T]) -> Texts {
        let mut texts = Texts::default();
        for value in values {
            texts.push(value.as_ref());
        }
        texts
    }

    fn encoded(texts: &Texts) -> Vec<u8> {
        let mut out = Vec::new();
        write_texts(texts, &mut out);
        out
    }

    fn assert_comes_back(texts: &Texts) {
        let bytes = encoded(texts);
        let mut reader = Reader::new(&bytes, ALLOWANCE_BYTES);
        assert_eq!(read_texts(&mut reader, texts.len()).as_ref(), Ok(texts));
        assert_eq!(reader.rest(), b"");
    }

    #[test]
    fn texts_that_repeat_are_written_once() {
        let walking = texts(&[r#""walking""#; 512]);
        assert!(encoded(&walking).len() < 20);
        assert_comes_back(&walking);
        let distinct = texts(&["1", "2", "3"]);
        assert_eq!(encoded(&distinct)[0], PLAIN);
        assert_comes_back(&distinct);
    }

    #[test]
    fn empty_and_wide_texts_come_back() {
        assert_comes_back(&texts(&["", "ä€😀", "", "", "\u{0}"]));
        assert_comes_back(&texts::<&str>(&[]));
    }

    #[test]
    fn a_border_inside_a_character_is_refused() {
        // Lengths 1 and 1 over the two bytes of "ä".
        let split = [PLAIN, 0, 2, 0xc3, 0xa4];
        let refused = read_texts(&mut Reader::new(&split, ALLOWANCE_BYTES), 2);
        assert_eq!(
            refused,
            Err(BlockError::Invalid("a text ends inside a character"))
        );
        // One text of two bytes that are no character.
        let broken = [PLAIN, 0, 4, 0xc3, 0xc3];
        let refused = read_texts(&mut Reader::new(&broken, ALLOWANCE_BYTES), 1);
        assert_eq!(refused, Err(BlockError::Invalid("a text is not UTF-8")));
    }

    #[test]
    fn a_dictionary_cannot_blow_up_beyond_the_allowance() {
        let bomb = texts(&vec!["x".repeat(1 << 10); 65]);
        let bytes = encoded(&bomb);
        assert!(bytes.len() < 1_100);
        assert!(read_texts(&mut Reader::new(&bytes, ALLOWANCE_BYTES), bomb.len()).is_err());
    }

    proptest! {
        #[test]
        fn any_texts_come_back(values in prop::collection::vec("[a-c]{0,2}|.{0,9}", 0..100)) {
            assert_comes_back(&texts(&values));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            form in 0_u8..3,
            tag in 0_u8..6,
            len in 0_usize..100,
        ) {
            let bytes = [&[form, tag], bytes.as_slice()].concat();
            if let Ok(texts) = read_texts(&mut Reader::new(&bytes, ALLOWANCE_BYTES), len) {
                prop_assert_eq!(texts.len(), len);
            }
        }
    }
}
