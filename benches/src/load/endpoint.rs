//! Where one connection pushes to.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use super::Form;
use super::client::{Login, message_of};
use crate::workload::Body;

/// Wait after an answer that says neither how long nor why, in seconds.
const RETRY_DEFAULT_SECONDS: u64 = 1;

/// Where bodies are sent, and what the answers mean.
#[derive(Clone)]
pub(crate) struct Endpoint {
    http: Client,
    url: String,
    content_type: &'static str,
    /// Absent where anybody may write.
    authorization: Option<String>,
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Push {
    pub text: Bytes,
    pub samples: u64,
}

/// What a push came to, as the server counts it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Counts {
    pub inserted: u64,
    pub updated: u64,
    pub duplicates: u64,
    pub errors: u64,
}

/// Why a push failed.
#[derive(Debug)]
pub(crate) struct PushFailure {
    /// A status, or what happened to the connection.
    pub kind: String,
    pub message: String,
    /// How long to wait before the next try.
    pub wait: Duration,
}

impl Endpoint {
    /// Pushes of an account in a form.
    pub(super) fn of_server(http: Client, url: String, login: &Login, form: Form) -> Self {
        Self {
            http,
            url,
            content_type: form.content_type(),
            authorization: Some(login.authorization().to_owned()),
        }
    }

    /// Writes to a server that takes lines and counts nothing, like InfluxDB.
    pub(crate) fn of_lines(http: Client, url: String) -> Self {
        Self {
            http,
            url,
            content_type: "text/plain; charset=utf-8",
            authorization: None,
        }
    }

    pub(super) async fn push(&self, push: Push) -> Result<Counts, PushFailure> {
        let mut request = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, self.content_type);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let sent = request.body(push.text).send();
        let answer = sent
            .await
            .map_err(|error| PushFailure::of_connection(&error))?;
        match answer.status() {
            StatusCode::OK => answer
                .json()
                .await
                .map_err(|error| PushFailure::of_connection(&error)),
            // All of it was written; what of it was new it does not say.
            StatusCode::NO_CONTENT => Ok(Counts {
                inserted: push.samples,
                ..Counts::default()
            }),
            status => Err(PushFailure {
                kind: status.as_u16().to_string(),
                wait: match status {
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                        retry_after(&answer)
                    }
                    _ => Duration::ZERO,
                },
                message: message_of(answer).await,
            }),
        }
    }
}

impl From<&Body> for Push {
    fn from(body: &Body) -> Self {
        Self {
            text: body.to_send(),
            samples: body.samples_count() as u64,
        }
    }
}

impl PushFailure {
    fn of_connection(error: &reqwest::Error) -> Self {
        let kind = match error {
            error if error.is_timeout() => "timeout",
            error if error.is_connect() => "connect",
            error if error.is_decode() => "answer",
            _ => "connection",
        };
        Self {
            kind: kind.to_owned(),
            message: error.to_string(),
            wait: Duration::from_secs(RETRY_DEFAULT_SECONDS),
        }
    }
}

/// How long an answer says to wait.
pub(super) fn retry_after(answer: &Response) -> Duration {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(RETRY_DEFAULT_SECONDS))
}
