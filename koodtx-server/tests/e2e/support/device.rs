//! A device that is signed in.

use std::time::Duration;

use koodtx_core::time::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::Server;

const PASSWORD: &str = "correct horse battery";
/// Longest wait for an answer; a server that takes longer hangs.
const ANSWER_MAX_SECONDS: u64 = 300;

/// A signed-in device. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Device {
    client: Client,
    url: String,
    token: String,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Device {
    /// Registers a user with a first device.
    pub async fn register(server: &Server, username: &str) -> Self {
        let body = json!({
            "username": username,
            "email": format!("{username}@example.com"),
            "password": PASSWORD,
            "device_id": format!("{username}-first"),
        });
        Self::sign_in(server, "register", &body).await
    }

    /// Signs a further device in.
    pub async fn login(server: &Server, username: &str, device_id: &str) -> Self {
        let body = json!({ "username": username, "password": PASSWORD, "device_id": device_id });
        Self::sign_in(server, "login", &body).await
    }

    async fn sign_in(server: &Server, how: &str, body: &Value) -> Self {
        let timeout = Duration::from_secs(ANSWER_MAX_SECONDS);
        let client = Client::builder()
            .timeout(timeout)
            .no_proxy()
            .build()
            .expect("a client");
        let url = server.url();
        let request = client.post(format!("{url}/api/auth/{how}")).json(body);
        let answer = answer(request).await.expect("the server answers");
        assert!(answer.status.is_success(), "{how}: {answer:?}");
        let token = answer.body["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        Self { client, url, token }
    }

    /// The same device after the server was started again.
    #[must_use]
    pub fn at(&self, server: &Server) -> Self {
        Self {
            url: server.url(),
            ..self.clone()
        }
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Begins a request with the device's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.header(AUTHORIZATION, format!("Bearer {}", self.token))
    }

    /// Sends JSON; fails only where no whole answer came.
    pub async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let request = self.request(Method::POST, path);
        answer(request.header(CONTENT_TYPE, "application/json").body(body)).await
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

    pub async fn get(&self, path: &str) -> Value {
        answer(self.request(Method::GET, path))
            .await
            .expect("the server answers")
            .ok()
    }

    pub async fn delete_session(&self, session_id: &str) -> reqwest::Result<Answer> {
        let path = format!("/api/sessions/{session_id}");
        answer(self.request(Method::DELETE, &path)).await
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
}

async fn answer(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let status = response.status();
    let bytes = response.bytes().await?;
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|error| panic!("{status} without JSON ({error}): {bytes:?}"));
    Ok(Answer { status, body })
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
