//! Accounts and sign-ins: reads go to the memory, writes through the journal.

use async_trait::async_trait;
use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    AccountStore, Credentials, NewFamily, NewUser, Rotation, SignIn, StoreError, Taken, TokenHash,
    TokenHolder, User, UserPage,
};
use koodtx_core::time::Timestamp;

use super::JournalStore;
use super::command::Command;

#[async_trait]
impl AccountStore for JournalStore {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        let NewUser {
            username,
            email,
            device_id,
            password_hash,
        } = user.clone();
        let line = move || Command::CreateUser {
            username,
            email,
            device_id,
            password_hash,
        };
        self.write("create_user", now, line, async move |memory| {
            memory.create_user(user, now).await
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.memory.user(id).await
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        self.memory.token_holder(user, sign_in, now).await
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        self.memory.credentials(username).await
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        self.memory.users(after, limit).await
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let line = move || Command::SetActive { id, is_active };
        self.write("set_active", now, line, async move |memory| {
            memory.set_active(id, is_active, now).await
        })
        .await
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let copy = password_hash.clone();
        let line = move || Command::SetPassword {
            id,
            password_hash: copy,
        };
        self.write("set_password", now, line, async move |memory| {
            memory.set_password(id, password_hash, now).await
        })
        .await
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        let line = move || Command::DeleteUser { id };
        self.write("delete_user", now, line, async move |memory| {
            memory.delete_user(id, now).await
        })
        .await
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        let NewFamily {
            id,
            user,
            device_id,
            token,
            expires_at,
        } = family.clone();
        let line = move || Command::CreateFamily {
            id,
            user,
            device_id,
            token,
            expires_at,
        };
        self.write("create_family", now, line, async move |memory| {
            memory.create_family(family, now).await
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
        let line = move || Command::Rotate {
            family,
            user,
            presented,
            next,
            expires_at,
        };
        self.write("rotate", now, line, async move |memory| {
            memory
                .rotate(family, user, presented, next, expires_at, now)
                .await
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
        let copy = device_id.clone();
        let line = move || Command::RevokeDevice {
            user,
            sign_in,
            device_id: copy,
        };
        // Revoking depends on no clock.
        self.write(
            "revoke_device",
            Timestamp::ZERO,
            line,
            async move |memory| {
                memory
                    .revoke_device(user, sign_in, device_id.as_deref())
                    .await
            },
        )
        .await
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        self.memory.sign_ins(user, now).await
    }
}
