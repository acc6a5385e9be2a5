//! Requests over HTTP, repeated until they are answered.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::compress::unzstd;
use super::{Backoff, ClientError};

/// How long one attempt may take.
const ATTEMPT_TIMEOUT_SECONDS: u64 = 60;

/// The way to a server.
#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    server: String,
    patience: Duration,
    retries: u64,
}

/// A request, as often as it has to be sent.
pub(super) struct Call {
    pub(super) path: &'static str,
    pub(super) body: Bytes,
    pub(super) content_encoding: Option<&'static str>,
}

impl Call {
    pub(super) fn json(path: &'static str, body: &Value) -> Self {
        Self {
            path,
            body: body.to_string().into(),
            content_encoding: None,
        }
    }
}

/// What one attempt came to.
enum Attempt {
    Answered(Bytes),
    /// Worth repeating, after that long if the server said so.
    Failed(String, Option<Duration>),
    Refused(ClientError),
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    code: String,
}

impl Transport {
    /// `server` is a URL like `http://127.0.0.1:5000`.
    pub(super) fn new(server: &str, patience: Duration) -> io::Result<Self> {
        let timeout = Duration::from_secs(ATTEMPT_TIMEOUT_SECONDS);
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            http,
            server: server.trim_end_matches('/').to_owned(),
            patience,
            retries: 0,
        })
    }

    /// Attempts that were repeated.
    pub(super) fn retries(&self) -> u64 {
        self.retries
    }

    /// Sends a request until it is answered or refused.
    pub(super) async fn send(
        &mut self,
        call: &Call,
        token: Option<&str>,
    ) -> Result<Bytes, ClientError> {
        let mut backoff = Backoff::new(self.patience);
        loop {
            let (last, at_least) = match self.attempt(call, token).await {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Refused(error) => return Err(error),
                Attempt::Failed(last, at_least) => (last, at_least),
            };
            let Some(wait) = backoff.next_wait(at_least) else {
                return Err(ClientError::GaveUp {
                    path: call.path,
                    patience: self.patience,
                    last,
                });
            };
            self.retries += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, call: &Call, token: Option<&str>) -> Attempt {
        let url = format!("{}{}", self.server, call.path);
        let mut request = self
            .http
            .request(Method::POST, url)
            .header(ACCEPT_ENCODING, "zstd");
        if !call.body.is_empty() {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(call.body.clone());
        }
        if let Some(coding) = call.content_encoding {
            request = request.header(CONTENT_ENCODING, coding);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        // The whole answer belongs to the attempt: one that breaks off is worth nothing.
        let received = match request.send().await {
            Ok(response) => {
                let (status, retry_after) = (response.status(), retry_after(&response));
                body(response).await.map(|body| (status, retry_after, body))
            }
            Err(error) => Err(io::Error::other(error)),
        };
        match received {
            Ok((status, _, body)) if status.is_success() => Attempt::Answered(body),
            Ok((status, retry_after, _)) if is_passing(status) => {
                Attempt::Failed(status.to_string(), retry_after)
            }
            Ok((status, _, body)) => {
                let ErrorBody {
                    error: message,
                    code,
                } = serde_json::from_slice(&body).unwrap_or_else(|_| ErrorBody {
                    error: String::from_utf8_lossy(&body).into_owned(),
                    code: "no_code".to_owned(),
                });
                Attempt::Refused(ClientError::Refused {
                    path: call.path,
                    status,
                    code,
                    message,
                })
            }
            Err(error) => Attempt::Failed(chain(&error), None),
        }
    }
}

/// An error with the errors below it, since the last of them says most.
fn chain(error: &dyn std::error::Error) -> String {
    let below = std::iter::successors(error.source(), |error| error.source());
    below.fold(error.to_string(), |text, error| format!("{text}: {error}"))
}

/// Whether a later attempt may fare better.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

async fn body(response: Response) -> io::Result<Bytes> {
    let is_zstd = response
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| coding == "zstd");
    let body = response.bytes().await.map_err(io::Error::other)?;
    if is_zstd {
        unzstd(&body).await
    } else {
        Ok(body)
    }
}
