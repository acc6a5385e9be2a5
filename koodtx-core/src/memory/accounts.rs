//! Accounts and sign-ins in the memory store.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::id::{SignInId, UserId};
use crate::store::{
    AccountStore, Credentials, DeletedUser, Family, NameHash, NewFamily, NewUser, Rotation, SignIn,
    StoreError, StoreErrorKind, Taken, TokenHash, TokenHolder, User, UserPage, fold_name,
    name_hash,
};
use crate::time::Timestamp;

/// All accounts and their sign-ins.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: BTreeMap<UserId, Credentials>,
    /// Who holds a name; one map for each thing that is unique. Usernames stay when their account is
    /// deleted.
    usernames: BTreeMap<NameHash, UserId>,
    emails: BTreeMap<String, UserId>,
    devices: BTreeMap<String, UserId>,
    /// What is left of accounts that were deleted.
    deleted: BTreeMap<UserId, DeletedUser>,
    /// The families that are not revoked. A revoked one is forgotten: both are unknown to `rotate`.
    families: BTreeMap<SignInId, Family>,
}

impl Accounts {
    /// How many accounts there are.
    pub(super) fn count(&self) -> u64 {
        self.users.len() as u64
    }

    fn taken(&self, user: &NewUser) -> Option<Taken> {
        let device = user.device_id.as_ref();
        if self.usernames.contains_key(&name_hash(&user.username)) {
            Some(Taken::Username)
        } else if self.emails.contains_key(&fold_name(&user.email)) {
            Some(Taken::Email)
        } else if device.is_some_and(|device| self.devices.contains_key(device)) {
            Some(Taken::Device)
        } else {
            None
        }
    }

    fn create(&mut self, new: NewUser, now: Timestamp) -> User {
        let lasts = [
            self.users.last_key_value().map(|(last, _)| last.0),
            self.deleted.last_key_value().map(|(last, _)| last.0),
        ];
        let id = UserId(1 + lasts.into_iter().flatten().max().unwrap_or(0));
        self.usernames.insert(name_hash(&new.username), id);
        self.emails.insert(fold_name(&new.email), id);
        if let Some(device) = &new.device_id {
            self.devices.insert(device.clone(), id);
        }
        let user = User {
            id,
            username: new.username,
            email: new.email,
            device_id: new.device_id,
            is_active: true,
            created_at: now,
            updated_at: now,
        };
        let credentials = Credentials {
            user: user.clone(),
            password_hash: new.password_hash,
        };
        self.users.insert(id, credentials);
        user
    }

    /// The account of that id.
    pub(super) fn of(&self, user: UserId) -> Option<&Credentials> {
        self.users.get(&user)
    }

    /// A user's sign-ins, ordered by id.
    pub(super) fn families_of(&self, user: UserId) -> impl Iterator<Item = &Family> {
        self.families
            .values()
            .filter(move |family| family.sign_in.user == user)
    }

    /// Everybody who has an account or a sign-in, or had an account, in no order.
    pub(super) fn owners(&self) -> impl Iterator<Item = UserId> {
        let signed_in = self.families.values().map(|family| family.sign_in.user);
        let users = self.users.keys().chain(self.deleted.keys());
        users.copied().chain(signed_in)
    }

    /// What is left of the account of that id, where it was deleted.
    pub(super) fn deletion(&self, user: UserId) -> Option<&DeletedUser> {
        self.deleted.get(&user)
    }

    /// Fails where the account of that id was deleted.
    pub(super) fn check_not_deleted(
        &self,
        operation: &'static str,
        user: UserId,
    ) -> Result<(), StoreError> {
        match self.deletion(user) {
            Some(_) => Err(StoreError::user_deleted(operation, user)),
            None => Ok(()),
        }
    }

