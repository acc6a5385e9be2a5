//! Storage of accounts and sign-ins, for servers that keep them beside the data.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::StoreError;
use crate::id::{SignInId, UserId};
use crate::time::Timestamp;

/// A name as it is compared: usernames and emails are unique without regard to case.
///
/// NFKC, lower case, NFKC again (lower-casing may denormalise).
pub fn fold_name(name: &str) -> String {
    name.nfkc()
        .collect::<String>()
        .to_lowercase()
        .nfkc()
        .collect()
}

/// SHA-256 of a name, [folded](fold_name).
pub type NameHash = [u8; 32];

/// What a store keeps of a name that has to stay unique.
pub fn name_hash(name: &str) -> NameHash {
    Sha256::digest(fold_name(name).as_bytes()).into()
}

/// An account as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id: 1, 2, 3, …
    pub id: UserId,
    /// Its name as registered.
    pub username: String,
    /// Its email address as registered.
    pub email: String,
    /// The device that registered it; none where an operator created the account.
    pub device_id: Option<String>,
    /// False for a disabled account.
    pub is_active: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An account to be created. `Debug` hides the password hash.
#[derive(Clone)]
pub struct NewUser {
    /// Its name.
    pub username: String,
    /// Its email address.
    pub email: String,
    /// The device that registers it.
    pub device_id: Option<String>,
    /// Argon2id hash of the password, in PHC string form.
    pub password_hash: String,
}

impl Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// What was to be unique and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The username.
    Username,
    /// The email address.
    Email,
    /// The device is registered with another account.
    Device,
}

/// An account with what is needed to check a password. `Debug` hides the hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// Argon2id hash of the password, in PHC string form.
    pub password_hash: String,
}

impl Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// SHA-256 of a refresh token.
pub type TokenHash = [u8; 32];

/// A sign-in to be remembered: the first refresh token of its family. `Debug` hides the hash.
#[derive(Clone)]
pub struct NewFamily {
    /// The sign-in, which names the family.
    pub id: SignInId,
    /// Whose it is.
    pub user: UserId,
    /// On which device.
    pub device_id: Option<String>,
    /// Hash of the refresh token.
    pub token: TokenHash,
    /// When that token expires.
    pub expires_at: Timestamp,
}

impl Debug for NewFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewFamily")
            .field("id", &self.id)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// All that is kept of an account that was deleted. It is kept for good, so that neither the id nor the
/// name is ever given out again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedUser {
    /// The id that it had.
    pub id: UserId,
    /// Hash of the username that it had.
    pub username: NameHash,
    /// When it was deleted.
    pub deleted_at: Timestamp,
}

/// A live sign-in, without its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The sign-in.
    pub id: SignInId,
    /// Whose it is.
    pub user: UserId,
    /// On which device.
    pub device_id: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When its current token expires.
    pub expires_at: Timestamp,
}

/// The account that a token stands for, as it is by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHolder {
    /// The account.
    pub user: User,
    /// Whether the sign-in that the token came from is live: neither revoked nor expired.
    pub is_signed_in: bool,
}

/// What presenting a refresh token came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The token was the current one; the new one is current now.
    Rotated(SignIn),
    /// The token had been used before: somebody has a copy. The family is revoked now.
    Reused,
    /// There is no such family, or it is revoked or expired.
    Unknown,
}

/// One page of accounts, ordered by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserPage {
    /// The accounts.
    pub users: Vec<User>,
    /// Whether more follow.
    pub has_more: bool,
}

/// Storage of accounts.
///
/// # Laws
///
/// Uniqueness (of [`fold_name`] of usernames and emails, and of registered devices) is kept by the
/// store itself, also between concurrent calls: of N concurrent `create_user` with one name exactly
/// one succeeds. Each method is atomic, and durable when it returns.
#[async_trait]
pub trait AccountStore: Send + Sync + Debug + 'static {
    /// Creates an account, or says what is taken already (the first in the order of [`Taken`]).
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError>;

    /// Reads an account.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// Reads an account, and whether one of its sign-ins is live. Every request with an access token
    /// asks this, so it is one read, and waits for no other call.
    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError>;

    /// Finds an account by its username, in any case.
    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError>;

    /// Reads accounts with an id above `after`, in the order of ids.
    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError>;

    /// Enables or disables an account; disabling revokes all its families. `None`: no such account.
    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError>;

    /// Replaces an account's password hash and revokes all its families. `None`: no such account.
    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError>;

    /// Deletes an account for good; says whether there was one. It leaves a [`DeletedUser`]: the id and
    /// the username stay taken, the email address and the device are free again.
    ///
    /// From then on nothing can be written for the user, whatever was under way: a push has either
    /// happened before, or fails with `UserDeleted`, and so do `log`, `delete_session` and
    /// `create_family`; what tasks change finds nothing to change. This is a short step, however much
    /// is stored: sessions, analyses and the log are removed by
    /// [`erase_deleted`](super::MaintenanceStore::erase_deleted), and may be read until then.
    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError>;

    /// Remembers a new sign-in, and may forget those of the user that have expired.
    ///
    /// # Errors
    /// `UserDeleted` for an account that was deleted.
    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError>;

    /// Replaces the current token of a family by compare-and-swap.
    ///
    /// A `presented` hash other than the current one revokes the family ([`Rotation::Reused`]); of
    /// N concurrent calls with the current hash exactly one rotates.
    async fn rotate(
        &self,
        family: SignInId,
        user: UserId,
        presented: TokenHash,
        next: TokenHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotation, StoreError>;

    /// Revokes every family of the user on that device, and the family `sign_in` in any case.
    async fn revoke_device(
        &self,
        user: UserId,
        sign_in: SignInId,
        device_id: Option<&str>,
    ) -> Result<(), StoreError>;

    /// Reads a user's live sign-ins, the oldest first.
    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError>;
}
