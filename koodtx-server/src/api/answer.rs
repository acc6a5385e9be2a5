//! A successful answer whose schema stands in the OpenAPI document.

use std::marker::PhantomData;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde::Serialize;

use crate::error::ApiError;

pub(super) const JSON: &str = "application/json";

/// A JSON answer with status `STATUS`, documented as an `S`, however its bytes came to be: from an
/// `S`, from a type of the core that serializes itself, or from a stream.
pub(crate) struct Answer<S, const STATUS: u16 = 200> {
    body: Body,
    length_bytes: Option<usize>,
    schema: PhantomData<fn() -> S>,
}

impl<S, const STATUS: u16> Answer<S, STATUS> {
    pub(super) fn streamed(body: Body) -> Self {
        Self {
            body,
            length_bytes: None,
            schema: PhantomData,
        }
    }

    fn whole(bytes: Vec<u8>) -> Self {
        Self {
            length_bytes: Some(bytes.len()),
            body: bytes.into(),
            schema: PhantomData,
        }
    }

    /// Serializes a type that is not the schema itself; the tests hold the two together.
    pub(super) fn serialized(value: &impl Serialize) -> Result<Self, ApiError> {
        let bytes = serde_json::to_vec(value).map_err(|error| {
            tracing::error!(%error, "an answer does not serialize");
            ApiError::internal()
        })?;
        Ok(Self::whole(bytes))
    }
}

impl<S: ToJSON, const STATUS: u16> Answer<S, STATUS> {
    pub(super) fn of(value: &S) -> Self {
        Self::whole(value.to_json_string().into_bytes())
    }
}

impl<S, const STATUS: u16> IntoResponse for Answer<S, STATUS> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
        let mut response = Response::builder()
            .status(status)
            .content_type(JSON)
            .body(self.body);
        // Answers are one user's data, some of them tokens.
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(bytes) = self.length_bytes {
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, bytes.into());
        }
        response
    }
}

impl<S: Type, const STATUS: u16> ApiResponse for Answer<S, STATUS> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Done.",
                status: Some(STATUS),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: JSON,
                    schema: S::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        S::register(registry);
    }
}
