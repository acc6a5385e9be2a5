//! Why a whole push is refused.

use std::borrow::Cow;
use std::fmt;

use crate::json::scanner::SyntaxError;

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PushErrorKind {
    /// The body is no JSON, or no UTF-8.
    Malformed,
    /// A required field is absent.
    MissingField,
    /// A field has a wrong type or value.
    InvalidField,
    /// The batch is larger than the protocol allows.
    TooLarge,
}

/// Why a whole push is refused. Nothing of it is stored.
///
/// `Display` is a sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushError {
    kind: PushErrorKind,
    field: Option<Cow<'static, str>>,
    message: String,
}

impl PushError {
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self {
            kind: PushErrorKind::Malformed,
            field: None,
            message: message.into(),
        }
    }

    pub(crate) fn missing(field: impl Into<Cow<'static, str>>) -> Self {
        let field = field.into();
        let message = format!("`{field}` is missing");
        Self {
            kind: PushErrorKind::MissingField,
            field: Some(field),
            message,
        }
    }

    /// `problem` continues a sentence that begins with the field's name.
    pub(crate) fn invalid(field: impl Into<Cow<'static, str>>, problem: impl fmt::Display) -> Self {
        let field = field.into();
        let message = format!("`{field}` {problem}");
        Self {
            kind: PushErrorKind::InvalidField,
            field: Some(field),
            message,
        }
    }

    pub(crate) fn too_large(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind: PushErrorKind::TooLarge,
            field: Some(field.into()),
            message: message.into(),
        }
    }

    /// What kind of mistake it is.
    pub fn kind(&self) -> PushErrorKind {
        self.kind
    }

    /// A stable code for the wire.
    pub fn code(&self) -> &'static str {
        match self.kind {
            PushErrorKind::Malformed => "malformed_json",
            PushErrorKind::MissingField => "missing_field",
            PushErrorKind::InvalidField => "invalid_field",
            PushErrorKind::TooLarge => "batch_too_large",
        }
    }

    /// The field, with its path, where the mistake is about one.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PushError {}

impl From<SyntaxError> for PushError {
    fn from(error: SyntaxError) -> Self {
        Self::malformed(error.to_string())
    }
}
