//! The few calls that a device makes.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::endpoint::{Endpoint, retry_after};
use super::{Form, LoadError, LoadOptions};

/// How long one request may take, in seconds.
const REQUEST_MAX_SECONDS: u64 = 60;
/// How often an account is asked for before the run gives up.
const SIGN_IN_MAX_COUNT: usize = 100;

/// A connection to the server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: Client,
    url: String,
}

/// What an account needs to push.
#[derive(Clone)]
pub(crate) struct Login {
    authorization: String,
}

impl Api {
    /// A connection to the server at `url`, opened when it is first used.
    pub(crate) fn connect(url: &str) -> Result<Self, LoadError> {
        let http = one_connection().map_err(|source| LoadError::Unreachable {
            url: url.to_owned(),
            source,
        })?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// Signs in to the given account, or registers one that nobody will use again.
    pub(crate) async fn sign_in(&self, options: &LoadOptions) -> Result<Login, LoadError> {
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

    /// Where pushes of an account go, in a form, on this connection.
    pub(crate) fn endpoint(&self, login: &Login, form: Form) -> Endpoint {
        let url = format!("{}/api/sync/push", self.url);
        Endpoint::of_server(self.http.clone(), url, login, form)
    }

    /// Begins a pull with these members.
    pub(crate) async fn pull(
        &self,
        login: &Login,
        request: &serde_json::Value,
    ) -> Result<Response, LoadError> {
        let url = format!("{}/api/sync/pull", self.url);
        let request = self.http.post(&url).json(request);
        let answer = request
            .header(AUTHORIZATION, login.authorization())
            .send()
            .await
            .map_err(|source| LoadError::Unreachable { url, source })?;
        if answer.status() == StatusCode::OK {
            return Ok(answer);
        }
        Err(LoadError::Refused {
            action: "pull",
            status: answer.status().as_u16(),
            message: message_of(answer).await,
        })
    }
}

impl Login {
    /// What stands in the header of that name.
    pub(super) fn authorization(&self) -> &str {
        &self.authorization
    }
}

/// A client that keeps to one connection.
pub(crate) fn one_connection() -> reqwest::Result<Client> {
    Client::builder()
        .http1_only()
        .no_proxy()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(1)
        .timeout(Duration::from_secs(REQUEST_MAX_SECONDS))
        .build()
}

/// What the server says of an error.
pub(super) async fn message_of(answer: Response) -> String {
    #[derive(Deserialize)]
    struct ErrorBody {
        error: String,
    }
    let text = answer.text().await.unwrap_or_default();
    serde_json::from_str(&text).map_or(text, |body: ErrorBody| body.error)
}
