//! A successful answer whose schema stands in the OpenAPI document.

use std::marker::PhantomData;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponse, MetaResponses, Registry};
use poem_openapi::types::ToJSON;
use serde::Serialize;

use super::documented::Documented;
use crate::error::ApiError;
use crate::http::Form;

pub(super) const JSON: &str = "application/json";

/// A JSON answer with status `STATUS`, documented as an `S`, however its bytes came to be: from an
/// `S`, from a type of the core that serializes itself, or from a stream.
pub(crate) struct Answer<S, const STATUS: u16 = 200> {
    body: Body,
    length_bytes: Option<usize>,
    /// Where the client may choose one.
    form: Option<Form>,
    schema: PhantomData<fn() -> S>,
}

impl<S, const STATUS: u16> Answer<S, STATUS> {
    /// A stream in the form that the client asked for.
    pub(super) fn streamed(body: Body, form: Form) -> Self {
        Self {
            body,
            length_bytes: None,
            form: Some(form),
            schema: PhantomData,
        }
    }

    fn whole(bytes: Vec<u8>) -> Self {
        Self {
            length_bytes: Some(bytes.len()),
            body: bytes.into(),
            form: None,
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
            .content_type(self.form.map_or(JSON, Form::media_type))
            .body(self.body);
        // Answers are one user's data, some of them tokens.
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.form.is_some() {
            response
                .headers_mut()
                .append(header::VARY, HeaderValue::from_static("accept"));
        }
        if let Some(bytes) = self.length_bytes {
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, bytes.into());
        }
        response
    }
}

impl<S: Documented, const STATUS: u16> ApiResponse for Answer<S, STATUS> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Done.",
                status: Some(STATUS),
                status_range: None,
                content: S::content(),
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        S::register(registry);
    }
}
