//! Registering, signing in, refreshing, signing out.

use std::fmt;
use std::sync::Arc;

use koodtx_core::id::SignInId;
use koodtx_core::service::Caller;
use koodtx_core::store::{AccountStore, NewFamily, NewUser, Rotation, SignIn, User};
use koodtx_core::time::Timestamp;
use uuid::Uuid;

use super::fields::{check_device_id, check_email, check_password, check_username};
use super::token::{Bearer, TokenKind, token_hash};
use super::{AuthError, PasswordError, Passwords, Tokens};

/// Who is to be registered.
pub struct NewAccount {
    /// The name.
    pub username: String,
    /// The email address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The device; none where an operator creates the account.
    pub device_id: Option<String>,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// A fresh pair of tokens. `Debug` hides them.
pub struct TokenPair {
    /// For the API.
    pub access: String,
    /// For the next pair.
    pub refresh: String,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenPair(…)")
    }
}

/// An account that has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// Its tokens.
    pub tokens: TokenPair,
}

/// The rules of protocol and store for accounts, without HTTP.
#[derive(Clone, Debug)]
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    passwords: Passwords,
    tokens: Arc<Tokens>,
}

impl From<PasswordError> for AuthError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Failed(_) => Self::Internal(error.to_string()),
        }
    }
}

impl Accounts {
    /// Accounts in `store`.
    pub fn new(store: Arc<dyn AccountStore>, passwords: Passwords, tokens: Tokens) -> Self {
        Self {
            store,
            passwords,
            tokens: Arc::new(tokens),
        }
    }

    /// Creates an account.
    ///
    /// # Errors
    /// `Field` where a value breaks a rule, `Taken` where one is not unique.
    pub async fn create(&self, account: NewAccount, now: Timestamp) -> Result<User, AuthError> {
        check_username(&account.username)?;
        check_email(&account.email)?;
        check_password(&account.password)?;
        if let Some(device_id) = &account.device_id {
            check_device_id(device_id)?;
        }
        let password_hash = self.passwords.hash(account.password).await?;
        let user = NewUser {
            username: account.username,
            email: account.email,
            device_id: account.device_id,
            password_hash,
        };
        self.store
            .create_user(user, now)
            .await?
            .map_err(AuthError::Taken)
    }

    /// Creates an account and signs it in on the device that registers it.
    ///
    /// # Errors
    /// Those of [`create`](Self::create).
    pub async fn register(
        &self,
        account: NewAccount,
        now: Timestamp,
    ) -> Result<SignedIn, AuthError> {
        let device_id = account.device_id.clone();
        let user = self.create(account, now).await?;
        self.sign_in(user, device_id, now).await
    }

    /// Signs in with a password.
    ///
    /// # Errors
    /// `Credentials` for an unknown user as for a wrong password, after the same work; `Disabled`
    /// only for who knows the password.
    pub async fn login(
        &self,
        username: &str,
        password: String,
        device_id: Option<String>,
        now: Timestamp,
    ) -> Result<SignedIn, AuthError> {
        if let Some(device_id) = &device_id {
            check_device_id(device_id)?;
        }
        let found = self.store.credentials(username).await?;
        let hash = found.as_ref().map(|found| found.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await?;
        let Some(found) = found.filter(|_| fits) else {
            return Err(AuthError::Credentials);
        };
        if !found.user.is_active {
            return Err(AuthError::Disabled);
        }
        self.sign_in(found.user, device_id, now).await
    }

    async fn sign_in(
        &self,
        user: User,
        device_id: Option<String>,
        now: Timestamp,
    ) -> Result<SignedIn, AuthError> {
        let bearer = Bearer {
            user: user.id,
            sign_in: SignInId(Uuid::new_v4()),
            device_id,
        };
        let (access, _) = self.tokens.issue(TokenKind::Access, &bearer, now)?;
        let (refresh, expires_at) = self.tokens.issue(TokenKind::Refresh, &bearer, now)?;
        let family = NewFamily {
            id: bearer.sign_in,
            user: user.id,
            device_id: bearer.device_id,
            token: token_hash(&refresh),
            expires_at,
        };
        self.store.create_family(family, now).await?;
        Ok(SignedIn {
            user,
            tokens: TokenPair { access, refresh },
        })
    }

    /// Exchanges a refresh token for a new pair.
    ///
    /// # Errors
    /// `TokenRevoked` for one that was used before, which also revokes its whole family.
    pub async fn refresh(&self, token: &str, now: Timestamp) -> Result<TokenPair, AuthError> {
        let bearer = self.tokens.check(token, TokenKind::Refresh, now)?;
        let user = self.store.user(bearer.user).await?;
        if_active(user.ok_or(AuthError::TokenInvalid)?)?;
        let (access, _) = self.tokens.issue(TokenKind::Access, &bearer, now)?;
        let (refresh, expires_at) = self.tokens.issue(TokenKind::Refresh, &bearer, now)?;
        let (presented, next) = (token_hash(token), token_hash(&refresh));
        let rotation = self
            .store
            .rotate(
                bearer.sign_in,
                bearer.user,
                presented,
                next,
                expires_at,
                now,
            )
            .await?;
        match rotation {
            Rotation::Rotated(_) => Ok(TokenPair { access, refresh }),
            Rotation::Reused => {
                tracing::warn!(
                    user = bearer.user.0,
                    "a used refresh token came again; its sign-in is revoked"
                );
                Err(AuthError::TokenRevoked)
            }
            Rotation::Unknown => Err(AuthError::TokenRevoked),
        }
    }

    /// Who calls with that access token. What the request is called is for the caller to add.
    ///
    /// # Errors
    /// `Disabled` for a disabled account and `TokenRevoked` for a sign-in that has ended, also while the
    /// token lasts.
    pub async fn authenticate(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Caller, User), AuthError> {
        let bearer = self.tokens.check(token, TokenKind::Access, now)?;
        let holder = self
            .store
            .token_holder(bearer.user, bearer.sign_in, now)
            .await?;
        let holder = holder.ok_or(AuthError::TokenInvalid)?;
        // Disabling revokes as well, and is the better answer: signing in again would not help.
        let user = if_active(holder.user)?;
        if !holder.is_signed_in {
            return Err(AuthError::TokenRevoked);
        }
        let Bearer {
            user: id,
            sign_in,
            device_id,
        } = bearer;
        Ok((
            Caller {
                user: id,
                device_id,
                sign_in,
                request_id: None,
            },
            user,
        ))
    }

    /// Ends the sign-ins of the caller's device, and with them all their tokens.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn logout(&self, caller: &Caller) -> Result<(), AuthError> {
        let device_id = caller.device_id.as_deref();
        Ok(self
            .store
            .revoke_device(caller.user, caller.sign_in, device_id)
            .await?)
    }

