//! The streamed body of an export.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};

use crate::export::{ACCOUNT_EXPORT_CONTENT_TYPE, ExportError, ExportFormat};
use crate::http::Turn;

/// Longest time that a file may be read for: others wait for the turn.
const DOWNLOAD_MAX: Duration = Duration::from_mins(30);

/// A file.
struct File {
    body: Body,
    content_type: &'static str,
    name: String,
}

/// A session as a file.
pub(crate) struct Download(File);

/// Everything of an account as a file.
pub(crate) struct AccountDownload(File);

impl Download {
    /// A file of that name, without its ending. `turn` ends with the stream.
    pub(super) fn of(
        stream: impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static,
        format: ExportFormat,
        name: &str,
        turn: Turn,
    ) -> Self {
        let name = format!("{name}.{}", format.extension());
        Self(File::of(stream, format.content_type(), name, turn))
    }
}

impl AccountDownload {
    /// A file of that name. `turn` ends with the stream.
    pub(super) fn of(
        stream: impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static,
        name: String,
        turn: Turn,
    ) -> Self {
        Self(File::of(stream, ACCOUNT_EXPORT_CONTENT_TYPE, name, turn))
    }
}

impl File {
    /// A failure in the middle ends the connection without the end of the body, so that no client
    /// takes a part for the whole.
    fn of(
        stream: impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static,
        content_type: &'static str,
        name: String,
        turn: Turn,
    ) -> Self {
        let begun = Instant::now();
        let stream = stream.map(move |piece| {
            let _held = &turn;
            if begun.elapsed() > DOWNLOAD_MAX {
                return Err(std::io::Error::other("the file was read too slowly"));
            }
            piece.map_err(|error| {
                tracing::error!(%error, "an export broke off in the middle");
                std::io::Error::other("the file broke off")
            })
        });
        Self {
            body: Body::from_bytes_stream(stream),
            content_type,
            name,
        }
    }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for AccountDownload {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl File {
    fn into_response(self) -> Response {
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        let mut response = Response::builder()
            .content_type(self.content_type)
            .body(self.body);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Names are ids, so this is text that a header may hold.
        if let Ok(disposition) = HeaderValue::from_str(&disposition) {
            headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        response
    }
}

impl ApiResponse for Download {
    fn meta() -> MetaResponses {
        let types = ExportFormat::ALL.map(ExportFormat::content_type);
        describe("The file, in the format that was asked for.", &types)
    }

    fn register(_: &mut Registry) {}
}

impl ApiResponse for AccountDownload {
    fn meta() -> MetaResponses {
        describe("The file, a ZIP archive.", &[ACCOUNT_EXPORT_CONTENT_TYPE])
    }

    fn register(_: &mut Registry) {}
}

fn describe(description: &'static str, types: &[&'static str]) -> MetaResponses {
    let file = |content_type: &&'static str| MetaMediaType {
        content_type,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary"))),
    };
    MetaResponses {
        responses: vec![MetaResponse {
            description,
            status: Some(200),
            status_range: None,
            content: types.iter().map(file).collect(),
            headers: vec![],
        }],
    }
}
