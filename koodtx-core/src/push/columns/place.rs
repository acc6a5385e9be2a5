//! Where in the body a mistake is.

use std::borrow::Cow;
use std::fmt;

use super::COLUMNS;
use crate::json::scanner::StringToken;
use crate::push::PushError;

/// Characters that a message shows of a field's name, which may be as long as the body.
const NAME_MAX_CHARS: usize = 64;

/// A place such as `columns[2].data.x`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    group: usize,
    member: Option<&'static str>,
    field: Option<StringToken<'a>>,
    part: Option<&'static str>,
}

impl<'a> Place<'a> {
    pub(super) fn of_group(group: usize) -> Self {
        Self {
            group,
            member: None,
            field: None,
            part: None,
        }
    }

    /// A member of the group.
    pub(super) fn member(self, name: &'static str) -> Self {
        Self {
            member: Some(name),
            ..self
        }
    }

    /// A field of the group's `data`.
    pub(super) fn field(self, name: StringToken<'a>) -> Self {
        Self {
            field: Some(name),
            ..self.member("data")
        }
    }

    /// A part of a list that is written as an object.
    pub(super) fn part(self, name: &'static str) -> Self {
        Self {
            part: Some(name),
            ..self
        }
    }

    /// What stands here is missing.
    pub(super) fn missing(self) -> PushError {
        PushError::missing(self.to_string())
    }

    /// `problem` continues a sentence that begins with the place.
    pub(super) fn invalid(self, problem: impl fmt::Display) -> PushError {
        PushError::invalid(self.to_string(), problem)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{COLUMNS}[{}]", self.group)?;
        if let Some(member) = self.member {
            write!(f, ".{member}")?;
        }
        if let Some(field) = self.field {
            let name = field.decode().unwrap_or(Cow::Borrowed(field.raw));
            f.write_str(".")?;
            match name.char_indices().nth(NAME_MAX_CHARS) {
                Some((cut, _)) => write!(f, "{}…", &name[..cut])?,
                None => f.write_str(&name)?,
            }
        }
        if let Some(part) = self.part {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}
