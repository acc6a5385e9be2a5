//! Settings of requests.

use std::path::PathBuf;
use std::time::Duration;

use super::setting::Setting;
use super::{ConfigError, Sources, at_least_1, yes_or_no};
use crate::http::{BodyLimits, CorsOrigins};

const MEBIBYTE_BYTES: usize = 1024 * 1024;
/// Largest body of a push where the operator says nothing.
const PUSH_BODY_DEFAULT_MAX_BYTES: usize = 100 * MEBIBYTE_BYTES;
/// Largest body of every other request.
const OTHER_BODY_MAX_BYTES: usize = 64 * 1024;
/// Longest time that a body of every other request may take, however steadily it comes.
const OTHER_BODY_TOTAL_MAX_SECONDS: u64 = 30;
/// Memory for the bodies of all other requests, apart from that of pushes: clients that nobody
/// knows yet cannot use up what pushes need, nor pushes what signing in needs.
const OTHER_BODY_MEMORY_BYTES: usize = 128 * MEBIBYTE_BYTES;
/// Memory for pushes where the operator says nothing; more where one push may be larger.
const BODY_MEMORY_DEFAULT_BYTES: usize = 512 * MEBIBYTE_BYTES;
const BODY_TIMEOUT_DEFAULT_SECONDS: u64 = 30;
/// What a push needs beside its body: the window of its decompression, and rounding.
const BODY_MEMORY_OVERHEAD_BYTES: usize = 32 * MEBIBYTE_BYTES;

/// Settings of requests.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Limits on bodies.
    pub bodies: BodyLimits,
    /// Whether a reverse proxy stands before the server and sets `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// What the server speaks TLS with; none to speak plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Pages of which other origins may use the API from a browser.
    pub cors: CorsOrigins,
}

/// The files that the server speaks TLS with, in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that lead to its root.
    pub cert: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            bodies: BodyLimits {
                push_max_bytes: PUSH_BODY_DEFAULT_MAX_BYTES,
                other_max_bytes: OTHER_BODY_MAX_BYTES,
                push_memory_max_bytes: BODY_MEMORY_DEFAULT_BYTES,
                other_memory_max_bytes: OTHER_BODY_MEMORY_BYTES,
                other_timeout: Duration::from_secs(OTHER_BODY_TOTAL_MAX_SECONDS),
                idle_timeout: Duration::from_secs(BODY_TIMEOUT_DEFAULT_SECONDS),
            },
            behind_proxy: false,
            tls: None,
            cors: CorsOrigins::default(),
        }
    }
}

impl HttpConfig {
    pub(super) fn read(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        let bodies = &mut self.bodies;
        sources.read(
            Setting::MaxBodyBytes,
            &mut bodies.push_max_bytes,
            at_least_1,
        )?;
        // A push must fit into the memory for all of them, with the window of its decompression.
        let least = bodies
            .push_max_bytes
            .saturating_add(BODY_MEMORY_OVERHEAD_BYTES);
        bodies.push_memory_max_bytes = bodies.push_memory_max_bytes.max(least);
        sources.read(
            Setting::BodyMemoryBytes,
            &mut bodies.push_memory_max_bytes,
            |text| {
                let bytes: usize = at_least_1(text)?;
                if bytes >= least {
                    Ok(bytes)
                } else {
                    Err(format!(
                        "has to be at least {least}, so that the largest push has room"
                    ))
                }
            },
        )?;
        sources.read(
            Setting::BodyTimeoutSeconds,
            &mut bodies.idle_timeout,
            |text| at_least_1(text).map(|seconds: u32| Duration::from_secs(seconds.into())),
        )?;
        sources.read(Setting::BehindProxy, &mut self.behind_proxy, yes_or_no)?;
        self.tls = tls_files(sources)?;
        sources.read(Setting::CorsOrigins, &mut self.cors, str::parse)
    }
}

/// Both files or none: a server that was meant to speak TLS does not start without.
fn tls_files(sources: &Sources) -> Result<Option<TlsFiles>, ConfigError> {
    let alone = |other: Setting| format!("needs {} beside it", other.name());
    match (
        sources.find(Setting::TlsCert),
        sources.find(Setting::TlsKey),
    ) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(TlsFiles {
            cert: cert.text.into(),
            key: key.text.into(),
        })),
        (Some(cert), None) => Err(cert.error(Setting::TlsCert, alone(Setting::TlsKey))),
        (None, Some(key)) => Err(key.error(Setting::TlsKey, alone(Setting::TlsCert))),
    }
}
