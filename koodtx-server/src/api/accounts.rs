//! Accounts.

use std::sync::Arc;

use koodtx_core::id::SignInId;
use koodtx_core::store::SignIn;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use uuid::Uuid;

use super::analysis::turn;
use super::answer::Answer;
use super::download::AccountDownload;
use super::faults::{Fault, LoginFaults, OneFaults, ReadFaults, RegisterFaults};
use super::param::Text;
use super::request_body::JsonBody;
use super::schema::{
    DeleteAccountBody, DeviceBody, DevicesAnswer, LoginBody, MeAnswer, MessageAnswer, Nullable,
    PasswordBody, RegisterBody, SignedInAnswer, Tag, TokensAnswer, WireSignInId, WireUser,
};
use crate::app::App;
use crate::auth::{
    Access, AuthError, ClientAddress, JsonFields, NewAccount, RefreshToken, Registration, SignedIn,
};
use crate::error::ApiError;
use crate::export::export_account;
use crate::http::BodyKind;

pub(crate) struct AccountsApi {
    pub(super) app: Arc<App>,
}

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Accounts")]
impl AccountsApi {
    /// Create an account and sign in
    ///
    /// 403 with the code `registration_closed` where only the operator of the server makes accounts.
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        address: ClientAddress,
        body: JsonBody<RegisterBody>,
    ) -> Result<Answer<SignedInAnswer, 201>, Fault<RegisterFaults>> {
        if self.app.registration == Registration::Closed {
            return Err(AuthError::RegistrationClosed.into());
        }
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
    /// Ends the sign-ins of this device, and all their tokens at once.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(&self, access: Access) -> Result<Answer<MessageAnswer>, Fault<ReadFaults>> {
        self.app.accounts.logout(&access.caller).await?;
        Ok(Answer::of(&MessageAnswer {
            message: "Logged out".to_owned(),
        }))
    }

    /// Change one's password
    ///
    /// Signs every device out, and this one in again: use the tokens of the answer from now on.
    #[oai(path = "/password", method = "post", operation_id = "change_password")]
    async fn change_password(
        &self,
        access: Access,
        body: JsonBody<PasswordBody>,
    ) -> Result<Answer<SignedInAnswer>, Fault<LoginFaults>> {
        let mut fields = self.fields(body).await?;
        let current = fields.text("current_password")?;
        let new = fields.text("new_password")?;
        let username = &access.user.username;
        // A stolen token is no way to guess the password.
        self.app.attempts.to_login(username)?;
        let now = self.app.service.now();
        let signed_in = self
            .app
            .accounts
            .change_password(&access.caller, username, current, new, now)
            .await?;
        Ok(Answer::of(&answer("Password changed", signed_in)))
    }

    /// Delete one's account
    ///
    /// For good: every device is signed out, and everything stored is removed within a while. The username
    /// stays taken.
    #[oai(path = "/account", method = "delete", operation_id = "delete_account")]
    async fn delete_account(
        &self,
        access: Access,
        body: JsonBody<DeleteAccountBody>,
    ) -> Result<Answer<MessageAnswer>, Fault<LoginFaults>> {
        let mut fields = self.fields(body).await?;
        let password = fields.text("password")?;
        let username = &access.user.username;
        // A stolen token is no way to guess the password.
        self.app.attempts.to_login(username)?;
        let now = self.app.service.now();
        self.app
            .accounts
            .delete_own(&access.caller, username, password, now)
            .await?;
        self.app.jobs.account_deleted();
        Ok(Answer::of(&MessageAnswer {
            message: "Account deleted".to_owned(),
        }))
    }

    /// Everything of one's account as a file
    ///
    /// A ZIP archive of JSON and NDJSON: the account, where one is signed in, all sessions with their samples,
    /// analyses and the sync log. What was cut short has no directory at its end, so no program takes it for
    /// whole.
    #[oai(
        path = "/account/export",
        method = "get",
        operation_id = "export_account"
    )]
    async fn export_account(&self, access: Access) -> Result<AccountDownload, Fault<ReadFaults>> {
        let Access { caller, user } = access;
        let turn = turn(&self.app, caller.user).await?;
        let now = self.app.service.now();
        let name = format!("account-{}.zip", user.id);
        let stream = export_account(self.app.store.clone(), user, now);
        Ok(AccountDownload::of(stream, name, turn))
    }

    /// Where one is signed in
    #[oai(path = "/devices", method = "get", operation_id = "list_devices")]
    async fn devices(&self, access: Access) -> Result<Answer<DevicesAnswer>, Fault<ReadFaults>> {
        let now = self.app.service.now();
        let all = self.app.accounts.sign_ins(&access.caller, now).await?;
        let device = |one: SignIn| DeviceBody {
            is_current: one.id == access.caller.sign_in,
            sign_in_id: WireSignInId(one.id.0),
            device_id: Nullable(one.device_id),
            created_at: one.created_at.into(),
            expires_at: one.expires_at.into(),
        };
        Ok(Answer::of(&DevicesAnswer {
            devices: all.into_iter().map(device).collect(),
        }))
    }

    /// Sign a device out
    ///
    /// Its tokens end at once.
    #[oai(
        path = "/devices/:sign_in_id",
        method = "delete",
        operation_id = "revoke_device"
    )]
    async fn revoke_device(
        &self,
        access: Access,
        /// The sign-in, as the list of devices names it.
        sign_in_id: Path<Text<WireSignInId>>,
    ) -> Result<Answer<MessageAnswer>, Fault<OneFaults>> {
        let rule = "has to be the `sign_in_id` of one of your devices";
        let id: Uuid = sign_in_id.0.parse("sign_in_id", rule)?;
        let now = self.app.service.now();
        let accounts = &self.app.accounts;
        let ended = accounts
            .end_sign_in(&access.caller, SignInId(id), now)
            .await?;
        if !ended {
            let message = "you have no sign-in of that id";
            let error = ApiError::new(StatusCode::NOT_FOUND, "device_not_found", message);
            return Err(error.into());
        }
        Ok(Answer::of(&MessageAnswer {
            message: "Signed out".to_owned(),
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
