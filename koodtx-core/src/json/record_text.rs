//! JSON made of many short texts.
//!
//! A record is some ten short texts. To append one to a string is a call that finds out how long it is;
//! a copy of a fixed length, whose end the next one overwrites, is a few instructions.

/// The buffer is filled with zeros so many bytes ahead.
const GROWTH_MIN_BYTES: usize = 4 * 1024;

/// Bytes of a [`Constant`] that are copied at once: what the name of most sensors has, with all that stands
/// around it.
const CONSTANT_SHORT_BYTES: usize = 64;

/// Bytes that are copied of a constant of at most so many, such as a field of a few letters.
const CONSTANT_SHORTEST_BYTES: usize = 16;

/// A text that is appended again and again.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    begin: [u8; CONSTANT_SHORT_BYTES],
    begin_len: usize,
    /// What is longer than that.
    rest: Vec<u8>,
}

impl Constant {
    pub(crate) fn new(text: &str) -> Self {
        let text = text.as_bytes();
        let (short, rest) = text.split_at(text.len().min(CONSTANT_SHORT_BYTES));
        let mut begin = [0; CONSTANT_SHORT_BYTES];
        begin[..short.len()].copy_from_slice(short);
        Self {
            begin,
            begin_len: short.len(),
            rest: rest.to_vec(),
        }
    }
}

/// A text that records are appended to.
#[derive(Debug, Default)]
pub struct RecordText {
    /// The text, and behind it what may be overwritten.
    bytes: Vec<u8>,
    len: usize,
}

impl RecordText {
    /// Nothing yet, with memory for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes + GROWTH_MIN_BYTES),
            len: 0,
        }
    }

    /// The length so far, in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a text.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if end > self.bytes.len() {
            self.grow(bytes.len());
        }
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    /// Appends the first `len` of these bytes, which are text.
    #[inline]
    pub(crate) fn push_short<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        self.push_with(|room| {
            *room = bytes;
            len
        });
    }

    /// Appends what `write` puts at the beginning of `N` bytes, which is text; it says how much that is.
    #[inline]
    pub(crate) fn push_with<const N: usize>(&mut self, write: impl FnOnce(&mut [u8; N]) -> usize) {
        if self.bytes.len() - self.len < N {
            self.grow(N);
        }
        if let Some(room) = self.bytes[self.len..].first_chunk_mut() {
            let len = write(room);
            debug_assert!(len <= N);
            self.len += len;
        }
    }

    #[inline]
    pub(crate) fn push_constant(&mut self, text: &Constant) {
        if text.begin_len <= CONSTANT_SHORTEST_BYTES
            && let Some(&begin) = text.begin.first_chunk::<CONSTANT_SHORTEST_BYTES>()
        {
            return self.push_short(begin, text.begin_len);
        }
        self.push_short(text.begin, text.begin_len);
        if !text.rest.is_empty() {
            self.push_bytes(&text.rest);
        }
    }

    #[cold]
    fn grow(&mut self, needed_bytes: usize) {
        let more = needed_bytes.max(GROWTH_MIN_BYTES);
        self.bytes.resize(self.bytes.len() + more, 0);
    }

    /// What was appended since it had this length.
    pub(crate) fn written_since(&self, len: usize) -> &[u8] {
        &self.bytes[len..self.len]
    }

    /// Appends the text to `out`, without a copy where that is empty.
    pub(crate) fn append_to(self, out: &mut Vec<u8>) {
        append(self.into_bytes(), out);
    }

    /// The text, which is UTF-8.
    fn into_bytes(self) -> Vec<u8> {
        let Self { mut bytes, len } = self;
        bytes.truncate(len);
        bytes
    }

    /// Puts another ASCII character in the place of the one at `at`.
    #[inline]
    pub(crate) fn replace(&mut self, at: usize, character: u8) {
        debug_assert!(self.bytes[at].is_ascii() && character.is_ascii());
        self.bytes[at] = character;
    }
}

/// Appends bytes to `out`, without a copy where that is empty.
pub(crate) fn append(mut bytes: Vec<u8>, out: &mut Vec<u8>) {
    if out.is_empty() {
        *out = bytes;
    } else {
        out.append(&mut bytes);
    }
}

impl From<RecordText> for String {
    fn from(text: RecordText) -> Self {
        Self::from_utf8(text.into_bytes()).expect("it was made of texts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_follow_each_other() {
        let mut expected = String::new();
        let mut text = RecordText::with_capacity(100);
        for len in (0..CONSTANT_SHORT_BYTES * 2).chain([1_000, 10_000]) {
            // The cut may fall into a character.
            let constant = "ä".repeat(len / 2) + &"x".repeat(len % 2);
            text.push_constant(&Constant::new(&constant));
            text.push_str("|");
            expected += &constant;
            expected.push('|');
        }
        assert_eq!(text.len(), expected.len());
        assert_eq!(String::from(text), expected);
        let nothing = RecordText::default();
        assert!(nothing.is_empty() && String::from(nothing).is_empty());
    }
}
