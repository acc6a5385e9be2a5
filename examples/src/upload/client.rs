//! The HTTP API, from a device's side.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::transport::{Call, Transport};
use super::{ClientError, PullAnswer, PushAnswer};

/// Who signs in. `Debug` hides the password.
#[derive(Clone)]
pub struct Account {
    /// The username.
    pub username: String,
    /// The email address, for registering.
    pub email: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
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

#[derive(Default, Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

/// A device that is signed in. `Debug` hides its tokens.
pub struct Client {
    transport: Transport,
    account: Account,
    device_id: String,
    tokens: Tokens,
    refreshes: u64,
    sign_ins: u64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut client = f.debug_struct("Client");
        client
            .field("transport", &self.transport)
            .field("account", &self.account);
        client
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
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
        let mut client = Self {
            transport: Transport::new(server, patience)?,
            account,
            device_id: device_id.to_owned(),
            tokens: Tokens::default(),
            refreshes: 0,
            sign_ins: 0,
        };
        client.register_or_login().await?;
        Ok(client)
    }

    /// What the client had to go through so far.
    pub fn stats(&self) -> ClientStats {
        let retries = self.transport.retries();
        ClientStats {
            retries,
            refreshes: self.refreshes,
            sign_ins: self.sign_ins,
        }
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
        let answer = match self.transport.send(&call, Some(&token)).await {
            Err(error) if error.is_unauthorized() => {
                self.renew().await?;
                let token = self.tokens.access_token.clone();
                self.transport.send(&call, Some(&token)).await?
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
        match self.transport.send(&call, Some(&token)).await {
            Ok(answer) => {
                self.tokens = read(call.path, &answer)?;
                self.refreshes += 1;
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
        match self.transport.send(&call, None).await {
            Ok(answer) => {
                self.tokens = read(call.path, &answer)?;
                self.sign_ins += 1;
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
        let answer = self.transport.send(&call, None).await?;
        self.tokens = read(call.path, &answer)?;
        self.sign_ins += 1;
        Ok(())
    }
}

fn read<T: DeserializeOwned>(path: &'static str, answer: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(answer).map_err(|source| ClientError::Answer { path, source })
}
