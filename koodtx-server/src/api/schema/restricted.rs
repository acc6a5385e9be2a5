//! Texts and numbers of requests that not every text or number is good for.

use std::borrow::Cow;

use koodtx_core::limits::{
    DEVICE_ID_MAX_CHARS, EMAIL_MAX_CHARS, PAGE_SIZE_MAX_COUNT, SENSOR_TYPE_MAX_CHARS,
    USERNAME_MAX_CHARS, USERNAME_MIN_CHARS,
};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;

use super::text::scalar;
use crate::export::ExportFormat;

/// The greatest sensitivity of a search for anomalies: nothing lies that far out.
pub(in crate::api) const SENSITIVITY_MAX: f64 = 1_000.0;

/// No control characters, and no blank of any kind at either end.
const TIDY: &str = "^[^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]\
     ([^\\u0000-\\u001f\\u007f-\\u009f]*\
     [^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000])?$";
/// No control characters.
const NO_CONTROLS: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
/// No character of code 0.
const NO_NUL: &str = "^[^\\u0000]*$";

fn text(min_chars: usize, max_chars: usize, pattern: &str) -> MetaSchema {
    MetaSchema {
        min_length: Some(min_chars),
        max_length: Some(max_chars),
        pattern: Some(pattern.to_owned()),
        ..MetaSchema::new("string")
    }
}

/// Types of texts, each with its schema.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $type_name:literal, $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub String);

        scalar!($name, $type_name, $schema);

        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                Some(Value::String(self.0.clone()))
            }
        }

        // Requests are read elsewhere; this is what the derive macro of schemas asks for.
        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                match value.unwrap_or_default() {
                    Value::String(text) => Ok(Self(text)),
                    other => Err(ParseError::expected_type(other)),
                }
            }
        }
    )*};
}

texts! {
    /// The name of an account.
    Username, "username", text(USERNAME_MIN_CHARS, USERNAME_MAX_CHARS, TIDY);
    /// The id of a device.
    DeviceId, "device_id", text(1, DEVICE_ID_MAX_CHARS, TIDY);
    /// An email address.
    Email, "email", MetaSchema {
        max_length: Some(EMAIL_MAX_CHARS),
        ..MetaSchema::new_with_format("string", "email")
    };
    /// The name of a sensor.
    SensorName, "sensor_name", text(1, SENSOR_TYPE_MAX_CHARS, NO_CONTROLS);
    /// The name of a sensor that a client means to record.
    EnabledSensor, "enabled_sensor", text(1, SENSOR_TYPE_MAX_CHARS, NO_NUL);
    /// The notes of a session.
    Notes, "notes", text(0, koodtx_core::limits::NOTES_MAX_CHARS, NO_NUL);
}

/// Types that only stand for the schema of a parameter.
macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident, $type_name:literal, $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}

        scalar!($name, $type_name, $schema);
    )*};
}

parameters! {
    /// Sessions a page.
    PageLimit, "page_limit", MetaSchema {
        minimum: Some(1.0),
        maximum: Some(PAGE_SIZE_MAX_COUNT as f64),
        ..MetaSchema::new("integer")
    };
    /// Standard deviations.
    Sensitivity, "sensitivity", MetaSchema {
        minimum: Some(0.0),
        exclusive_minimum: Some(true),
        maximum: Some(SENSITIVITY_MAX),
        ..MetaSchema::new_with_format("number", "double")
    };
    /// The format of an export.
    WireExportFormat, "export_format", MetaSchema {
        enum_items: ExportFormat::ALL.map(|format| format.extension().into()).to_vec(),
        ..MetaSchema::new("string")
    };
    /// An instant, or the beginning of a day.
    WireTimeOrDate, "time_or_date", MetaSchema {
        any_of: ["date-time", "date"]
            .map(|format| MetaSchema::new_with_format("string", format))
            .map(|schema| MetaSchemaRef::Inline(Box::new(schema)))
            .to_vec(),
        ..MetaSchema::ANY
    };
}
