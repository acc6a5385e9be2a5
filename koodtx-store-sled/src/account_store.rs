//! The account storage contract on sled: which lock each method holds.

use async_trait::async_trait;
use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    AccountStore, Credentials, NewFamily, NewUser, Rotation, SignIn, StoreError, Taken, TokenHash,
    TokenHolder, User, UserPage,
};
use koodtx_core::time::Timestamp;

use crate::families::{self, Presented};
use crate::{SledStore, accounts, erase};

#[async_trait]
impl AccountStore for SledStore {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        self.accounts_alone("create_user", move |inner| {
            accounts::create(inner, user, now)
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.accounts_shared("user", move |inner| accounts::user(inner, id))
            .await
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        let journal = &self.inner().journal;
        if let Some(holder) = journal.holders().find(user, sign_in, now) {
            journal
                .check()
                .map_err(|failure| failure.during("token_holder"))?;
            return Ok(Some(holder));
        }
        self.accounts_shared("token_holder", move |inner| {
            accounts::token_holder(inner, user, sign_in, now)
        })
        .await
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        let username = username.to_owned();
        let work = move |inner: &_| accounts::credentials(inner, &username);
        self.accounts_shared("credentials", work).await
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        self.accounts_shared("users", move |inner| accounts::users(inner, after, limit))
            .await
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let work = move |inner: &_| accounts::set_active(inner, id, is_active, now);
        self.account_alone(id, "set_active", work).await
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let work = move |inner: &_| accounts::set_password(inner, id, password_hash, now);
        self.account_alone(id, "set_password", work).await
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        self.account_alone(id, "delete_user", move |inner| {
            erase::delete(inner, id, now)
        })
        .await
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        let user = family.user;
        self.alone(user, "create_family", move |inner| {
            families::create(inner, family, now)
        })
        .await
    }

    async fn rotate(
        &self,
        family: SignInId,
        user: UserId,
        presented: TokenHash,
        next: TokenHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let presented = Presented {
            family,
            user,
            token: presented,
            next,
            expires_at,
        };
        self.alone(user, "rotate", move |inner| {
            families::rotate(inner, &presented, now)
        })
        .await
    }

    async fn revoke_device(
        &self,
        user: UserId,
        sign_in: SignInId,
        device_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let device_id = device_id.map(str::to_owned);
        let work =
            move |inner: &_| families::revoke_device(inner, user, sign_in, device_id.as_deref());
        self.alone(user, "revoke_device", work).await
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        self.shared(user, "sign_ins", move |inner| {
            families::sign_ins(inner, user, now)
        })
        .await
    }
}
