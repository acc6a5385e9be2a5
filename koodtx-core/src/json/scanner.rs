//! A strict JSON scanner over a text in memory.
//!
//! It allocates nothing, recurses nowhere (a hostile nesting costs one bit a level), and hands out
//! slices of its input.

use super::number::NumberToken;

/// The text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not valid JSON: expected {expected} at byte {offset}")]
pub struct SyntaxError {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

/// A string token without its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StringToken<'a> {
    /// What stands between the quotes.
    pub raw: &'a str,
    /// Whether there is an escape in it.
    pub escaped: bool,
}

/// A string that is valid JSON and no valid Unicode: half of a surrogate pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoneSurrogate;

impl<'a> StringToken<'a> {
    /// The text.
    pub(crate) fn decode(self) -> Result<std::borrow::Cow<'a, str>, LoneSurrogate> {
        if self.escaped {
            unescape(self.raw).map(Into::into)
        } else {
            Ok(self.raw.into())
        }
    }
}

fn unescape(raw: &str) -> Result<String, LoneSurrogate> {
    let hex = |at: usize| {
        raw.get(at..at + 4)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    let mut text = String::with_capacity(raw.len());
    let mut rest = 0;
    while let Some(found) = memchr::memchr(b'\\', &raw.as_bytes()[rest..]) {
        let at = rest + found;
        text.push_str(&raw[rest..at]);
        rest = at + 2;
        let escape = raw.as_bytes()[at + 1];
        text.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = hex(rest).ok_or(LoneSurrogate)?;
                rest += 4;
                if (0xD800..0xDC00).contains(&code) && raw[rest..].starts_with("\\u") {
                    let low = hex(rest + 2).filter(|low| (0xDC00..0xE000).contains(low));
                    code =
                        0x1_0000 + ((code - 0xD800) << 10) + (low.ok_or(LoneSurrogate)? - 0xDC00);
                    rest += 6;
                }
                char::from_u32(code).ok_or(LoneSurrogate)?
            }
            other => char::from(other),
        });
    }
    text.push_str(&raw[rest..]);
    Ok(text)
}

/// What stands between two numbers of an array: a comma, and perhaps a space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Separator {
    pub has_space: bool,
}

impl Separator {
    /// Its length in bytes.
    #[inline]
    pub(crate) fn len(self) -> usize {
        1 + usize::from(self.has_space)
    }
}

/// Reads one JSON text from front to back.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    pub(crate) at: usize,
}