    /// Replaces the password of the caller, who has to know it, and signs them out everywhere; the
    /// caller's device gets new tokens.
    ///
    /// # Errors
    /// `Credentials` for a wrong password, `Field` for a new one that breaks a rule.
    pub async fn change_password(
        &self,
        caller: &Caller,
        username: &str,
        current: String,
        new: String,
        now: Timestamp,
    ) -> Result<SignedIn, AuthError> {
        check_password(&new)?;
        self.check_own_password(caller, username, current).await?;
        let hash = self.passwords.hash(new).await?;
        let changed = self.store.set_password(caller.user, hash, now).await?;
        let user = changed.ok_or(AuthError::TokenInvalid)?;
        self.sign_in(user, caller.device_id.clone(), now).await
    }

    /// Deletes the account of the caller, who has to know its password.
    ///
    /// # Errors
    /// `Credentials` for a wrong password.
    pub async fn delete_own(
        &self,
        caller: &Caller,
        username: &str,
        password: String,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        self.check_own_password(caller, username, password).await?;
        // Another request may have been faster.
        let was_there = self.store.delete_user(caller.user, now).await?;
        was_there.then_some(()).ok_or(AuthError::TokenInvalid)
    }

    async fn check_own_password(
        &self,
        caller: &Caller,
        username: &str,
        password: String,
    ) -> Result<(), AuthError> {
        let found = self.store.credentials(username).await?;
        let found = found.filter(|found| found.user.id == caller.user);
        let hash = found.map(|found| found.password_hash);
        if self.passwords.verify(password, hash).await? {
            Ok(())
        } else {
            Err(AuthError::Credentials)
        }
    }

    /// The caller's live sign-ins, the oldest first.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn sign_ins(
        &self,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<SignIn>, AuthError> {
        Ok(self.store.sign_ins(caller.user, now).await?)
    }

    /// Ends one of the caller's sign-ins; false where there is none of that id.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn end_sign_in(
        &self,
        caller: &Caller,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<bool, AuthError> {
        let all = self.store.sign_ins(caller.user, now).await?;
        if all.iter().all(|one| one.id != sign_in) {
            return Ok(false);
        }
        self.store.revoke_device(caller.user, sign_in, None).await?;
        Ok(true)
    }

    /// Gives an account another password and signs it out everywhere. `None`: no such account.
    ///
    /// # Errors
    /// `Field` for a password that breaks a rule.
    pub async fn reset_password(
        &self,
        username: &str,
        password: String,
        now: Timestamp,
    ) -> Result<Option<User>, AuthError> {
        check_password(&password)?;
        let Some(found) = self.store.credentials(username).await? else {
            return Ok(None);
        };
        let hash = self.passwords.hash(password).await?;
        Ok(self.store.set_password(found.user.id, hash, now).await?)
    }

    /// Deletes an account. `None`: no such account.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn delete(&self, username: &str, now: Timestamp) -> Result<Option<User>, AuthError> {
        let Some(found) = self.store.credentials(username).await? else {
            return Ok(None);
        };
        let was_there = self.store.delete_user(found.user.id, now).await?;
        Ok(was_there.then_some(found.user))
    }

    /// Enables or disables an account. `None`: no such account.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn set_active(
        &self,
        username: &str,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, AuthError> {
        let Some(found) = self.store.credentials(username).await? else {
            return Ok(None);
        };
        Ok(self.store.set_active(found.user.id, is_active, now).await?)
    }
}

fn if_active(user: User) -> Result<User, AuthError> {
    if user.is_active {
        Ok(user)
    } else {
        Err(AuthError::Disabled)
    }
}
