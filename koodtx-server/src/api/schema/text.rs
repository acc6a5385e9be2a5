//! Scalars of the wire: times, ids, and values that may be null.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use koodtx_core::id::SessionId;
use koodtx_core::time::Timestamp;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;
use uuid::Uuid;

/// An instant: RFC 3339, in UTC on output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireTime(pub Timestamp);

impl From<Timestamp> for WireTime {
    fn from(instant: Timestamp) -> Self {
        Self(instant)
    }
}

impl WireTime {
    /// An instant for examples.
    pub(super) const fn example_millis(millis: i64) -> Self {
        Self(Timestamp::from_millis(millis))
    }
}

/// The id of a session: a UUID in its hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireSessionId(pub SessionId);

/// The id of a sign-in: a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireSignInId(pub Uuid);

/// The session of the examples.
pub(super) fn example_session_id() -> WireSessionId {
    let bytes = 0x0f81_a4f3_c125_5dbf_ba8e_668c_0884_d7ac_u128;
    WireSessionId(SessionId(Uuid::from_u128(bytes)))
}

/// When a sample was taken: milliseconds since 1970-01-01T00:00:00Z, a fraction down to the
/// microsecond allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleMillis(pub i64);

/// A value that is always there and may be null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nullable<T>(pub Option<T>);

/// Implements what every scalar needs: its name and its schema.
macro_rules! scalar {
    ($name:ident, $type_name:literal, $schema:expr) => {
        impl Type for $name {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                $type_name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}

pub(super) use scalar;

scalar!(
    WireTime,
    "date_time",
    MetaSchema::new_with_format("string", "date-time")
);
scalar!(
    WireSessionId,
    "session_id",
    MetaSchema::new_with_format("string", "uuid")
);
scalar!(
    WireSignInId,
    "sign_in_id",
    MetaSchema::new_with_format("string", "uuid")
);
scalar!(
    SampleMillis,
    "sample_millis",
    MetaSchema {
        minimum: Some(0.0),
        maximum: Some(koodtx_core::limits::RECORD_TIMESTAMP_MAX_MILLIS as f64),
        ..MetaSchema::new("number")
    }
);

impl ToJSON for WireTime {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

impl ToJSON for WireSessionId {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

impl ToJSON for WireSignInId {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

impl ToJSON for SampleMillis {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.into())
    }
}

// Requests are read by the core; these parsers are what the derive macro of schemas asks for.

fn parse_text<T: Type, V: FromStr<Err: Display>>(
    value: Option<Value>,
    wrap: fn(V) -> T,
) -> ParseResult<T> {
    match value.unwrap_or_default() {
        Value::String(text) => text.parse().map(wrap).map_err(ParseError::custom),
        other => Err(ParseError::expected_type(other)),
    }
}

impl ParseFromJSON for WireTime {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        parse_text(value, Self)
    }
}

impl ParseFromJSON for WireSessionId {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        parse_text(value, Self)
    }
}

impl ParseFromJSON for WireSignInId {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        parse_text(value, Self)
    }
}

impl ParseFromJSON for SampleMillis {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let value = value.unwrap_or_default();
        value
            .as_i64()
            .map(Self)
            .ok_or_else(|| ParseError::expected_type(value))
    }
}

impl<T: ParseFromJSON> ParseFromJSON for Nullable<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value.unwrap_or_default() {
            Value::Null => Ok(Self(None)),
            value => T::parse_from_json(Some(value))
                .map(|value| Self(Some(value)))
                .map_err(ParseError::propagate),
        }
    }
}

impl<T: Type> Type for Nullable<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = T::RawValueType;
    type RawElementValueType = T::RawElementValueType;

    fn name() -> Cow<'static, str> {
        format!("nullable_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref().merge(MetaSchema {
            nullable: true,
            ..MetaSchema::ANY
        })
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.0.as_ref().and_then(Type::as_raw_value)
    }

    fn raw_element_iter<'a>(
        &'a self,
    ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        match &self.0 {
            Some(value) => value.raw_element_iter(),
            None => Box::new(std::iter::empty()),
        }
    }
}

impl<T: ToJSON> ToJSON for Nullable<T> {
    fn to_json(&self) -> Option<Value> {
        match &self.0 {
            Some(value) => value.to_json(),
            None => Some(Value::Null),
        }
    }
}