/// Bytes that end the plain part of a string: `"`, `\` and control characters.
const STRING_STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// What is left of the input, as bytes.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes().get(self.at..).unwrap_or_default()
    }

    /// The next bytes; `None` where so many are not left.
    #[inline]
    pub(crate) fn chunk<const BYTES: usize>(&self) -> Option<&'a [u8; BYTES]> {
        self.bytes().get(self.at..)?.first_chunk()
    }

    /// The input between two offsets; empty where they are none.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    pub(crate) fn fail<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError {
            offset: self.at,
            expected,
        })
    }

    /// The next byte behind white space, not taken; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }

    /// Takes `byte` if it comes next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), SyntaxError> {
        if self.take(byte) {
            Ok(())
        } else {
            self.fail(expected)
        }
    }

    /// Checks that only white space is left.
    pub(crate) fn finish(&mut self) -> Result<(), SyntaxError> {
        if self.peek() == 0 && self.at == self.text.len() {
            Ok(())
        } else {
            self.fail("the end")
        }
    }

    /// Goes to the next member of an object whose `{` is taken: its key, or `None` at the `}`.
    #[inline]
    pub(crate) fn next_key(
        &mut self,
        first: &mut bool,
    ) -> Result<Option<StringToken<'a>>, SyntaxError> {
        if self.take(b'}') {
            return Ok(None);
        }
        if !std::mem::take(first) {
            self.expect(b',', "`,` or `}`")?;
        }
        if self.peek() != b'"' {
            return self.fail("a string as key");
        }
        let key = self.string()?;
        self.expect(b':', "`:`")?;
        Ok(Some(key))
    }

    /// Goes to the next element of an array whose `[` is taken; false at the `]`.
    #[inline]
    pub(crate) fn next_element(&mut self, first: &mut bool) -> Result<bool, SyntaxError> {
        if self.take(b']') {
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(b',', "`,` or `]`")?;
        }
        Ok(true)
    }

    /// Takes the comma before a number, as between the elements of an array that is all numbers, with one space
    /// behind it or none: what most writers of JSON put there.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once a number")]
    pub(crate) fn take_separator(&mut self) -> Option<Separator> {
        let has_space = match self.rest() {
            [b',', b'-' | b'0'..=b'9', ..] => false,
            [b',', b' ', b'-' | b'0'..=b'9', ..] => true,
            _ => return None,
        };
        let separator = Separator { has_space };
        self.at += separator.len();
        Some(separator)
    }

    /// Takes a string, whose opening quote comes next.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<StringToken<'a>, SyntaxError> {
        self.expect(b'"', "a string")?;
        let bytes = self.bytes();
        let start = self.at;
        let mut escaped = false;
        loop {
            while let Some(&byte) = bytes.get(self.at) {
                if STRING_STOPS[byte as usize] {
                    break;
                }
                self.at += 1;
            }
            match bytes.get(self.at) {
                Some(b'"') => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(StringToken { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => {
                    return self.fail("no control character in a string (write it as an escape)");
                }
                None => return self.fail("the closing quote of a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let rest = &self.bytes()[self.at + 1..];
        match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') if rest.len() > 4 && rest[1..5].iter().all(u8::is_ascii_hexdigit) => {
                self.at += 6;
            }
            _ => return self.fail("a valid escape"),
        }
        Ok(())
    }

    /// Takes a number, whose first byte comes next.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a third of parsing, and the token falls apart where it is used"
    )]
    pub(crate) fn number(&mut self) -> Result<NumberToken<'a>, SyntaxError> {
        let bytes = self.bytes();
        let start = self.at;
        let negative = bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);

        let mut mantissa: u64 = 0;
        let digits = |at: &mut usize, mantissa: &mut u64| {
            let from = *at;
            while let Some(digit) = bytes
                .get(*at)
                .map(|byte| byte.wrapping_sub(b'0'))
                .filter(|&d| d < 10)
            {
                *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
                *at += 1;
            }
            *at - from
        };
        let leading_zero = bytes.get(self.at) == Some(&b'0');
        let whole = digits(&mut self.at, &mut mantissa);
        if whole == 0 || (leading_zero && whole > 1) {
            return self.fail("a number without leading zeros");
        }
        let mut fraction = 0;
        let mut integer = true;
        if bytes.get(self.at) == Some(&b'.') {
            integer = false;
            self.at += 1;
            fraction = digits(&mut self.at, &mut mantissa);
            if fraction == 0 {
                return self.fail("a digit behind the decimal point");
            }
        }
        let mut exponent: i32 = 0;
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            integer = false;
            exponent = self.exponent()?;
        }
        // 19 digits always fit 64 bits.
        let overflow = whole + fraction > 19;
        Ok(NumberToken {
            text: &self.text[start..self.at],
            negative,
            mantissa,
            exponent: exponent.saturating_sub(i32::try_from(fraction).unwrap_or(i32::MAX)),
            integer,
            overflow,
        })
    }

    fn exponent(&mut self) -> Result<i32, SyntaxError> {
        let bytes = self.bytes();
        self.at += 1;
        let negative = bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(matches!(bytes.get(self.at), Some(b'-' | b'+')));
        let start = self.at;
        let mut exponent: i32 = 0;
        while let Some(digit) = bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            exponent = exponent
                .saturating_mul(10)
                .saturating_add(i32::from(digit - b'0'));
            self.at += 1;
        }
        if self.at == start {
            return self.fail("a digit in the exponent");
        }
        Ok(if negative { -exponent } else { exponent })
    }

    /// Takes `true`, `false` or `null`.
    pub(crate) fn literal(&mut self) -> Result<&'a str, SyntaxError> {
        for literal in ["true", "false", "null"] {
            if self.text.as_bytes()[self.at..].starts_with(literal.as_bytes()) {
                self.at += literal.len();
                return Ok(literal);
            }
        }
        self.fail("a JSON value")
    }

    /// Takes a scalar value of any kind.
    fn scalar(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => self.literal().map(drop),
        }
    }

    /// Takes a value of any kind and returns it with how deep it nests (a scalar: 0).
    pub(crate) fn value(&mut self) -> Result<(&'a str, usize), SyntaxError> {
        self.peek();
        let start = self.at;
        // One bit a level: is it an object?
        let mut levels: Vec<u64> = Vec::new();
        let (mut depth, mut deepest) = (0_usize, 0_usize);
        loop {
            // At the start of a value.
            match self.peek() {
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    let object = open == b'{';
                    if depth % 64 == 0 {
                        levels.truncate(depth / 64);
                        levels.push(0);
                    }
                    let level = &mut levels[depth / 64];
                    *level = *level & !(1 << (depth % 64)) | (u64::from(object) << (depth % 64));
                    depth += 1;
                    deepest = deepest.max(depth);
                    if self.take(if object { b'}' } else { b']' }) {
                        depth -= 1;
                    } else {
                        if object {
                            self.next_key(&mut true)?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // Behind a value: close what ends here, or go on to the next value.
            loop {
                if depth == 0 {
                    return Ok((&self.text[start..self.at], deepest));
                }
                let object = levels[(depth - 1) / 64] >> ((depth - 1) % 64) & 1 == 1;
                let goes_on = if object {
                    self.next_key(&mut false)?.is_some()
                } else {
                    self.next_element(&mut false)?
                };
                if goes_on {
                    break;
                }
                depth -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<usize, SyntaxError> {
        let mut scanner = Scanner::new(text);
        let (_, depth) = scanner.value()?;
        scanner.finish().map(|()| depth)
    }

    #[test]
    fn takes_what_json_allows() {
        for (text, depth) in [
            ("0", 0),
            (" -0.5e+3 ", 0),
            ("true", 0),
            (r#""\ud83d\ude00\n""#, 0),
            ("[]", 1),
            ("{}", 1),
            (r#"{"a":[1,{"b":null}],"c":{}}"#, 3),
            ("[[],[[]]]", 3),
        ] {
            assert_eq!(value(text), Ok(depth), "{text}");
        }
    }

    #[test]
    fn refuses_what_json_does_not() {
        for text in [
            "",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "tru",
            "[1,]",
            "{,}",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "[1 2]",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"",
            "[",
            "{\"a\":",
            "1 1",
            "]",
            "{]",
            "[}",
            "{1:2}",
            "nan",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hostile_nesting_costs_a_bit_a_level() {
        let deep = 100_000;
        let text = "[".repeat(deep) + &"]".repeat(deep);
        assert_eq!(value(&text), Ok(deep));
        assert!(value(&"[{\"a\":".repeat(deep)).is_err());
    }
}
