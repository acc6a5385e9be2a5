//! Bodies as the OpenAPI document describes them: in one form, or in both.

use std::marker::PhantomData;

use poem_openapi::registry::{MetaMediaType, Registry};
use poem_openapi::types::Type;

use super::answer::JSON;
use crate::http::COLUMNS_MEDIA_TYPE;

/// What the document says of a body.
pub(crate) trait Documented {
    /// Adds the schemas.
    fn register(registry: &mut Registry);

    /// The media types, with a schema each.
    fn content() -> Vec<MetaMediaType>;
}

impl<S: Type> Documented for S {
    fn register(registry: &mut Registry) {
        <S as Type>::register(registry);
    }

    fn content() -> Vec<MetaMediaType> {
        vec![MetaMediaType {
            content_type: JSON,
            schema: S::schema_ref(),
        }]
    }
}

/// A body that is an `R` in the documented form, and a `C` in the columnar one.
pub(crate) struct InForms<R, C>(PhantomData<fn() -> (R, C)>);

impl<R: Type, C: Type> Documented for InForms<R, C> {
    fn register(registry: &mut Registry) {
        R::register(registry);
        C::register(registry);
    }

    fn content() -> Vec<MetaMediaType> {
        let mut content = <R as Documented>::content();
        content.push(MetaMediaType {
            content_type: COLUMNS_MEDIA_TYPE,
            schema: C::schema_ref(),
        });
        content
    }
}
