//! PostgreSQL's binary form of arrays, written from and read into plain columns.
//!
//! sqlx would go through one trait call and one bounds check a value; a push has millions.

use crate::error::{Failure, Result};

/// `bytea` in the catalogue of every server.
pub(crate) const BYTEA: u32 = 17;
/// `text` in the catalogue of every server.
pub(crate) const TEXT: u32 = 25;
/// `text[]`.
pub(crate) const TEXT_ARRAY: u32 = 1009;

/// Length of a null.
const NULL: i32 = -1;
/// Dimensions, flags and element type: all of an empty array.
const EMPTY_BYTES: usize = 12;
/// The same, with the length and the lower bound of one dimension.
const HEADER_BYTES: usize = 20;
/// Bytes before each element: its length.
const PREFIX_BYTES: usize = 4;

/// A number of fixed size.
pub(crate) trait Element: Copy {
    /// Its type.
    const OID: u32;
    /// The type of its arrays.
    const ARRAY_OID: u32;
    /// Its size.
    const BYTES: usize;
    /// `bytes` are as many as [`Self::BYTES`], here and in [`get`](Self::get).
    fn put(self, bytes: &mut [u8]);
    fn get(bytes: &[u8]) -> Self;
    /// Writes elements of an array, each behind its length, into as much room as they take. (Here, where their size
    /// is known: each is a store then, and not a call.)
    fn put_elements(room: &mut [u8], values: impl Iterator<Item = Self>);
    /// Reads elements of an array; `None` where one is not of its size, such as a null.
    fn get_elements(bytes: &[u8]) -> Option<Vec<Self>>;
}

/// What stands before an element: its length.
const fn prefix<T>() -> [u8; PREFIX_BYTES] {
    (size_of::<T>() as i32).to_be_bytes()
}

macro_rules! elements {
    ($($type:ty: $oid:literal, $array_oid:literal;)*) => {$(
        impl Element for $type {
            const OID: u32 = $oid;
            const ARRAY_OID: u32 = $array_oid;
            const BYTES: usize = size_of::<$type>();

            fn put(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_be_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                let mut value = [0; size_of::<$type>()];
                value.copy_from_slice(bytes);
                Self::from_be_bytes(value)
            }

            fn put_elements(room: &mut [u8], values: impl Iterator<Item = Self>) {
                let (elements, _) = room.as_chunks_mut::<{ PREFIX_BYTES + size_of::<$type>() }>();
                for (element, value) in elements.iter_mut().zip(values) {
                    element[..PREFIX_BYTES].copy_from_slice(&prefix::<$type>());
                    element[PREFIX_BYTES..].copy_from_slice(&value.to_be_bytes());
                }
            }

            fn get_elements(bytes: &[u8]) -> Option<Vec<Self>> {
                let (elements, rest) = bytes.as_chunks::<{ PREFIX_BYTES + size_of::<$type>() }>();
                let are_whole = rest.is_empty()
                    && elements.iter().all(|element| element[..PREFIX_BYTES] == prefix::<$type>());
                are_whole.then(|| {
                    elements.iter().map(|element| Self::get(&element[PREFIX_BYTES..])).collect()
                })
            }
        }
    )*};
}

elements! {
    i16: 21, 1005;
    i32: 23, 1007;
    i64: 20, 1016;
    f32: 700, 1021;
    f64: 701, 1022;
}

/// Writes the header of an array of `len` elements.
pub(crate) fn put_header(buffer: &mut Vec<u8>, oid: u32, len: usize, has_nulls: bool) {
    buffer.extend_from_slice(&i32::from(len > 0).to_be_bytes());
    buffer.extend_from_slice(&i32::from(has_nulls).to_be_bytes());
    buffer.extend_from_slice(&oid.to_be_bytes());
    if len > 0 {
        buffer.extend_from_slice(&(len as i32).to_be_bytes());
        buffer.extend_from_slice(&1_i32.to_be_bytes());
    }
}

/// Writes an array without nulls.
pub(crate) fn put_array<T: Element>(
    buffer: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = T>,
) {
    put_header(buffer, T::OID, values.len(), false);
    put_elements(buffer, values);
}

/// Writes elements of an array behind its header, into room that is there: one by one they would ask for it.
pub(crate) fn put_elements<T: Element>(
    buffer: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = T>,
) {
    let start = buffer.len();
    let element_bytes = PREFIX_BYTES + T::BYTES;
    buffer.resize(start + values.len() * element_bytes, 0);
    T::put_elements(&mut buffer[start..], values);
}

/// Writes an array whose elements may be null.
pub(crate) fn put_sparse_array<T: Element>(
    buffer: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = Option<T>> + Clone,
) {
    let has_nulls = values.clone().any(|value| value.is_none());
    put_header(buffer, T::OID, values.len(), has_nulls);
    for value in values {
        match value {
            Some(value) => put_elements(buffer, std::iter::once(value)),
            None => buffer.extend_from_slice(&NULL.to_be_bytes()),
        }
    }
}

