//! A device that is signed in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use koodtx_core::time::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Server, columns};

const PASSWORD: &str = "correct horse battery";
/// Longest wait for an answer; a server that takes longer hangs.
const ANSWER_MAX_SECONDS: u64 = 300;

/// A signed-in device. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Device {
    client: Client,
    urls: Arc<[String]>,
    /// Which of them has the next turn.
    turn: Arc<AtomicUsize>,
    token: String,
    /// Whether it repeats what the server has no room for.
    is_patient: bool,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// What `Retry-After` says, in seconds.
    pub retry_after: Option<u64>,
    pub body: Value,
}

/// No answer came, or one that says to come back later.
#[derive(Debug)]
pub struct Away;

impl From<reqwest::Error> for Away {
    fn from(_: reqwest::Error) -> Self {
        Self
    }
}

impl Device {
    /// Registers a user with a first device.
    pub async fn register(server: &Server, username: &str) -> Self {
        Self::register_at(server.url(), username).await
    }

    /// The same, of a server at that URL.
    pub async fn register_at(url: String, username: &str) -> Self {
        let body = json!({
            "username": username,
            "email": format!("{username}@example.com"),
            "password": PASSWORD,
            "device_id": format!("{username}-first"),
        });
        Self::sign_in(url, "register", &body).await
    }

    /// Signs a further device in.
    pub async fn login(server: &Server, username: &str, device_id: &str) -> Self {
        Self::login_at(server.url(), username, device_id).await
    }

    /// The same, to a server at that URL.
    pub async fn login_at(url: String, username: &str, device_id: &str) -> Self {
        let body = json!({ "username": username, "password": PASSWORD, "device_id": device_id });
        Self::sign_in(url, "login", &body).await
    }

    /// A device that is not signed in.
    pub fn anonymous(server: &Server) -> Self {
        Self::anonymous_at(server.url())
    }

    fn anonymous_at(url: String) -> Self {
        let timeout = Duration::from_secs(ANSWER_MAX_SECONDS);
        let client = Client::builder()
            .timeout(timeout)
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            client,
            urls: [url].into(),
            turn: Arc::default(),
            token: String::new(),
            is_patient: false,
        }
    }

    async fn sign_in(url: String, how: &str, body: &Value) -> Self {
        let mut device = Self::anonymous_at(url);
        let path = format!("/api/auth/{how}");
        let answer = device.post(&path, body.to_string()).await;
        let answer = answer.expect("the server answers");
        assert!(answer.status.is_success(), "{how}: {answer:?}");
        let token = answer.body["access_token"].as_str();
        token.expect("a token").clone_into(&mut device.token);
        device
    }

    /// The same device after the server was started again.
    #[must_use]
    pub fn at(&self, server: &Server) -> Self {
        self.across([server])
    }

    /// The same device behind a balancer that sends each request, also those of clones, to the next
    /// server.
    #[must_use]
    pub fn across<'a>(&self, servers: impl IntoIterator<Item = &'a Server>) -> Self {
        Self {
            urls: servers.into_iter().map(Server::url).collect(),
            turn: Arc::default(),
            ..self.clone()
        }
    }

    /// The same device, which repeats what it is told to repeat later, as often as need be.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self {
            is_patient: true,
            ..self.clone()
        }
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Begins a request with the device's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let url = &self.urls[turn % self.urls.len()];
        let request = self.client.request(method, format!("{url}{path}"));
        if self.token.is_empty() {
            return request;
        }
        request.header(AUTHORIZATION, format!("Bearer {}", self.token))
    }

    /// Sends a request; fails only where no whole answer came.
    pub async fn send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        if !self.is_patient {
            return answer(request).await;
        }
        loop {
            let copy = request.try_clone().expect("the body is no stream");
            let answered = answer(copy).await?;
            match answered.pause() {
                Some(pause) => sleep(pause).await,
                None => return Ok(answered),
            }
        }
    }

    /// Sends JSON; fails only where no whole answer came.
    pub async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let request = self.request(Method::POST, path);
        self.send(request.header(CONTENT_TYPE, "application/json").body(body))
            .await
    }

    pub async fn push(&self, body: impl Into<reqwest::Body>) -> reqwest::Result<Answer> {
        self.post("/api/sync/push", body).await
    }

    /// Pushes, and fails unless the push was accepted.
    pub async fn push_ok(&self, body: &Value) -> Value {
        self.push(body.to_string())
            .await
            .expect("the server answers")
            .ok()
    }

    pub async fn pull(&self, request: &Value) -> reqwest::Result<Answer> {
        self.post("/api/sync/pull", request.to_string()).await
    }

    /// Reads, and fails unless that succeeds.
    pub async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.ok()
    }

    /// Reads, whatever the answer.
    pub async fn try_get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path))
            .await
            .expect("the server answers")
    }

    pub async fn delete_session(&self, session_id: &str) -> reqwest::Result<Answer> {
        let path = format!("/api/sessions/{session_id}");
        self.send(self.request(Method::DELETE, &path)).await
    }

    /// Deletes the account for good.
    pub async fn delete_account(&self) -> Answer {
        let request = self.request(Method::DELETE, "/api/auth/account");
        let body = json!({ "password": PASSWORD }).to_string();
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        self.send(request).await.expect("the server answers")
    }

    /// Pulls in the columnar form, and turns the answer into the documented one.
    pub async fn pull_columns(&self, request: &Value) -> reqwest::Result<Answer> {
        let pull = self.request(Method::POST, "/api/sync/pull");
        let pull = pull
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, columns::MEDIA_TYPE)
            .body(request.to_string());
        let mut answer = self.send(pull).await?;
        for session in answer.body["sessions"].as_array_mut().into_iter().flatten() {
            session["sensor_data"] = columns::records(&session["columns"]);
            let members = session.as_object_mut();
            members.expect("a session is an object").remove("columns");
        }
        Ok(answer)
    }

    /// The sync log's last entries, newest first.
    pub async fn recent_syncs(&self) -> Vec<Value> {
        let status = self.get("/api/sync/status").await;
        status["recent_syncs"].as_array().expect("an array").clone()
    }

    /// Whether the server calls itself healthy.
    pub async fn is_healthy(&self) -> bool {
        self.get("/health").await["status"] == "healthy"
    }
}

