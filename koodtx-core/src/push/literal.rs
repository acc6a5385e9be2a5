//! Texts that are expected again and again.

use crate::json::scanner::Scanner;

/// Bytes of a word that is compared at once.
const WORD_BYTES: usize = 16;
/// Words of the longest text that is compared so.
const WORDS_MAX_COUNT: usize = 3;

/// A text that is looked for at many places, compared by words: most are too short for a call to be worth it.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    text: Box<str>,
    words: [Word; WORDS_MAX_COUNT],
}

/// Some bytes of a text, with zeros behind them.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    bits: u128,
    /// Those that count.
    mask: u128,
}

impl Word {
    fn new(text: &[u8]) -> Self {
        let (mut bits, mut mask) = ([0; WORD_BYTES], [0; WORD_BYTES]);
        bits[..text.len()].copy_from_slice(text);
        mask[..text.len()].fill(u8::MAX);
        Self {
            bits: u128::from_le_bytes(bits),
            mask: u128::from_le_bytes(mask),
        }
    }

    /// The bits in which it differs from other bytes.
    #[inline]
    fn difference(self, bytes: [u8; WORD_BYTES]) -> u128 {
        (u128::from_le_bytes(bytes) ^ self.bits) & self.mask
    }
}

impl Literal {
    pub(super) fn new(text: &str) -> Self {
        let mut words = [Word::default(); WORDS_MAX_COUNT];
        for (word, bytes) in words.iter_mut().zip(text.as_bytes().chunks(WORD_BYTES)) {
            *word = Word::new(bytes);
        }
        Self {
            text: text.into(),
            words,
        }
    }

    /// Its length in bytes.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether it comes next, white space included.
    #[inline]
    pub(super) fn comes_next(&self, scanner: &Scanner<'_>) -> bool {
        if self.len() <= WORD_BYTES
            && let Some(next) = scanner.chunk()
        {
            return self.words[0].difference(*next) == 0;
        }
        if self.len() <= WORD_BYTES * WORDS_MAX_COUNT
            && let Some(next) = scanner.chunk::<{ WORD_BYTES * WORDS_MAX_COUNT }>()
        {
            let (next, _) = next.as_chunks();
            let difference = self.words[0].difference(next[0])
                | self.words[1].difference(next[1])
                | self.words[2].difference(next[2]);
            return difference == 0;
        }
        scanner.rest().starts_with(self.text.as_bytes())
    }

    /// Takes it if it comes next.
    #[inline]
    pub(super) fn take(&self, scanner: &mut Scanner<'_>) -> Option<()> {
        self.comes_next(scanner).then(|| scanner.at += self.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn comes_next_is_starts_with(
            text in "[a-c]{0,60}",
            before in "[a-c]{0,3}",
            changed in prop::option::of(any::<prop::sample::Index>()),
            behind in "[a-c]{0,60}",
        ) {
            let literal = Literal::new(&text);
            let mut body = format!("{before}{text}{behind}");
            if let Some(at) = changed.filter(|_| !body.is_empty()) {
                let at = at.index(body.len());
                body.replace_range(at..=at, "x");
            }
            let mut scanner = Scanner::new(&body);
            scanner.at = before.len();
            let expected = body[before.len()..].starts_with(&text);
            prop_assert_eq!(literal.comes_next(&scanner), expected);
            prop_assert_eq!(literal.take(&mut scanner), expected.then_some(()));
            let taken = if expected { text.len() } else { 0 };
            prop_assert_eq!(scanner.at, before.len() + taken);
        }
    }
}
