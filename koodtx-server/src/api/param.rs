//! Parameters whose errors are ours to word.

use std::borrow::Cow;
use std::str::FromStr;

use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromParameter, ParseResult, Type};

use crate::error::ApiError;

/// A parameter documented as a `T`, kept as text until the handler parses it, so that a wrong one
/// gets an error with a code and its name.
pub(crate) struct Text<T> {
    text: String,
    schema: std::marker::PhantomData<fn() -> T>,
}

impl<T> Text<T> {
    /// The value, or the 400 that names the parameter.
    pub(super) fn parse<V: FromStr>(&self, name: &str, rule: &str) -> Result<V, ApiError> {
        self.text
            .parse()
            .map_err(|_| ApiError::field("invalid_field", name, format!("`{name}` {rule}")))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T: Type> Type for Text<T> {
    const IS_REQUIRED: bool = T::IS_REQUIRED;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: Type> ParseFromParameter for Text<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self {
            text: text.to_owned(),
            schema: std::marker::PhantomData,
        })
    }
}
