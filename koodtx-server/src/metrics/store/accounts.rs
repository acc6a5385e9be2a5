//! Accounts and sign-ins, measured.

use async_trait::async_trait;
use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    AccountStore, Credentials, NewFamily, NewUser, Rotation, SignIn, StoreError, Taken, TokenHash,
    TokenHolder, User, UserPage,
};
use koodtx_core::time::Timestamp;

use super::MeasuredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AccountStore for MeasuredStore {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        self.times
            .measure("create_user", self.inner.create_user(user, now))
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.times.measure("user", self.inner.user(id)).await
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        let call = self.inner.token_holder(user, sign_in, now);
        self.times.measure("token_holder", call).await
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        self.times
            .measure("credentials", self.inner.credentials(username))
            .await
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        self.times
            .measure("users", self.inner.users(after, limit))
            .await
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.times
            .measure("set_active", self.inner.set_active(id, is_active, now))
            .await
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let call = self.inner.set_password(id, password_hash, now);
        self.times.measure("set_password", call).await
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        let call = self.inner.delete_user(id, now);
        self.times.measure("delete_user", call).await
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        self.times
            .measure("create_family", self.inner.create_family(family, now))
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
        let call = self
            .inner
            .rotate(family, user, presented, next, expires_at, now);
        self.times.measure("rotate", call).await
    }

    async fn revoke_device(
        &self,
        user: UserId,
        sign_in: SignInId,
        device_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let call = self.inner.revoke_device(user, sign_in, device_id);
        self.times.measure("revoke_device", call).await
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        self.times
            .measure("sign_ins", self.inner.sign_ins(user, now))
            .await
    }
}
