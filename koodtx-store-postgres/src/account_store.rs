//! The account storage contract on PostgreSQL: what runs in a transaction, and what is one statement.

use async_trait::async_trait;
use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    AccountStore, Credentials, NewFamily, NewUser, Rotation, SignIn, StoreError, Taken, TokenHash,
    TokenHolder, User, UserPage, name_hash,
};
use koodtx_core::time::Timestamp;

use crate::families::{self, Presented};
use crate::{PostgresStore, accounts, erase};

#[async_trait]
impl AccountStore for PostgresStore {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        self.transaction("create_user", move |connection| {
            Box::pin(accounts::create(connection, user.clone(), now))
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read("user", move |connection| {
            Box::pin(accounts::user(connection, id))
        })
        .await
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        self.read("token_holder", move |connection| {
            Box::pin(accounts::token_holder(connection, user, sign_in, now))
        })
        .await
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        let name = name_hash(username);
        self.read("credentials", move |connection| {
            Box::pin(accounts::credentials(connection, name))
        })
        .await
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        self.read("users", move |connection| {
            Box::pin(accounts::users(connection, after, limit))
        })
        .await
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.transaction("set_active", move |connection| {
            Box::pin(accounts::set_active(connection, id, is_active, now))
        })
        .await
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.transaction("set_password", move |connection| {
            let hash = password_hash.clone();
            Box::pin(accounts::set_password(connection, id, hash, now))
        })
        .await
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        self.transaction("delete_user", move |connection| {
            Box::pin(erase::delete(connection, id, now))
        })
        .await
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        self.transaction("create_family", move |connection| {
            Box::pin(families::create(connection, family.clone(), now))
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
        self.transaction("rotate", move |connection| {
            Box::pin(families::rotate(connection, presented, now))
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
        self.direct("revoke_device", move |connection| {
            let device_id = device_id.clone();
            Box::pin(families::revoke_device(
                connection, user, sign_in, device_id,
            ))
        })
        .await
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        self.read("sign_ins", move |connection| {
            Box::pin(families::sign_ins(connection, user, now))
        })
        .await
    }
}
