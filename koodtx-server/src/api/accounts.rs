//! Accounts.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::answer::Answer;
use super::faults::{Fault, LoginFaults, ReadFaults, RegisterFaults};
use super::request_body::JsonBody;
use super::schema::{
    LoginBody, MeAnswer, MessageAnswer, RegisterBody, SignedInAnswer, Tag, TokensAnswer, WireUser,
};
use crate::app::App;
use crate::auth::{Access, ClientAddress, JsonFields, NewAccount, RefreshToken, SignedIn};
use crate::error::ApiError;
use crate::http::BodyKind;

pub(crate) struct AccountsApi {
    pub(super) app: Arc<App>,
}

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Accounts")]
impl AccountsApi {
    /// Create an account and sign in
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        address: ClientAddress,
        body: JsonBody<RegisterBody>,
    ) -> Result<Answer<SignedInAnswer, 201>, Fault<RegisterFaults>> {
        self.app.attempts.by_address(address.0)?;
        let mut fields = self.fields(body).await?;
        let account = NewAccount {
            username: fields.text("username")?,
            email: fields.text("email")?,
            password: fields.text("password")?,
            device_id: Some(fields.text("device_id")?),
        };
        self.app.attempts.to_register(&account.username)?;
        let signed_in = self
            .app
            .accounts
            .register(account, self.app.service.now())
            .await?;
        Ok(Answer::of(&answer(
            "User registered successfully",
            signed_in,
        )))
    }

    /// Sign in
    ///
    /// With `device_id` the sign-in belongs to that device, and so does what it logs out of later.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(
        &self,
        address: ClientAddress,
        body: JsonBody<LoginBody>,
    ) -> Result<Answer<SignedInAnswer>, Fault<LoginFaults>> {
        self.app.attempts.by_address(address.0)?;
        let mut fields = self.fields(body).await?;
        let username = fields.text("username")?;
        let password = fields.text("password")?;
        let device_id = fields.optional_text("device_id")?;
        self.app.attempts.to_login(&username)?;
        let now = self.app.service.now();
        let signed_in = self
            .app
            .accounts
            .login(&username, password, device_id, now)
            .await?;
        Ok(Answer::of(&answer("Login successful", signed_in)))
    }

    /// Exchange a refresh token for a new pair
    ///
    /// Each refresh token is good once; using one again signs the device out.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        token: RefreshToken,
    ) -> Result<Answer<TokensAnswer>, Fault<ReadFaults>> {
        let pair = self
            .app
            .accounts
            .refresh(&token.0, self.app.service.now())
            .await?;
        Ok(Answer::of(&TokensAnswer {
            access_token: pair.access,
            refresh_token: pair.refresh,
        }))
    }

    /// Sign out
    ///
    /// Revokes the refresh tokens of this device. Its access token lasts until it expires.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(&self, access: Access) -> Result<Answer<MessageAnswer>, Fault<ReadFaults>> {
        self.app.accounts.logout(&access.caller).await?;
        Ok(Answer::of(&MessageAnswer {
            message: "Logged out".to_owned(),
        }))
    }

    /// The account that calls
    #[oai(path = "/me", method = "get", operation_id = "me")]
    #[expect(clippy::unused_async, reason = "operations are async")]
    async fn me(&self, access: Access) -> Result<Answer<MeAnswer>, Fault<ReadFaults>> {
        Ok(Answer::of(&MeAnswer {
            user: access.user.into(),
        }))
    }
}

impl AccountsApi {
    async fn fields<S>(&self, body: JsonBody<S>) -> Result<JsonFields, ApiError> {
        let received = body.read(&self.app.bodies, BodyKind::Other).await?;
        Ok(JsonFields::parse(received.bytes())?)
    }
}

fn answer(message: &str, signed_in: SignedIn) -> SignedInAnswer {
    SignedInAnswer {
        message: message.to_owned(),
        user: WireUser::from(signed_in.user),
        access_token: signed_in.tokens.access,
        refresh_token: signed_in.tokens.refresh,
    }
}
