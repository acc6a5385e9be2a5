//! The server as its clients and its operators see it: over HTTP and by its command line.

mod accounts;
mod bad_bodies;
mod bad_fields;
mod cli;
mod compression;
mod config;
mod cors;
mod dashboard;
mod errors;
mod hostile;
mod jobs;
mod key_rotation;
mod metrics;
mod metrics_listener;
mod on_postgres;
mod openapi;
mod overload;
mod pull;
mod push;
mod readiness;
mod repair;
mod request_id;
mod secrets;
mod security_headers;
mod sessions;
mod status;
mod support;
mod tls;
mod tls_reload;
mod tokens;

use support::TestServer;

/// A server on the memory store. The tests that `on_postgres` runs too start theirs by `super::start`.
async fn start(variables: &[(&str, &str)]) -> TestServer {
    TestServer::with(variables).await
}