impl Answer {
    /// The body, where the request succeeded.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// How long to wait before the request is repeated, where the answer says that it may be.
    pub fn pause(&self) -> Option<Duration> {
        let is_busy = matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        self.retry_after
            .filter(|_| is_busy)
            .map(Duration::from_secs)
    }

    /// Whether the store does not answer, and the client is told when to try again.
    pub fn is_store_away(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
            && self.body["code"] == "store_unavailable"
            && self.retry_after.is_some_and(|seconds| seconds > 0)
    }

    /// Whether the store has no room left, and the client is told when to try again.
    pub fn is_store_full(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
            && self.body["code"] == "store_full"
            && self.retry_after.is_some_and(|seconds| seconds > 0)
    }

    /// The body, unless the store does not answer.
    #[track_caller]
    pub fn ok_or_away(self) -> Result<Value, Away> {
        if self.is_store_away() {
            return Err(Away);
        }
        Ok(self.ok())
    }
}

/// Sends a request. One whose answer breaks off has failed, and nobody may take what came for the whole.
pub async fn answer(request: RequestBuilder) -> reqwest::Result<Answer> {
    let mut response = request.send().await?;
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                let is_whole = serde_json::from_slice::<Value>(&bytes).is_ok();
                assert!(!is_whole, "{status} broke off behind whole JSON: {bytes:?}");
                return Err(error);
            }
        }
    }
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|error| panic!("{status} without JSON ({error}): {bytes:?}"));
    Ok(Answer {
        status,
        retry_after,
        body,
    })
}

/// A count of an answer.
#[track_caller]
pub fn count(answer: &Value, field: &str) -> u64 {
    answer[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no {field} in {answer}"))
}

/// A time of an answer.
#[track_caller]
pub fn time(answer: &Value, field: &str) -> Timestamp {
    let text = answer[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {answer}"));
    text.parse()
        .unwrap_or_else(|_| panic!("{field} is no time: {text}"))
}
