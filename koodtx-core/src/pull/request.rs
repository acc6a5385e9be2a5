//! What a client asks of a pull.

use serde_json::{Map, Value};

use super::{Cursor, CursorError};
use crate::id::SessionId;
use crate::limits::{
    PAGE_MAX_NUMBER, PAGE_SIZE_DEFAULT_COUNT, PAGE_SIZE_MAX_COUNT, PULL_SESSION_IDS_MAX_COUNT,
};
use crate::time::Timestamp;

/// One pull, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Only what changed after this user clock; `None` for everything.
    pub last_sync_time: Option<Timestamp>,
    /// Only these sessions, ordered, none twice.
    pub session_ids: Option<Vec<SessionId>>,
    /// Page number, from 1.
    pub page: usize,
    /// Sessions of a page.
    pub page_size: usize,
    /// Whether records are sent.
    pub include_data: bool,
    /// Whether only records that changed after `last_sync_time` are sent.
    pub changes_only: bool,
    /// Where to go on; replaces `last_sync_time` and `page`.
    pub cursor: Option<Cursor>,
    /// Most records of the answer.
    pub max_records: Option<u64>,
}

impl Default for PullRequest {
    fn default() -> Self {
        Self {
            last_sync_time: None,
            session_ids: None,
            page: 1,
            page_size: PAGE_SIZE_DEFAULT_COUNT,
            include_data: true,
            changes_only: false,
            cursor: None,
            max_records: None,
        }
    }
}

/// Why a pull is refused. `Display` is a sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PullRequestError {
    code: &'static str,
    field: Option<&'static str>,
    message: String,
}

impl PullRequestError {
    fn field_error(field: &'static str, problem: impl std::fmt::Display) -> Self {
        Self {
            code: "invalid_field",
            field: Some(field),
            message: format!("`{field}` {problem}"),
        }
    }

    /// A stable code for the wire.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The field, where the mistake is about one.
    pub fn field(&self) -> Option<&str> {
        self.field
    }
}

impl PullRequest {
    /// Reads the body of a pull; an empty one asks for the first page of everything.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn from_json(body: &[u8]) -> Result<Self, PullRequestError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let malformed = |message| PullRequestError {
            code: "malformed_json",
            field: None,
            message,
        };
        let members = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(malformed("the body has to be a JSON object".into())),
            Err(error) => return Err(malformed(format!("the body is not valid JSON: {error}"))),
        };
        let fields = Fields(members);
        let request = Self {
            last_sync_time: fields.time("last_sync_time")?,
            session_ids: fields.session_ids("session_ids")?,
            page: fields
                .count("page", PAGE_MAX_NUMBER as u64)?
                .map_or(1, |page| page as usize),
            page_size: fields
                .count("page_size", PAGE_SIZE_MAX_COUNT as u64)?
                .map_or(PAGE_SIZE_DEFAULT_COUNT, |size| size as usize),
            include_data: fields.flag("include_data")?.unwrap_or(true),
            changes_only: fields.flag("changes_only")?.unwrap_or(false),
            cursor: fields.cursor("cursor")?,
            max_records: fields.count("max_records", u64::MAX)?,
        };
        request.check()
    }

    /// Checks what the fields say of each other.
    pub(crate) fn check(self) -> Result<Self, PullRequestError> {
        let refuse = PullRequestError::field_error;
        for (field, count) in [
            ("page", self.page as u64),
            ("page_size", self.page_size as u64),
            ("max_records", self.max_records.unwrap_or(1)),
        ] {
            if count == 0 {
                return Err(refuse(field, "has to be a whole number from 1"));
            }
        }
        match &self.cursor {
            Some(cursor) if cursor.filter != self.filter_hash() => Err(refuse(
                "cursor",
                "belongs to a pull with other filters; keep `session_ids`, `changes_only` and \
                 `include_data` as they were",
            )),
            Some(cursor)
                if self
                    .last_sync_time
                    .is_some_and(|time| Some(time) != cursor.since) =>
            {
                Err(refuse(
                    "cursor",
                    "belongs to a pull with another `last_sync_time`; leave that out",
                ))
            }
            Some(_) if self.page > 1 => Err(refuse("page", "cannot be combined with `cursor`")),
            None if self.page > 1 && self.max_records.is_some() => Err(refuse(
                "page",
                "cannot be combined with `max_records`; follow `next_cursor`",
            )),
            _ => Ok(self),
        }
    }

    /// The user clock that the round starts from.
    pub fn since(&self) -> Option<Timestamp> {
        self.cursor
            .as_ref()
            .map_or(self.last_sync_time, |cursor| cursor.since)
    }

    /// A hash of what selects the data: `session_ids`, `changes_only`, `include_data`.
    ///
    /// FNV-1a of 64 bits: the same in every process and version.
    pub fn filter_hash(&self) -> u64 {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let flags = [
            u8::from(self.include_data),
            u8::from(self.changes_only),
            u8::from(self.session_ids.is_some()),
        ];
        let ids = self
            .session_ids
            .iter()
            .flatten()
            .flat_map(|id| *id.0.as_bytes());
        flags.into_iter().chain(ids).fold(OFFSET, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        })
    }
}

/// A whole number; one that is too large for the type is the greatest, which bounds nothing either.
fn whole(value: &Value) -> Option<u64> {
    let is_beyond = |number: f64| number >= u64::MAX as f64;
    let beyond = || value.as_f64().filter(|number| is_beyond(*number));
    value.as_u64().or_else(|| beyond().map(|_| u64::MAX))
}

/// The members of the body. `null` means the same as absent.
struct Fields(Map<String, Value>);

impl Fields {
    fn read<T>(
        &self,
        name: &'static str,
        expected: impl std::fmt::Display,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, PullRequestError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(PullRequestError::field_error(name, expected)),
            },
        }
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, PullRequestError> {
        self.read(name, "has to be true or false", Value::as_bool)
    }

    fn count(&self, name: &'static str, max: u64) -> Result<Option<u64>, PullRequestError> {
        let expected = if max == u64::MAX {
            "has to be a whole number from 1".to_owned()
        } else {
            format!("has to be a whole number from 1 to {max}")
        };
        self.read(name, expected, |value| {
            whole(value).filter(|count| (1..=max).contains(count))
        })
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, PullRequestError> {
        let expected = format!("is {}", crate::time::TimestampError);
        self.read(name, expected, |value| value.as_str()?.parse().ok())
    }

    fn cursor(&self, name: &'static str) -> Result<Option<Cursor>, PullRequestError> {
        self.read(name, CursorError, |value| {
            Cursor::decode(value.as_str()?).ok()
        })
    }

    fn session_ids(&self, name: &'static str) -> Result<Option<Vec<SessionId>>, PullRequestError> {
        let expected = format!("has to be an array of at most {PULL_SESSION_IDS_MAX_COUNT} UUIDs");
        self.read(name, expected, |value| {
            let values = value
                .as_array()
                .filter(|values| values.len() <= PULL_SESSION_IDS_MAX_COUNT)?;
            let mut ids = values
                .iter()
                .map(|value| value.as_str()?.parse().ok())
                .collect::<Option<Vec<_>>>()?;
            ids.sort_unstable();
            ids.dedup();
            Some(ids)
        })
    }
}
