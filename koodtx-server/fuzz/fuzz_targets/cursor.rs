//! A cursor is refused, or is the one text of what it says.
#![no_main]

use koodtx_core::limits::CURSOR_MAX_BYTES;
use koodtx_core::pull::Cursor;
use libfuzzer_sys::fuzz_target;

/// URL-safe base64 without padding, done here so that the fuzzer works on the bytes.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

fn check(text: &str) {
    let Ok(cursor) = Cursor::decode(text) else {
        return;
    };
    assert!(text.len() <= CURSOR_MAX_BYTES);
    assert_eq!(cursor.encode(), text);
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        check(text);
    }
    check(&base64(bytes));
});
