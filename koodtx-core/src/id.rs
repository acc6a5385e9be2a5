//! Names of things: users, sessions, sign-ins, sensors, log entries, and the dedup key.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::limits::SENSOR_TYPE_MAX_CHARS;
use crate::time::Timestamp;

/// An account. Everything a store keeps for the protocol belongs to exactly one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry of a user's sync log. Ids grow with time and are unique within a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub i64);

/// One sign-in of a device: the family of refresh tokens that descends from one login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignInId(pub Uuid);

/// A recording session within a user: a UUID chosen by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

/// Why a text is no session id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in its usual text form (like 0f81a4f3-c125-5dbf-ba8e-668c0884d7ac)")]
pub struct SessionIdError;

impl FromStr for SessionId {
    type Err = SessionIdError;

    /// Reads the hyphenated form in any case; other spellings of a UUID are refused, so that one
    /// session has one name.
    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        const HYPHENATED_BYTES: usize = 36;
        if text.len() != HYPHENATED_BYTES {
            return Err(SessionIdError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| SessionIdError)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for SessionId {
    /// The hyphenated form in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// What a sensor is called: 1 to [`SENSOR_TYPE_MAX_CHARS`] characters, none of them a control
/// character. Ordered bytewise. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SensorType(Arc<str>);

/// Why a text is no sensor type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sensor type has 1 to {SENSOR_TYPE_MAX_CHARS} characters and no control characters")]
pub struct SensorTypeError;

impl SensorType {
    /// Checks a text and takes it as a sensor type.
    ///
    /// # Errors
    /// When it is empty, too long, or holds a control character.
    pub fn new(text: &str) -> Result<Self, SensorTypeError> {
        let short = !text.is_empty()
            && (text.len() <= SENSOR_TYPE_MAX_CHARS
                || text.chars().count() <= SENSOR_TYPE_MAX_CHARS);
        if short && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(SensorTypeError)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SensorType {
    type Err = SensorTypeError;

    fn from_str(text: &str) -> Result<Self, SensorTypeError> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for SensorType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for SensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Borrow<str> for SensorType {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What makes a record the same record, within one user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupKey {
    /// The recording session.
    pub session_id: SessionId,
    /// The sensor.
    pub sensor_type: SensorType,
    /// When the sample was taken, to the microsecond.
    pub timestamp: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_are_read_in_any_case_and_written_in_lower_case() {
        let id: SessionId = "0F81A4F3-C125-5DBF-BA8E-668C0884D7AC".parse().unwrap();
        assert_eq!(id.to_string(), "0f81a4f3-c125-5dbf-ba8e-668c0884d7ac");
        for text in [
            "0f81a4f3c1255dbfba8e668c0884d7ac",
            "{0f81a4f3-c125-5dbf-ba8e-668c0884d7ac}",
            "",
        ] {
            assert_eq!(text.parse::<SessionId>(), Err(SessionIdError));
        }
    }

    #[test]
    fn sensor_types_count_characters_not_bytes() {
        assert!(SensorType::new(&"ü".repeat(50)).is_ok());
        for text in ["", "a\nb", "\u{7f}", &"x".repeat(51)] {
            assert_eq!(SensorType::new(text), Err(SensorTypeError));
        }
    }
}
