//! The opaque token with which a client continues a pull.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::RecordPosition;
use crate::id::SensorType;
use crate::limits::CURSOR_MAX_BYTES;
use crate::time::Timestamp;

/// Where a pull goes on, and the round it belongs to.
///
/// It carries all that the round needs, so the server remembers nothing. It is not signed: it can
/// only name a place in the data of the user who presents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The `last_sync_time` of the round.
    pub since: Option<Timestamp>,
    /// The `server_timestamp` of the round.
    pub round_clock: Timestamp,
    /// Hash of the round's filters.
    pub filter: u64,
    /// `created_at` of the session where the page ended.
    pub session: Timestamp,
    /// The last record sent of that session; `None` when all of them were.
    pub inside: Option<RecordPosition>,
}

/// The text is no cursor of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor that this server gave out; start over without one")]
pub struct CursorError;

const VERSION: u8 = 1;
const HAS_SINCE: u8 = 1;
const HAS_INSIDE: u8 = 2;

impl Cursor {
    /// The text form: URL-safe, at most [`CURSOR_MAX_BYTES`] long.
    pub fn encode(&self) -> String {
        let flags = if self.since.is_some() { HAS_SINCE } else { 0 }
            | if self.inside.is_some() { HAS_INSIDE } else { 0 };
        let mut bytes = vec![VERSION, flags];
        let inside_time = self.inside.as_ref().map(|inside| inside.timestamp);
        for time in [
            self.since,
            Some(self.round_clock),
            Some(self.session),
            inside_time,
        ] {
            bytes.extend(time.iter().flat_map(|time| time.as_micros().to_be_bytes()));
        }
        bytes.extend(self.filter.to_be_bytes());
        if let Some(inside) = &self.inside {
            bytes.extend(inside.sensor_type.as_str().as_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When no server of this protocol version made it.
    pub fn decode(text: &str) -> Result<Self, CursorError> {
        if text.len() > CURSOR_MAX_BYTES {
            return Err(CursorError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let Some((&[VERSION, flags @ 0..=3], mut rest)) = bytes.split_first_chunk() else {
            return Err(CursorError);
        };
        let mut word = || -> Result<[u8; 8], CursorError> {
            let (word, tail) = rest.split_first_chunk().ok_or(CursorError)?;
            rest = tail;
            Ok(*word)
        };
        let mut time = || Ok(Timestamp::from_micros(i64::from_be_bytes(word()?)));
        let since = if flags & HAS_SINCE != 0 {
            Some(time()?)
        } else {
            None
        };
        let (round_clock, session) = (time()?, time()?);
        let inside_time = if flags & HAS_INSIDE != 0 {
            Some(time()?)
        } else {
            None
        };
        let filter = u64::from_be_bytes(word()?);
        let name = std::str::from_utf8(rest).map_err(|_| CursorError)?;
        let inside = match inside_time {
            Some(timestamp) => Some(RecordPosition {
                timestamp,
                sensor_type: SensorType::new(name).map_err(|_| CursorError)?,
            }),
            None if name.is_empty() => None,
            None => return Err(CursorError),
        };
        Ok(Self {
            since,
            round_clock,
            filter,
            session,
            inside,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursors() -> impl Strategy<Value = Cursor> {
        let inside = (any::<i64>(), "[^\\x00-\\x1f\\x7f-\\x9f]{1,50}");
        (
            any::<Option<i64>>(),
            any::<i64>(),
            any::<u64>(),
            any::<i64>(),
            proptest::option::of(inside),
        )
            .prop_map(|(since, round_clock, filter, session, inside)| Cursor {
                since: since.map(Timestamp::from_micros),
                round_clock: Timestamp::from_micros(round_clock),
                filter,
                session: Timestamp::from_micros(session),
                inside: inside.map(|(time, name)| RecordPosition {
                    timestamp: Timestamp::from_micros(time),
                    sensor_type: SensorType::new(&name).unwrap(),
                }),
            })
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was(cursor in cursors()) {
            let text = cursor.encode();
            prop_assert!(text.len() <= CURSOR_MAX_BYTES);
            prop_assert_eq!(Cursor::decode(&text), Ok(cursor));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,600}", bytes in any::<Vec<u8>>()) {
            let _ = Cursor::decode(&text);
            let _ = Cursor::decode(&URL_SAFE_NO_PAD.encode(bytes));
        }

        #[test]
        fn a_truncated_cursor_is_refused(cursor in cursors(), keep in 0..57_usize) {
            // Shorter than the fixed part, whatever the flags say.
            let bytes = URL_SAFE_NO_PAD.decode(cursor.encode()).unwrap();
            let fixed = bytes.len() - cursor.inside.map_or(0, |inside| inside.sensor_type.as_str().len());
            let text = URL_SAFE_NO_PAD.encode(&bytes[..keep.min(fixed - 1)]);
            prop_assert_eq!(Cursor::decode(&text), Err(CursorError));
        }
    }
}
