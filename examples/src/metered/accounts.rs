//! Accounts and sign-ins, measured.

use async_trait::async_trait;
use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    AccountStore, Credentials, NewFamily, NewUser, Rotation, SignIn, StoreError, Taken, TokenHash,
    TokenHolder, User, UserPage,
};
use koodtx_core::time::Timestamp;

use super::MeteredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: AccountStore> AccountStore for MeteredStore<S> {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        self.meter
            .measure("create_user", self.inner.create_user(user, now))
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.meter.measure("user", self.inner.user(id)).await
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        let call = self.inner.token_holder(user, sign_in, now);
        self.meter.measure("token_holder", call).await
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        self.meter
            .measure("credentials", self.inner.credentials(username))
            .await
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        self.meter
            .measure("users", self.inner.users(after, limit))
            .await
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.meter
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
        self.meter.measure("set_password", call).await
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        let call = self.inner.delete_user(id, now);
        self.meter.measure("delete_user", call).await
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        self.meter
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
        self.meter.measure("rotate", call).await
    }

    async fn revoke_device(
        &self,
        user: UserId,
        sign_in: SignInId,
        device_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let call = self.inner.revoke_device(user, sign_in, device_id);
        self.meter.measure("revoke_device", call).await
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        self.meter
            .measure("sign_ins", self.inner.sign_ins(user, now))
            .await
    }
}
