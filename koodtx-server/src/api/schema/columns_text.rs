//! The lists of the columnar form, each of which may be written in several ways.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::{Value, json};

use super::text::scalar;

/// The times of the rows of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTimes(pub Value);

/// The values of a field in the rows of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueList(pub Value);

/// The `updated_at` of the rows of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampList(pub Value);

impl GroupTimes {
    /// Three rows, 10 milliseconds apart.
    pub(super) fn example() -> Self {
        Self(json!({ "first": 1_762_992_000_010_i64, "steps": [10, 10] }))
    }
}

fn one_of(ways: Vec<MetaSchema>) -> MetaSchema {
    let ways = ways.into_iter().map(inline).collect();
    MetaSchema {
        any_of: ways,
        ..MetaSchema::ANY
    }
}

fn inline(schema: MetaSchema) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(schema))
}

fn array(items: MetaSchema) -> MetaSchema {
    MetaSchema {
        items: Some(Box::new(inline(items))),
        ..MetaSchema::new("array")
    }
}

/// An object with two members, both required, and no others.
fn pair(members: [(&'static str, MetaSchema); 2]) -> MetaSchema {
    MetaSchema {
        required: members.iter().map(|(name, _)| *name).collect(),
        properties: members
            .into_iter()
            .map(|(name, schema)| (name, inline(schema)))
            .collect(),
        max_properties: Some(2),
        ..MetaSchema::new("object")
    }
}

/// An array with a value for each row, or the numbers of some rows with a value for each.
fn list(values: MetaSchema) -> [MetaSchema; 2] {
    let row = MetaSchema {
        minimum: Some(0.0),
        ..MetaSchema::new("integer")
    };
    let some = pair([("rows", array(row)), ("values", array(values.clone()))]);
    [array(values), some]
}

fn millis() -> MetaSchema {
    MetaSchema {
        minimum: Some(0.0),
        maximum: Some(koodtx_core::limits::RECORD_TIMESTAMP_MAX_MILLIS as f64),
        ..MetaSchema::new("number")
    }
}

fn step() -> MetaSchema {
    let longest = koodtx_core::limits::RECORD_TIMESTAMP_MAX_MILLIS as f64;
    MetaSchema {
        minimum: Some(-longest),
        maximum: Some(longest),
        ..MetaSchema::new("integer")
    }
}

fn stamp() -> MetaSchema {
    MetaSchema {
        nullable: true,
        ..MetaSchema::new_with_format("string", "date-time")
    }
}

scalar!(
    GroupTimes,
    "group_times",
    one_of(vec![
        array(millis()),
        pair([("first", millis()), ("steps", array(step()))])
    ])
);
scalar!(
    ValueList,
    "value_list",
    one_of(list(MetaSchema::ANY).into())
);
scalar!(
    StampList,
    "stamp_list",
    one_of([&[stamp()], &list(stamp())[..]].concat())
);

macro_rules! as_it_is {
    ($($name:ident)*) => {$(
        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                Some(self.0.clone())
            }
        }

        // Requests are read by the core; this is what the derive macro of schemas asks for.
        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                Ok(Self(value.unwrap_or_default()))
            }
        }
    )*};
}

as_it_is!(GroupTimes ValueList StampList);
