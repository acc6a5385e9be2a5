//! Writing JSON scalars.

use super::number::EXACT_INTEGER_MAX;

/// Writes a finite double: integers within ±2^53 without a fraction, others as the shortest text
/// that reads back as the same double.
#[inline]
pub fn write_f64(out: &mut String, double: f64) {
    let integer = double as i64;
    let exact = integer as f64 == double && integer.unsigned_abs() <= EXACT_INTEGER_MAX;
    if exact && !(integer == 0 && double.is_sign_negative()) {
        out.push_str(itoa::Buffer::new().format(integer));
    } else {
        out.push_str(zmij::Buffer::new().format_finite(double));
    }
}

/// Writes a string with the escapes that JSON demands and no others.
pub fn write_string(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        out.push('\\');
        match byte {
            b'"' | b'\\' => out.push(char::from(byte)),
            b'\n' => out.push('n'),
            b'\r' => out.push('r'),
            b'\t' => out.push('t'),
            0x8 => out.push('b'),
            0xC => out.push('f'),
            _ => {
                out.push_str("u00");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}
