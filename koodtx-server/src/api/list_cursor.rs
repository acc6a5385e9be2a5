//! The cursor of a list of sessions: where the next page begins.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use koodtx_core::time::Timestamp;

/// Version of the form, so that another one can follow.
const VERSION: u8 = 1;
const BYTES: usize = 9;

/// Sessions created before this user clock follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListCursor(pub(super) Timestamp);

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [VERSION; BYTES];
        bytes[1..].copy_from_slice(&self.0.as_micros().to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A text that is no cursor of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListCursorError;

impl FromStr for ListCursor {
    type Err = ListCursorError;

    fn from_str(text: &str) -> Result<Self, ListCursorError> {
        let mut bytes = [0; BYTES];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(BYTES) => {}
            _ => return Err(ListCursorError),
        }
        let [VERSION, micros @ ..] = bytes else {
            return Err(ListCursorError);
        };
        Ok(Self(Timestamp::from_micros(i64::from_be_bytes(micros))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_and_nothing_else_passes() {
        let cursor = ListCursor(Timestamp::from_micros(1_763_035_200_123_456));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "x", "AAAAAAAAAAAA", &"A".repeat(10_000), "ÄÖÜ"] {
            assert_eq!(text.parse::<ListCursor>(), Err(ListCursorError), "{text}");
        }
    }
}