    /// Takes an account away with all that is its alone. The caller sees to its username.
    fn remove(&mut self, id: UserId) {
        if let Some(Credentials { user: before, .. }) = self.users.remove(&id) {
            self.emails.remove(&fold_name(&before.email));
            self.devices.retain(|_, owner| *owner != id);
        }
        self.revoke(|sign_in| sign_in.user == id);
    }

    /// Deletes an account; says whether there was one.
    fn delete(&mut self, id: UserId, now: Timestamp) -> bool {
        let Some(account) = self.users.get(&id) else {
            return false;
        };
        let deleted = DeletedUser {
            id,
            username: name_hash(&account.user.username),
            deleted_at: now,
        };
        self.remove(id);
        self.deleted.insert(id, deleted);
        true
    }

    /// Stores the deletion of an account in place of what there is of that id, or says that another one
    /// has its name.
    pub(super) fn put_deleted(&mut self, deleted: DeletedUser) -> Result<(), Taken> {
        let (id, username) = (deleted.id, deleted.username);
        if self
            .usernames
            .get(&username)
            .is_some_and(|owner| *owner != id)
        {
            return Err(Taken::Username);
        }
        self.remove(id);
        self.usernames.retain(|_, owner| *owner != id);
        self.usernames.insert(username, id);
        self.deleted.insert(id, deleted);
        Ok(())
    }

    /// Stores an account in place of the one of that id, or says what another one has taken.
    pub(super) fn put(&mut self, account: Credentials) -> Result<(), Taken> {
        let user = &account.user;
        let (username, email) = (name_hash(&user.username), fold_name(&user.email));
        let is_another = |owner: Option<&UserId>| owner.is_some_and(|owner| *owner != user.id);
        let device = user.device_id.as_ref();
        if is_another(self.usernames.get(&username)) {
            return Err(Taken::Username);
        }
        if is_another(self.emails.get(&email)) {
            return Err(Taken::Email);
        }
        if is_another(device.and_then(|device| self.devices.get(device))) {
            return Err(Taken::Device);
        }
        if let Some(Credentials { user: before, .. }) = self.users.get(&user.id) {
            self.usernames.remove(&name_hash(&before.username));
            self.emails.remove(&fold_name(&before.email));
            self.devices.retain(|_, owner| *owner != before.id);
        }
        self.usernames.insert(username, user.id);
        self.emails.insert(email, user.id);
        self.devices
            .extend(device.map(|device| (device.clone(), user.id)));
        self.users.insert(user.id, account);
        Ok(())
    }

    /// Stores a sign-in in place of the one of that id.
    pub(super) fn put_family(&mut self, family: Family) {
        self.families.insert(family.sign_in.id, family);
    }

    pub(super) fn revoke(&mut self, is_revoked: impl Fn(&SignIn) -> bool) {
        self.families
            .retain(|_, family| !is_revoked(&family.sign_in));
    }
}

#[async_trait]
impl AccountStore for MemoryStore {
    async fn create_user(
        &self,
        user: NewUser,
        now: Timestamp,
    ) -> Result<Result<User, Taken>, StoreError> {
        // One lock from the check to the insert, or two calls could both find the name free.
        let accounts = &mut self.state.lock().accounts;
        Ok(match accounts.taken(&user) {
            Some(taken) => Err(taken),
            None => Ok(accounts.create(user, now)),
        })
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let accounts = &self.state.lock().accounts;
        Ok(accounts
            .users
            .get(&id)
            .map(|credentials| credentials.user.clone()))
    }

