//! The metrics as text, on a listener of their own.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use poem::endpoint::make_sync;
use poem::http::StatusCode;
use poem::{EndpointExt, IntoResponse, Response, Route, get};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use super::ConnectionMeters;
use crate::http::{ConnectionLimits, serve_connections};

/// Version 0.0.4 of the text format is what everything that scrapes can read.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Whoever scrapes is known: these bounds are for mistakes.
const LIMITS: ConnectionLimits = ConnectionLimits {
    max_count: 64,
    address_max_count: None,
    head_timeout: Duration::from_mins(1),
    write_timeout: Duration::from_mins(1),
};
/// How long a scrape in flight may take after the server was told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// Answers `GET /metrics` on `listener` until `stop` resolves, and nothing else.
pub(super) async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let metrics = make_sync(move |_| match text(&registry) {
        Ok(text) => Response::builder().content_type(CONTENT_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    });
    let routes = Route::new().at("/metrics", get(metrics));
    let endpoint = routes.map_to_response().boxed();
    // Its own connections are not those that clients of the API have.
    let meters = ConnectionMeters::default();
    serve_connections(listener, None, endpoint, stop, GRACE, LIMITS, &meters).await
}

fn text(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    prometheus_text::encode(&mut text, registry)?;
    Ok(text)
}
