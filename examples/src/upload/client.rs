//! The HTTP API, from a device's side.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compress::unzstd;
use super::{Backoff, PullAnswer, PushAnswer};

/// How long one attempt may take.
const ATTEMPT_TIMEOUT_SECONDS: u64 = 60;

/// Who signs in.
#[derive(Clone, Debug)]
pub struct Account {
    /// The username.
    pub username: String,
    /// The email address, for registering.
    pub email: String,
    /// The password.
    pub password: String,
}

/// What a client had to go through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientStats {
    /// Attempts that were repeated.
    pub retries: u64,
    /// Access tokens got with a refresh token.
    pub refreshes: u64,
    /// Sign-ins with the password, registering included.
    pub sign_ins: u64,
}

/// Why a call failed for good.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server says that the request is wrong; repeating it would not help.
    #[error("the server refused {path} with {status} {code}: {message}")]
    Refused {
        /// The path of the request.
        path: &'static str,
        /// The status.
        status: StatusCode,
        /// The stable code of the error.
        code: String,
        /// The sentence that comes with it.
        message: String,
    },
    /// The server could not be reached, or was busy, for longer than the client is patient.
    #[error("no answer to {path} in {} s; the last attempt: {last}", patience.as_secs())]
    GaveUp {
        /// The path of the request.
        path: &'static str,
        /// How patient the client was.
        patience: Duration,
        /// What the last attempt came to.
        last: String,
    },
    /// The answer is not what the API promises.
    #[error("the answer to {path} cannot be read: {source}")]
    Answer {
        /// The path of the request.
        path: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The body cannot be prepared, or no client can be set up.
    #[error(transparent)]
    Local(#[from] io::Error),
}

impl ClientError {
    /// The stable code, where the server refused.
    fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::UNAUTHORIZED)
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    code: String,
}

/// A device that is signed in.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    server: String,
    account: Account,
    device_id: String,
    patience: Duration,
    tokens: Tokens,
    stats: ClientStats,
}

/// A request, as often as it has to be sent.
struct Call {
    path: &'static str,
    body: Bytes,
    content_encoding: Option<&'static str>,
}

impl Call {
    fn json(path: &'static str, body: &Value) -> Self {
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

impl Client {
    /// Registers the account with this device, or signs in where the account exists.
    ///
    /// `server` is a URL like `http://127.0.0.1:5000`; `patience` is how long a call is repeated
    /// while the server is away or busy.
    ///
    /// # Errors
    /// When the server refuses, or stays away.
    pub async fn sign_in(
        server: &str,
        account: Account,
        device_id: &str,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        let timeout = Duration::from_secs(ATTEMPT_TIMEOUT_SECONDS);
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .build()
            .map_err(io::Error::other)?;
        let mut client = Self {
            http,
            server: server.trim_end_matches('/').to_owned(),
            account,
            device_id: device_id.to_owned(),
            patience,
            tokens: Tokens {
                access_token: String::new(),
                refresh_token: String::new(),
            },
            stats: ClientStats::default(),
        };
        client.register_or_login().await?;
        Ok(client)
    }

    /// What the client had to go through so far.
    pub fn stats(&self) -> ClientStats {
        self.stats
    }

    /// Uploads a body, compressed as `content_encoding` says.
    ///
    /// An attempt whose answer got lost may have been applied. Repeating it is right all the same:
    /// its records then count as duplicates.
    ///
    /// # Errors
    /// When the server refuses the body, or stays away.
    pub async fn push(
        &mut self,
        body: Bytes,
        content_encoding: Option<&'static str>,
    ) -> Result<PushAnswer, ClientError> {
        self.call(Call {
            path: "/api/sync/push",
            body,
            content_encoding,
        })
        .await
    }

    /// Pulls a page.
    ///
    /// # Errors
    /// When the server refuses the request, or stays away.
    pub async fn pull(&mut self, request: &Value) -> Result<PullAnswer, ClientError> {
        self.call(Call::json("/api/sync/pull", request)).await
    }

    /// Makes a call as the user, with a new token where the old one has expired.
    async fn call<T: DeserializeOwned>(&mut self, call: Call) -> Result<T, ClientError> {
        let token = self.tokens.access_token.clone();
        let answer = match self.send(&call, Some(&token)).await {
            Err(error) if error.is_unauthorized() => {
                self.renew().await?;
                let token = self.tokens.access_token.clone();
                self.send(&call, Some(&token)).await?
            }
            answer => answer?,
        };
        read(call.path, &answer)
    }

    /// Gets new tokens: with the refresh token, or else with the password.
    async fn renew(&mut self) -> Result<(), ClientError> {
        let call = Call {
            path: "/api/auth/refresh",
            body: Bytes::new(),
            content_encoding: None,
        };
        let token = self.tokens.refresh_token.clone();
        match self.send(&call, Some(&token)).await {
            Ok(answer) => {
                self.tokens = read(call.path, &answer)?;
                self.stats.refreshes += 1;
                Ok(())
            }
            // A refresh token is good once. If the answer to an earlier attempt got lost, this one
            // is taken for a thief's and the sign-in is over; the password starts another one.
            Err(error) if error.is_unauthorized() => self.login().await,
            Err(error) => Err(error),
        }
    }

    async fn register_or_login(&mut self) -> Result<(), ClientError> {
        let Account {
            username,
            email,
            password,
        } = &self.account;
        let body = json!({
            "username": username, "email": email, "password": password, "device_id": self.device_id,
        });
        let call = Call::json("/api/auth/register", &body);
        match self.send(&call, None).await {
            Ok(answer) => {
                self.tokens = read(call.path, &answer)?;
                self.stats.sign_ins += 1;
                Ok(())
            }
            // Also when an earlier attempt registered it and the answer got lost.
            Err(error) if ["username_taken", "email_taken"].contains(&error.code()) => {
                self.login().await
            }
            Err(error) => Err(error),
        }
    }

    async fn login(&mut self) -> Result<(), ClientError> {
        let Account {
            username, password, ..
        } = &self.account;
        let body =
            json!({ "username": username, "password": password, "device_id": self.device_id });
        let call = Call::json("/api/auth/login", &body);
        let answer = self.send(&call, None).await?;
        self.tokens = read(call.path, &answer)?;
        self.stats.sign_ins += 1;
        Ok(())
    }

    /// Sends a request until it is answered or refused.
    async fn send(&mut self, call: &Call, token: Option<&str>) -> Result<Bytes, ClientError> {
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
            self.stats.retries += 1;
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

fn read<T: DeserializeOwned>(path: &'static str, answer: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(answer).map_err(|source| ClientError::Answer { path, source })
}
