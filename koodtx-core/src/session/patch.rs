//! What a push says of its session, validated.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::SampleRate;
use crate::id::SessionId;
use crate::json::scanner::Scanner;
use crate::limits::{
    ENABLED_SENSORS_MAX_COUNT, NOTES_MAX_CHARS, SENSOR_TYPE_MAX_CHARS, SESSION_MAX_BYTES,
};
use crate::push::PushError;
use crate::time::Timestamp;

/// A session's metadata as one push gives it. A field that is `None` was absent (or
/// `null`, where `null` cannot clear it) and is not written;
/// `Some(None)` is an explicit `null`.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionPatch {
    /// The session.
    pub session_id: SessionId,
    /// When the recording began.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Option<Option<Timestamp>>,
    /// Whether the device is still recording.
    pub is_active: Option<bool>,
    /// Which sensors the client meant to record.
    pub enabled_sensors: Option<Vec<String>>,
    /// The nominal sample rate.
    pub sample_rate: Option<SampleRate>,
    /// Free text.
    pub notes: Option<Option<String>>,
    /// When the client last modified the metadata.
    pub updated_at: Option<Timestamp>,
}

impl SessionPatch {
    /// Reads the `session` object of a push.
    ///
    /// # Errors
    /// Names the first field that is missing or wrong.
    pub fn from_json(text: &str) -> Result<Self, PushError> {
        let fields = Fields::read(text)?;
        let patch = Self {
            session_id: fields
                .required("session.session_id")?
                .as_str()
                .ok_or_else(|| PushError::invalid("session.session_id", "has to be a string"))?
                .parse()
                .map_err(|error| PushError::invalid("session.session_id", format!("is {error}")))?,
            start_time: time("session.start_time", fields.required("session.start_time")?)?,
            end_time: fields.nullable("session.end_time", time)?,
            is_active: fields.optional("session.is_active", |name, value| {
                value
                    .as_bool()
                    .ok_or_else(|| PushError::invalid(name, "has to be true or false"))
            })?,
            enabled_sensors: fields.optional("session.enabled_sensors", sensors)?,
            sample_rate: fields.optional("session.sample_rate", |name, value| {
                value.as_f64().and_then(SampleRate::new).ok_or_else(|| {
                    PushError::invalid(name, "has to be a number above 0 (samples per second)")
                })
            })?,
            notes: fields.nullable("session.notes", notes)?,
            updated_at: fields.optional("session.updated_at", time)?,
        };
        if let Some(Some(end)) = patch.end_time
            && end < patch.start_time
        {
            return Err(PushError::invalid(
                "session.end_time",
                "must not lie before `start_time`",
            ));
        }
        Ok(patch)
    }
}

/// The members of the `session` object; names are given as the client knows them, with the path.
struct Fields(BTreeMap<&'static str, Value>);

/// The members that are read, with their path. All others are passed over without being built.
const MEMBERS: [&str; 8] = [
    "session.session_id",
    "session.start_time",
    "session.end_time",
    "session.is_active",
    "session.enabled_sensors",
    "session.sample_rate",
    "session.notes",
    "session.updated_at",
];
/// How deep a member may nest: an array of strings.
const MEMBER_MAX_DEPTH: usize = 1;

impl Fields {
    fn read(text: &str) -> Result<Self, PushError> {
        if text.len() > SESSION_MAX_BYTES {
            let problem = format!("may have at most {SESSION_MAX_BYTES} bytes");
            return Err(PushError::invalid("session", problem));
        }
        let mut scanner = Scanner::new(text);
        if !scanner.take(b'{') {
            return Err(PushError::invalid("session", "has to be an object"));
        }
        let mut members = BTreeMap::new();
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            let key = key.decode().unwrap_or_default();
            let (text, depth) = scanner.value()?;
            let Some(name) = MEMBERS
                .into_iter()
                .find(|name| name.strip_prefix("session.") == Some(&key))
            else {
                continue;
            };
            let value = if depth > MEMBER_MAX_DEPTH {
                // No field takes such a value, so any that is refused will do.
                Value::Object(Map::new())
            } else {
                serde_json::from_str(text)
                    .map_err(|error| PushError::invalid(name, format!("cannot be read: {error}")))?
            };
            members.insert(name, value);
        }
        Ok(Self(members))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    fn required(&self, name: &'static str) -> Result<&Value, PushError> {
        self.get(name)
            .filter(|value| !value.is_null())
            .ok_or_else(|| PushError::missing(name))
    }

    /// A field for which `null` means the same as absent.
    fn optional<T>(
        &self,
        name: &'static str,
        read: impl Fn(&'static str, &Value) -> Result<T, PushError>,
    ) -> Result<Option<T>, PushError> {
        self.get(name)
            .filter(|value| !value.is_null())
            .map(|value| read(name, value))
            .transpose()
    }

    /// A field that `null` clears.
    #[expect(
        clippy::option_option,
        reason = "absent, null and a value are three things"
    )]
    fn nullable<T>(
        &self,
        name: &'static str,
        read: impl Fn(&'static str, &Value) -> Result<T, PushError>,
    ) -> Result<Option<Option<T>>, PushError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => read(name, value).map(|value| Some(Some(value))),
        }
    }
}

fn time(name: &'static str, value: &Value) -> Result<Timestamp, PushError> {
    value
        .as_str()
        .ok_or_else(|| PushError::invalid(name, "has to be a string with an RFC 3339 time"))?
        .parse()
        .map_err(|error| PushError::invalid(name, format!("is {error}")))
}

fn notes(name: &'static str, value: &Value) -> Result<String, PushError> {
    let text = value
        .as_str()
        .ok_or_else(|| PushError::invalid(name, "has to be a string or null"))?;
    if text.chars().count() > NOTES_MAX_CHARS {
        return Err(PushError::invalid(
            name,
            format!("may have at most {NOTES_MAX_CHARS} characters"),
        ));
    }
    without_nul(name, text)
}

fn sensors(name: &'static str, value: &Value) -> Result<Vec<String>, PushError> {
    let wrong = || {
        PushError::invalid(
            name,
            format!(
                "has to be an array of at most {ENABLED_SENSORS_MAX_COUNT} strings of 1 to \
                 {SENSOR_TYPE_MAX_CHARS} characters"
            ),
        )
    };
    let values = value
        .as_array()
        .filter(|values| values.len() <= ENABLED_SENSORS_MAX_COUNT);
    values
        .ok_or_else(wrong)?
        .iter()
        .map(|value| {
            let text = value.as_str().ok_or_else(wrong)?;
            if (1..=SENSOR_TYPE_MAX_CHARS).contains(&text.chars().count()) {
                without_nul(name, text)
            } else {
                Err(wrong())
            }
        })
        .collect()
}

fn without_nul(name: &'static str, text: &str) -> Result<String, PushError> {
    if text.contains('\0') {
        return Err(PushError::invalid(
            name,
            "must not hold the character U+0000",
        ));
    }
    Ok(text.to_owned())
}