/// Writes an array of texts, which may be null.
pub(crate) fn put_texts<'a>(
    buffer: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = Option<&'a str>> + Clone,
) {
    let has_nulls = values.clone().any(|value| value.is_none());
    put_header(buffer, TEXT, values.len(), has_nulls);
    for value in values {
        match value {
            Some(value) => {
                buffer.extend_from_slice(&(value.len() as i32).to_be_bytes());
                buffer.extend_from_slice(value.as_bytes());
            }
            None => buffer.extend_from_slice(&NULL.to_be_bytes()),
        }
    }
}

fn malformed() -> Failure {
    Failure::corrupt("an array is not of the type and the shape that it should have")
}

fn int_at(bytes: &[u8], at: usize) -> Result<i32> {
    let bytes = bytes.get(at..at + 4).ok_or_else(malformed)?;
    Ok(i32::get(bytes))
}

/// Reads a header; returns how many elements follow, and their bytes.
fn split_header(bytes: &[u8], oid: u32) -> Result<(usize, &[u8])> {
    if int_at(bytes, 8)? as u32 != oid {
        return Err(malformed());
    }
    match int_at(bytes, 0)? {
        0 if bytes.len() == EMPTY_BYTES => Ok((0, &[])),
        1 => {
            let len = usize::try_from(int_at(bytes, 12)?).map_err(|_| malformed())?;
            Ok((len, bytes.get(HEADER_BYTES..).ok_or_else(malformed)?))
        }
        _ => Err(malformed()),
    }
}

/// Reads an array without nulls.
pub(crate) fn array<T: Element>(bytes: &[u8]) -> Result<Vec<T>> {
    let (len, elements) = split_header(bytes, T::OID)?;
    let each = PREFIX_BYTES + T::BYTES;
    // Before anything is allocated; a null has no room for a value.
    if elements.len() != len.saturating_mul(each) {
        return Err(malformed());
    }
    T::get_elements(elements).ok_or_else(malformed)
}

/// Reads an array of texts or numbers that may be null, as the bytes of each.
pub(crate) fn elements(bytes: &[u8], oid: u32) -> Result<Vec<Option<&[u8]>>> {
    let (len, mut rest) = split_header(bytes, oid)?;
    // Before anything is allocated.
    if rest.len() < len.saturating_mul(PREFIX_BYTES) {
        return Err(malformed());
    }
    let mut values = Vec::with_capacity(len);
    for _ in 0..len {
        let size = int_at(rest, 0)?;
        rest = &rest[PREFIX_BYTES..];
        if size == NULL {
            values.push(None);
            continue;
        }
        let size = usize::try_from(size).map_err(|_| malformed())?;
        if rest.len() < size {
            return Err(malformed());
        }
        let (value, behind) = rest.split_at(size);
        values.push(Some(value));
        rest = behind;
    }
    if rest.is_empty() {
        Ok(values)
    } else {
        Err(malformed())
    }
}

/// Reads an array of texts that may be null.
pub(crate) fn texts(bytes: &[u8]) -> Result<Vec<Option<&str>>> {
    elements(bytes, TEXT)?
        .into_iter()
        .map(|value| {
            let text = value.map(std::str::from_utf8).transpose();
            text.map_err(|_| malformed())
        })
        .collect()
}

/// Reads an array of numbers that may be null.
pub(crate) fn sparse_array<T: Element>(bytes: &[u8]) -> Result<Vec<Option<T>>> {
    elements(bytes, T::OID)?
        .into_iter()
        .map(|value| match value {
            None => Ok(None),
            Some(bytes) if bytes.len() == T::BYTES => Ok(Some(T::get(bytes))),
            Some(_) => Err(malformed()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arrays_come_back(
            numbers: Vec<i64>,
            sparse: Vec<Option<f64>>,
            words: Vec<Option<String>>,
        ) {
            let mut buffer = Vec::new();
            put_array(&mut buffer, numbers.iter().copied());
            prop_assert_eq!(array::<i64>(&buffer).unwrap(), numbers);

            buffer.clear();
            put_sparse_array(&mut buffer, sparse.iter().copied());
            prop_assert_eq!(sparse_array::<f64>(&buffer).unwrap(), sparse);

            buffer.clear();
            let words: Vec<Option<&str>> = words.iter().map(Option::as_deref).collect();
            put_texts(&mut buffer, words.iter().copied());
            prop_assert_eq!(texts(&buffer).unwrap(), words);
        }

        #[test]
        fn any_bytes_are_an_array_or_refused(bytes: Vec<u8>) {
            let _ = array::<i16>(&bytes);
            let _ = array::<f32>(&bytes);
            let _ = sparse_array::<f64>(&bytes);
            let _ = texts(&bytes);
        }

        #[test]
        fn a_truncated_array_is_refused(numbers in prop::collection::vec(any::<i32>(), 1..9), cut: prop::sample::Index) {
            let mut buffer = Vec::new();
            put_array(&mut buffer, numbers.iter().copied());
            buffer.truncate(cut.index(buffer.len()));
            prop_assert!(array::<i32>(&buffer).is_err());
        }
    }

    #[test]
    fn a_length_that_is_not_there_allocates_nothing() {
        let mut buffer = Vec::new();
        put_header(&mut buffer, i64::OID, i32::MAX as usize, false);
        assert!(array::<i64>(&buffer).is_err());
        assert!(elements(&buffer, i64::OID).is_err());
    }
}
