//! The error answers of each operation, as the OpenAPI document lists them.

use std::marker::PhantomData;

use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;

use super::answer::JSON;
use super::schema::ErrorBody;
use crate::error::ApiError;

/// The statuses that an operation answers with when it fails.
pub(crate) trait Faults {
    /// In ascending order.
    const STATUSES: &'static [u16];
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident: $($status:literal),+;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Faults for $name {
            const STATUSES: &'static [u16] = &[$($status),+];
        }
    )*};
}

faults! {
    /// Health.
    HealthFaults: 500, 503;
    /// What anybody may ask.
    PublicFaults: 429, 500, 503;
    /// Register.
    RegisterFaults: 400, 403, 408, 409, 413, 415, 429, 500, 503;
    /// Login.
    LoginFaults: 400, 401, 403, 408, 413, 415, 429, 500, 503;
    /// Any authenticated request without a body.
    ReadFaults: 401, 403, 429, 500, 503;
    /// A list with parameters.
    ListFaults: 400, 401, 403, 429, 500, 503;
    /// One session by its id, and asking for work on it.
    OneFaults: 400, 401, 403, 404, 429, 500, 503;
    /// Push and pull.
    SyncFaults: 400, 401, 403, 408, 413, 415, 429, 500, 503;
}

/// An [`ApiError`] of an operation that fails in the ways of `S`.
pub(crate) struct Fault<S>(Box<ApiError>, PhantomData<fn() -> S>);

impl<S, E: Into<ApiError>> From<E> for Fault<S> {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()), PhantomData)
    }
}

impl<S> From<Fault<S>> for poem::Error {
    fn from(fault: Fault<S>) -> Self {
        (*fault.0).into()
    }
}

impl<S: Faults> ApiResponse for Fault<S> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: S::STATUSES.iter().map(|status| response(*status)).collect(),
        }
    }

    fn register(registry: &mut Registry) {
        ErrorBody::register(registry);
    }
}

fn response(status: u16) -> MetaResponse {
    let retry_after = header("RETRY-AFTER", "integer", "When to try again, in seconds.");
    let (description, headers) = match status {
        400 => (
            "The request is malformed, or a field is missing or wrong; `details.field` says which.",
            vec![],
        ),
        401 => (
            "No token, or one that is not valid, has expired or is of the wrong type.",
            vec![header(
                "WWW-AUTHENTICATE",
                "string",
                "The scheme, `Bearer`.",
            )],
        ),
        403 => (
            "The account is disabled, or the server takes no registrations.",
            vec![],
        ),
        404 => ("There is no such thing, or it is not yours.", vec![]),
        408 => ("The body did not arrive in time, or too slowly.", vec![]),
        409 => (
            "Username, email address or device is registered already; `details.field` says which.",
            vec![],
        ),
        413 => (
            "The body or the batch is too large, or more than the account may keep; the message names the \
             limit.",
            vec![],
        ),
        415 => (
            "The Content-Type is not JSON, or the Content-Encoding is not known.",
            vec![],
        ),
        429 => (
            "Too many requests or attempts; `details.by` says whether of the address or of the account.",
            vec![retry_after],
        ),
        503 => (
            "No room, or the store does not answer. Repeating the request is safe.",
            vec![retry_after],
        ),
        _ => ("The server failed.", vec![]),
    };
    MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType {
            content_type: JSON,
            schema: ErrorBody::schema_ref(),
        }],
        headers,
    }
}

fn header(name: &str, ty: &'static str, description: &str) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new(ty))),
    }
}
