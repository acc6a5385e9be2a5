//! A request body that is described in the OpenAPI document and read by our own reader.

use std::marker::PhantomData;

use poem::{Body, Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::documented::Documented;
use crate::http::{BodyError, BodyHead, BodyKind, BodyReader, ReceivedBody};

/// The body of a request, not yet read, documented as an `S`.
///
/// The library's own payload types read without a limit. This one leaves the reading to the
/// handler, which by then knows who calls.
pub(crate) struct JsonBody<S, const REQUIRED: bool = true> {
    head: BodyHead,
    body: Body,
    schema: PhantomData<fn() -> S>,
}

impl<S, const REQUIRED: bool> JsonBody<S, REQUIRED> {
    /// Reads it whole, within the limits of its kind.
    pub(super) async fn read(
        self,
        reader: &BodyReader,
        kind: BodyKind,
    ) -> Result<ReceivedBody, BodyError> {
        reader.read_json(&self.head, self.body, kind).await
    }
}

impl<'a, S: Documented, const REQUIRED: bool> ApiExtractor<'a> for JsonBody<S, REQUIRED> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        S::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: S::content(),
            required: REQUIRED,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let head = BodyHead::of(request.headers());
        Ok(Self {
            head,
            body: body.take()?,
            schema: PhantomData,
        })
    }
}
