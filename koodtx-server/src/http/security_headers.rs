//! What tells browsers to take no liberties with an answer.

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The answers of an API hold nothing to load, to run or to show in a frame.
const API_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// A year, for this name only: what other servers there are below it is not this one's to say.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What every answer carries.
const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Adds the headers. A policy that the answer has already stays: the documentation has one of its
/// own.
pub(super) fn add_security_headers(headers: &mut HeaderMap, over_tls: bool) {
    headers.extend(ALWAYS.map(|(name, value)| (Some(name), value)));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(API_POLICY);
    if over_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
    }
}
