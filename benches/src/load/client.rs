//! The few calls that a device makes.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{Form, LoadError, LoadOptions};
use crate::workload::Body;

/// How long one request may take, in seconds.
const REQUEST_MAX_SECONDS: u64 = 60;
/// Wait after an answer that says neither how long nor why, in seconds.
const RETRY_DEFAULT_SECONDS: u64 = 1;
/// How often an account is asked for before the run gives up.
const SIGN_IN_MAX_COUNT: usize = 100;

/// A connection to the server.
#[derive(Clone, Debug)]
pub(super) struct Api {
    http: Client,
    url: String,
    /// Of the bodies that are pushed.
    content_type: &'static str,
}

/// What an account needs to push.
#[derive(Clone)]
pub(super) struct Login {
    authorization: String,
}

/// What a push came to, as the server counts it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Counts {
    pub inserted: u64,
    pub updated: u64,
    pub duplicates: u64,
    pub errors: u64,
}

/// Why a push failed.
#[derive(Debug)]
pub(super) struct PushFailure {
    /// A status, or what happened to the connection.
    pub kind: String,
    pub message: String,
    /// How long to wait before the next try.
    pub wait: Duration,
}

impl Api {
    pub(super) fn connect(url: &str, form: Form) -> Result<Self, LoadError> {
        let http = Client::builder()
            .http1_only()
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1)
            .timeout(Duration::from_secs(REQUEST_MAX_SECONDS))
            .build()
            .map_err(|source| LoadError::Unreachable {
                url: url.to_owned(),
                source,
            })?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            content_type: form.content_type(),
        })
    }

    /// Signs in to the given account, or registers one that nobody will use again.
    pub(super) async fn sign_in(&self, options: &LoadOptions) -> Result<Login, LoadError> {
        #[derive(Deserialize)]
        struct Tokens {
            access_token: String,
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (action, path, body) = match &options.username {
            Some(username) => (
                "log in",
                "/api/auth/login",
                json!({"username": username, "password": options.password, "device_id": format!("load-{id}")}),
            ),
            None => (
                "register an account",
                "/api/auth/register",
                json!({
                    "username": format!("load-{id}"),
                    "email": format!("load-{id}@example.com"),
                    "password": uuid::Uuid::new_v4().to_string(),
                    "device_id": format!("load-{id}"),
                }),
            ),
        };
        let url = format!("{}{path}", self.url);
        for _ in 0..SIGN_IN_MAX_COUNT {
            let request = self.http.post(&url).json(&body);
            let answer = request
                .send()
                .await
                .map_err(|source| LoadError::Unreachable {
                    url: url.clone(),
                    source,
                })?;
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                let wait = retry_after(&answer);
                eprintln!(
                    "the server limits sign-ins: waiting {} s (fewer accounts: --users 1)",
                    wait.as_secs()
                );
                tokio::time::sleep(wait).await;
                continue;
            }
            if !answer.status().is_success() {
                let status = answer.status().as_u16();
                return Err(LoadError::Refused {
                    action,
                    status,
                    message: message_of(answer).await,
                });
            }
            let tokens: Tokens = answer.json().await.map_err(|source| LoadError::Answer {
                url,
                action,
                source,
            })?;
            return Ok(Login {
                authorization: format!("Bearer {}", tokens.access_token),
            });
        }
        let message = "the limit of sign-ins was never lifted; use --users 1".to_owned();
        Err(LoadError::Refused {
            action,
            status: StatusCode::TOO_MANY_REQUESTS.as_u16(),
            message,
        })
    }

    pub(super) async fn push(&self, login: &Login, body: &Body) -> Result<Counts, PushFailure> {
        let sent = self
            .http
            .post(format!("{}/api/sync/push", self.url))
            .header(AUTHORIZATION, &login.authorization)
            .header(CONTENT_TYPE, self.content_type)
            .body(body.text().to_vec())
            .send();
        let answer = sent
            .await
            .map_err(|error| PushFailure::of_connection(&error))?;
        if answer.status() == StatusCode::OK {
            return answer
                .json()
                .await
                .map_err(|error| PushFailure::of_connection(&error));
        }
        Err(PushFailure {
            kind: answer.status().as_u16().to_string(),
            wait: match answer.status() {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    retry_after(&answer)
                }
                _ => Duration::ZERO,
            },
            message: message_of(answer).await,
        })
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

fn retry_after(answer: &Response) -> Duration {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(RETRY_DEFAULT_SECONDS))
}

/// What the server says of an error.
async fn message_of(answer: Response) -> String {
    #[derive(Deserialize)]
    struct ErrorBody {
        error: String,
    }
    let text = answer.text().await.unwrap_or_default();
    serde_json::from_str(&text).map_or(text, |body: ErrorBody| body.error)
}
