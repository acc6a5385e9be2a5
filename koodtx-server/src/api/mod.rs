//! The HTTP API and its OpenAPI document.

mod accounts;
mod analysis;
mod answer;
mod documented;
mod download;
mod faults;
mod info;
mod list_cursor;
mod param;
mod pull_body;
mod request_body;
pub mod schema;
mod sessions;
mod sync;

use std::collections::HashMap;
use std::sync::Arc;

use poem::endpoint::{BoxEndpoint, make_sync};
use poem::http::{Method, header};
use poem::middleware::SetHeader;
use poem::{Endpoint, EndpointExt, Request, Response, Route, RouteMethod, get};
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{LicenseObject, OpenApi, OpenApiService};

use crate::app::{App, SharedApp};
use crate::http::{AllowedMethods, Envelope, Gate};
use crate::metrics::{Requests, Routes};

/// The name that the server goes by in answers.
pub const SERVICE_NAME: &str = "koodtx-server";
/// The version of the server.
pub const SERVICE_VERSION: &str = env!("CARGO_PKG_VERSION");

const DOCS_PATH: &str = "/docs";
const DOCUMENT_PATH: &str = "/openapi.json";
const LIMITS_PATH: &str = "/api/limits";
/// The documentation may load nothing from elsewhere; the browser enforces it.
const DOCS_POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

type Apis = (
    info::InfoApi,
    accounts::AccountsApi,
    sync::SyncApi,
    sessions::SessionsApi,
    analysis::AnalysisApi,
);

fn apis(app: &Arc<App>) -> Apis {
    (
        info::InfoApi { app: app.clone() },
        accounts::AccountsApi { app: app.clone() },
        sync::SyncApi { app: app.clone() },
        sessions::SessionsApi { app: app.clone() },
        analysis::AnalysisApi { app: app.clone() },
    )
}

/// The OpenAPI 3 document, as JSON that ends with a newline.
pub fn openapi_document() -> String {
    let mut document = description().spec();
    document.push('\n');
    document
}

fn description() -> OpenApiService<DocumentOnly, ()> {
    OpenApiService::new(DocumentOnly, "KooDTX", SERVICE_VERSION)
        .summary("Offline-first sync of sensor recordings")
        .description(DESCRIPTION)
        .license(LicenseObject::new("MIT"))
}

const DESCRIPTION: &str = "\
Devices record sensors offline, **push** sessions with their samples when they are online, and \
**pull** what changed. Pushing the same records again changes nothing, so every push may be repeated.

Request bodies are JSON, at choice compressed (`Content-Encoding: gzip`, `deflate`, `br` or `zstd`); \
answers are compressed for clients that send `Accept-Encoding`. Times are RFC 3339 in UTC; the \
`timestamp` of a sample is in milliseconds since 1970.

Push and pull also speak a columnar form, `application/vnd.koodtx.columns+json`, in which the values of \
a field stand in one list: less than half the bytes, and less work for both sides.

Every error is `{\"error\", \"code\", \"details\"}`: a sentence, a stable code, and at times \
`details` such as the `field` that is wrong.";

/// Stands for the APIs where only their description is wanted.
struct DocumentOnly;

impl OpenApi for DocumentOnly {
    fn meta() -> Vec<MetaApi> {
        Apis::meta()
    }

    fn register(registry: &mut Registry) {
        Apis::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// Everything the server answers, behind the [`envelope`].
pub(crate) fn endpoint(app: Arc<App>) -> BoxEndpoint<'static, Response> {
    let routes = Route::new()
        .at(
            DOCS_PATH,
            fixed("text/html; charset=utf-8", description().swagger_ui_html())
                .with(SetHeader::new().overriding(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)),
        )
        .at(DOCUMENT_PATH, fixed("application/json", openapi_document()))
        .nest(
            "/",
            OpenApiService::new(apis(&app), "KooDTX", SERVICE_VERSION),
        );
    let envelope = Envelope {
        allowed: allowed_methods(),
        cors: app.cors.clone(),
        over_tls: app.over_tls,
    };
    let requests = app
        .is_measured
        .then(|| (app.meters.requests.clone(), known_routes()));
    let shared = SharedApp(app.clone());
    let inner = routes.before(move |mut request: Request| {
        request.extensions_mut().insert(shared.clone());
        async { Ok(request) }
    });
    Enveloped {
        inner: Gate::new(inner, app),
        envelope,
        requests,
    }
    .boxed()
}

/// A GET that always answers the same.
fn fixed(content_type: &'static str, body: String) -> RouteMethod {
    let body = bytes::Bytes::from(body);
    get(make_sync(move |_| {
        Response::builder()
            .content_type(content_type)
            .body(body.clone())
    }))
}

fn allowed_methods() -> AllowedMethods {
    let mut allowed = AllowedMethods::default();
    for path in Apis::meta().into_iter().flat_map(|api| api.paths) {
        for operation in path.operations {
            allowed.add(path.path.clone(), &operation.method);
        }
    }
    for path in [DOCS_PATH, DOCUMENT_PATH] {
        allowed.add(path.to_owned(), &Method::GET);
    }
    allowed
}

/// The routes as metrics name them.
fn known_routes() -> Routes {
    let paths = Apis::meta().into_iter().flat_map(|api| api.paths);
    let fixed = [DOCS_PATH, DOCUMENT_PATH].map(str::to_owned);
    Routes::of(paths.map(|path| path.path).chain(fixed))
}

struct Enveloped<E> {
    inner: E,
    envelope: Envelope,
    /// Present where requests are measured.
    requests: Option<(Requests, Routes)>,
}

impl<E: Endpoint> Endpoint for Enveloped<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let method = request.method().clone();
        let answering = self.envelope.answer(&self.inner, request);
        Ok(match &self.requests {
            Some((requests, routes)) => requests.measure(&method, routes, answering).await,
            None => answering.await,
        })
    }
}
