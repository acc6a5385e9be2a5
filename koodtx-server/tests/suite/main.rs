//! The server as its clients and its operators see it: over HTTP and by its command line.

mod account_deletion;
mod accounts;
mod bad_bodies;
mod bad_fields;
mod cli;
mod columns;
mod compression;
mod config;
mod cors;
mod dashboard;
mod errors;
mod hostile;
mod jobs;
mod key_rotation;
mod limits;
mod metrics;
mod metrics_listener;
#[cfg(not(feature = "otlp"))]
mod no_traces;
mod on_postgres;
mod openapi;
mod overload;
mod pull;
mod push;
mod quota;
mod rates;
mod readiness;
mod repair;
mod request_id;
mod secrets;
mod security_headers;
mod sessions;
mod shedding;
mod slow_clients;
mod status;
mod support;
mod tls;
mod tls_reload;
mod tokens;
#[cfg(feature = "otlp")]
mod traces;

use support::TestServer;

/// A server on the memory store. The tests that `on_postgres` runs too start theirs by `super::start`.
async fn start(variables: &[(&str, &str)]) -> TestServer {
    TestServer::with(variables).await
}
