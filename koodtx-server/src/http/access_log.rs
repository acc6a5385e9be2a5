//! One line of log for every request.

use std::time::Instant;

use poem::PathPattern;
use poem::Response;
use poem::http::Method;

/// Logs a request: method, route, status and time until the answer began. Never what was in it, and
/// of the path only the route's pattern.
pub(super) fn access_log(method: &Method, started: Instant, response: &Response) {
    let route = response
        .data::<PathPattern>()
        .filter(|pattern| !pattern.0.is_empty());
    let route = route.map_or("(none)", |pattern| &pattern.0);
    let status = response.status().as_u16();
    let millis = started.elapsed().as_secs_f64() * 1_000.0;
    tracing::info!(target: "koodtx_server::access", %method, route, status, millis, "request");
}
