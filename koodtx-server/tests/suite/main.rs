//! The server as its clients and its operators see it: over HTTP and by its command line.

mod accounts;
mod bad_bodies;
mod bad_fields;
mod cli;
mod compression;
mod config;
mod errors;
mod hostile;
mod openapi;
mod overload;
mod pull;
mod push;
mod sessions;
mod support;
mod tokens;
