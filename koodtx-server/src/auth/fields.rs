//! Reading and checking the fields of small JSON bodies, with the field named where one is wrong.

use koodtx_core::limits::{
    DEVICE_ID_MAX_CHARS, EMAIL_MAX_CHARS, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS,
    USERNAME_MAX_CHARS, USERNAME_MIN_CHARS,
};
use serde_json::{Map, Value};

/// A field that is missing or wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FieldError {
    /// Which; empty where it is about the body as a whole.
    pub field: &'static str,
    /// Stable code.
    pub code: &'static str,
    /// A sentence that says what to do.
    pub message: String,
}

fn missing(field: &'static str) -> FieldError {
    FieldError {
        field,
        code: "missing_field",
        message: format!("`{field}` is missing"),
    }
}

fn invalid(field: &'static str, rule: impl std::fmt::Display) -> FieldError {
    FieldError {
        field,
        code: "invalid_field",
        message: format!("`{field}` {rule}"),
    }
}

/// The fields of a JSON object.
#[derive(Debug)]
pub(crate) struct JsonFields(Map<String, Value>);

impl JsonFields {
    /// Parses a body. What serde says of a broken one stays here: it may quote the body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, FieldError> {
        let malformed = |what: String| FieldError {
            field: "",
            code: "malformed_json",
            message: format!("the body is no JSON object: {what}"),
        };
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(malformed("it holds something else".to_owned())),
            Err(error) => Err(malformed(format!(
                "it breaks off or goes wrong at line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
    }

    /// A text that has to be there.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<String, FieldError> {
        self.optional_text(field)?.ok_or_else(|| missing(field))
    }

    /// A text that may be absent or null.
    pub(crate) fn optional_text(
        &mut self,
        field: &'static str,
    ) -> Result<Option<String>, FieldError> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(field, "has to be a string")),
        }
    }
}

fn length(
    field: &'static str,
    text: &str,
    min_chars: usize,
    max_chars: usize,
) -> Result<(), FieldError> {
    if (min_chars..=max_chars).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(invalid(
            field,
            format_args!("has to have {min_chars} to {max_chars} characters"),
        ))
    }
}

fn tidy(field: &'static str, text: &str) -> Result<(), FieldError> {
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(invalid(
            field,
            "must not begin or end with a space or hold control characters",
        ));
    }
    Ok(())
}

pub(super) fn check_username(text: &str) -> Result<(), FieldError> {
    length("username", text, USERNAME_MIN_CHARS, USERNAME_MAX_CHARS)?;
    tidy("username", text)
}

pub(super) fn check_email(text: &str) -> Result<(), FieldError> {
    length("email", text, 1, EMAIL_MAX_CHARS)?;
    tidy("email", text)?;
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let looks_right = text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.contains(|c: char| c == '@' || c.is_whitespace())
            && domain.contains('.')
            && domain.split('.').all(label)
    });
    if looks_right {
        Ok(())
    } else {
        Err(invalid("email", "has to look like name@example.com"))
    }
}

pub(super) fn check_password(text: &str) -> Result<(), FieldError> {
    length("password", text, PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS)
}

pub(super) fn check_device_id(text: &str) -> Result<(), FieldError> {
    length("device_id", text, 1, DEVICE_ID_MAX_CHARS)?;
    tidy("device_id", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_have_to_look_like_one() {
        for good in ["a@b.co", "first.last+tag@sub.example.org", "ü@exämple.de"] {
            assert_eq!(check_email(good), Ok(()), "{good}");
        }
        let long = format!("{}@example.com", "x".repeat(120));
        for bad in [
            "", "plain", "@b.co", "a@", "a@b", "a@b..co", "a b@c.de", "a@@b.co", " a@b.co",
            "a@-b.co", &long,
        ] {
            assert_eq!(check_email(bad).unwrap_err().field, "email", "{bad}");
        }
    }

    #[test]
    fn limits_count_characters() {
        assert!(check_username(&"ü".repeat(80)).is_ok());
        assert!(check_username(&"ü".repeat(81)).is_err());
        assert!(check_username("ab").is_err() && check_username("ab\0c").is_err());
        assert!(
            check_password(&"p".repeat(7)).is_err() && check_password(&"p".repeat(129)).is_err()
        );
        assert!(check_password(" spaces stay ").is_ok());
        assert!(check_device_id("").is_err() && check_device_id(&"d".repeat(101)).is_err());
    }

    #[test]
    fn a_broken_body_names_the_place_and_quotes_nothing() {
        let error = JsonFields::parse(b"{\"password\": hunter2}").unwrap_err();
        assert!(error.message.contains("column 14") && !error.message.contains("hunter"));
        assert_eq!(JsonFields::parse(b"[]").unwrap_err().code, "malformed_json");
        let deep = vec![b'['; 100_000];
        assert_eq!(JsonFields::parse(&deep).unwrap_err().code, "malformed_json");
    }
}