    async fn token_holder(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, StoreError> {
        let accounts = &self.state.lock().accounts;
        let family = accounts.families.get(&sign_in);
        let is_live = |found: &SignIn| found.user == user && found.expires_at > now;
        Ok(accounts.users.get(&user).map(|account| TokenHolder {
            user: account.user.clone(),
            is_signed_in: family.is_some_and(|family| is_live(&family.sign_in)),
        }))
    }

    async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        let accounts = &self.state.lock().accounts;
        let id = accounts.usernames.get(&name_hash(username));
        Ok(id.and_then(|id| accounts.users.get(id)).cloned())
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, StoreError> {
        let accounts = &self.state.lock().accounts;
        let mut behind = accounts
            .users
            .values()
            .map(|credentials| &credentials.user)
            .filter(|user| after.is_none_or(|after| user.id > after));
        let users = behind.by_ref().take(limit).cloned().collect();
        Ok(UserPage {
            users,
            has_more: behind.next().is_some(),
        })
    }

    async fn set_active(
        &self,
        id: UserId,
        is_active: bool,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let accounts = &mut self.state.lock().accounts;
        let Some(Credentials { user, .. }) = accounts.users.get_mut(&id) else {
            return Ok(None);
        };
        if user.is_active != is_active {
            user.is_active = is_active;
            user.updated_at = now;
        }
        let user = user.clone();
        if !is_active {
            accounts.revoke(|sign_in| sign_in.user == id);
        }
        Ok(Some(user))
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: String,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let accounts = &mut self.state.lock().accounts;
        let Some(credentials) = accounts.users.get_mut(&id) else {
            return Ok(None);
        };
        credentials.password_hash = password_hash;
        credentials.user.updated_at = now;
        let user = credentials.user.clone();
        accounts.revoke(|sign_in| sign_in.user == id);
        Ok(Some(user))
    }

    async fn delete_user(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        let state = &mut *self.state.lock();
        let was_there = state.accounts.delete(id, now);
        if was_there {
            // Here nothing is left to be erased.
            state.users.remove(&id);
        }
        Ok(was_there)
    }

    async fn create_family(&self, family: NewFamily, now: Timestamp) -> Result<(), StoreError> {
        let accounts = &mut self.state.lock().accounts;
        accounts.check_not_deleted("create_family", family.user)?;
        if accounts.families.contains_key(&family.id) {
            // Ids are random, so this is a caller's defect; overwriting would sign somebody out.
            let message = format!("there is a sign-in {}", family.id.0);
            return Err(StoreError::new(
                StoreErrorKind::AlreadyExists,
                "create_family",
                message,
            ));
        }
        // The one place where families come to be is where expired ones can go.
        accounts.revoke(|sign_in| sign_in.user == family.user && sign_in.expires_at <= now);
        let sign_in = SignIn {
            id: family.id,
            user: family.user,
            device_id: family.device_id,
            created_at: now,
            expires_at: family.expires_at,
        };
        accounts.families.insert(
            family.id,
            Family {
                sign_in,
                token: family.token,
            },
        );
        Ok(())
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
        let accounts = &mut self.state.lock().accounts;
        let found = accounts
            .families
            .get_mut(&family)
            .filter(|found| found.sign_in.user == user && found.sign_in.expires_at > now);
        let Some(found) = found else {
            return Ok(Rotation::Unknown);
        };
        if found.token != presented {
            accounts.families.remove(&family);
            return Ok(Rotation::Reused);
        }
        found.token = next;
        found.sign_in.expires_at = expires_at;
        Ok(Rotation::Rotated(found.sign_in.clone()))
    }

    async fn revoke_device(
        &self,
        user: UserId,
        sign_in: SignInId,
        device_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let same_device =
            |found: &SignIn| device_id.is_some() && found.device_id.as_deref() == device_id;
        let accounts = &mut self.state.lock().accounts;
        accounts.revoke(|found| found.user == user && (found.id == sign_in || same_device(found)));
        Ok(())
    }

    async fn sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, StoreError> {
        let accounts = &self.state.lock().accounts;
        let mut sign_ins: Vec<_> = accounts
            .families
            .values()
            .map(|family| &family.sign_in)
            .filter(|sign_in| sign_in.user == user && sign_in.expires_at > now)
            .cloned()
            .collect();
        sign_ins.sort_by_key(|sign_in| (sign_in.created_at, sign_in.id));
        Ok(sign_ins)
    }
}
