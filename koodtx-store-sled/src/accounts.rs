//! Accounts on sled.

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    Credentials, NameHash, NewUser, Taken, TokenHolder, User, UserPage, fold_name, name_hash,
};
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::erase;
use crate::error::{Failure, Result};
use crate::families;
use crate::key::{Key, Table};
use crate::record;
use crate::store::Inner;
use crate::values::{Values, WriteSet};

/// An account as it is kept.
#[derive(Serialize, Deserialize)]
struct AccountRecord {
    user: User,
    password_hash: String,
}

/// The key of a unique text. Hashed, since folding can make a name 50 times as long, and a key of
/// that length would spoil the pages it lies in.
fn unique_key(table: Table, text: &str) -> Key {
    Key::hashed(table, Sha256::digest(text.as_bytes()).into())
}

/// The key of a username.
pub(crate) fn username_key(hash: NameHash) -> Key {
    Key::hashed(Table::Username, hash)
}

/// The keys under which an account is found, in the order in which they are said to be taken.
fn names(user: &User) -> Vec<(Key, Taken)> {
    let username = username_key(name_hash(&user.username));
    let email = unique_key(Table::Email, &fold_name(&user.email));
    let device = user
        .device_id
        .as_ref()
        .map(|device| (unique_key(Table::Device, device), Taken::Device));
    [(username, Taken::Username), (email, Taken::Email)]
        .into_iter()
        .chain(device)
        .collect()
}

/// Stores an account in place of the one of that id, or says what another one has taken.
pub(crate) fn put(
    values: &Values,
    set: &mut WriteSet<'_>,
    account: Credentials,
) -> Result<Result<(), Taken>> {
    let id = account.user.id;
    let names = names(&account.user);
    for (key, taken) in &names {
        if record::get::<UserId>(values, key)?.is_some_and(|owner| owner != id) {
            return Ok(Err(*taken));
        }
    }
    if let Some(before) = read(values, id)? {
        for (key, _) in self::names(&before.user) {
            set.remove(&key)?;
        }
    }
    for (key, _) in &names {
        record::put(set, key, &id)?;
    }
    let account = AccountRecord {
        user: account.user,
        password_hash: account.password_hash,
    };
    record::put(set, &Key::account(id), &account)?;
    Ok(Ok(()))
}

/// Takes an account away with all its names.
pub(crate) fn remove(values: &Values, set: &mut WriteSet<'_>, id: UserId) -> Result<()> {
    if let Some(account) = read(values, id)? {
        for (key, _) in names(&account.user) {
            set.remove(&key)?;
        }
        set.remove(&Key::account(id))?;
    }
    Ok(())
}

/// An account with its password hash.
pub(crate) fn account(values: &Values, id: UserId) -> Result<Option<Credentials>> {
    Ok(read(values, id)?.map(|account| Credentials {
        user: account.user,
        password_hash: account.password_hash,
    }))
}

/// The caller holds the lock of the accounts alone.
pub(crate) fn create(inner: &Inner, new: NewUser, now: Timestamp) -> Result<Result<User, Taken>> {
    let last = inner
        .values
        .scan_prefix(&Key::table(Table::Account))
        .next_back()
        .transpose()?;
    let last = last
        .map(|entry| record::load::<AccountRecord>(&inner.values, &entry))
        .transpose()?;
    let lasts = [
        last.map(|last| last.user.id.0),
        erase::last(&inner.values)?.map(|last| last.0),
    ];
    let id = UserId(1 + lasts.into_iter().flatten().max().unwrap_or(0));
    let user = User {
        id,
        username: new.username,
        email: new.email,
        device_id: new.device_id,
        is_active: true,
        created_at: now,
        updated_at: now,
    };
    let names = names(&user);
    for (key, taken) in &names {
        if inner.values.contains(key)? {
            return Ok(Err(*taken));
        }
    }
    let mut set = WriteSet::new(&inner.values);
    for (key, _) in &names {
        record::put(&mut set, key, &id)?;
    }
    let account = AccountRecord {
        user,
        password_hash: new.password_hash,
    };
    record::put(&mut set, &Key::account(id), &account)?;
    inner.journal.commit(set)?;
    Ok(Ok(account.user))
}

fn read(values: &Values, id: UserId) -> Result<Option<AccountRecord>> {
    record::get(values, &Key::account(id))
}

pub(crate) fn user(inner: &Inner, id: UserId) -> Result<Option<User>> {
    Ok(read(&inner.values, id)?.map(|account| account.user))
}

/// The caller shares the lock of the accounts. That of the user is left to those who sync: a family is
/// one key, so it is read whole without it.
pub(crate) fn token_holder(
    inner: &Inner,
    id: UserId,
    sign_in: SignInId,
    now: Timestamp,
) -> Result<Option<TokenHolder>> {
    let holders = inner.journal.holders();
    let version = holders.version();
    let Some(AccountRecord { user, .. }) = read(&inner.values, id)? else {
        return Ok(None);
    };
    let expires_at = families::expires_at(&inner.values, id, sign_in)?;
    if let Some(expires_at) = expires_at {
        holders.remember(version, &user, sign_in, expires_at);
    }
    Ok(Some(TokenHolder {
        user,
        is_signed_in: expires_at.is_some_and(|expires_at| expires_at > now),
    }))
}

pub(crate) fn credentials(inner: &Inner, username: &str) -> Result<Option<Credentials>> {
    let key = username_key(name_hash(username));
    let Some(id) = record::get(&inner.values, &key)? else {
        return Ok(None);
    };
    match account(&inner.values, id)? {
        Some(account) => Ok(Some(account)),
        None if erase::is_deleted(&inner.values, id)? => Ok(None),
        None => Err(Failure::corrupt(format!(
            "the account {id} has a name and is missing"
        ))),
    }
}

pub(crate) fn users(inner: &Inner, after: Option<UserId>, limit: usize) -> Result<UserPage> {
    let table = Key::table(Table::Account);
    let from = after.map_or_else(|| table.clone(), |after| Key::account(after).end());
    let mut behind = inner.values.scan(&from, &table.end());
    let users = behind
        .by_ref()
        .take(limit)
        .map(|entry| Ok(record::load::<AccountRecord>(&inner.values, &entry?)?.user))
        .collect::<Result<_>>()?;
    Ok(UserPage {
        users,
        has_more: behind.next().transpose()?.is_some(),
    })
}

pub(crate) fn count(values: &Values) -> Result<u64> {
    let mut count = 0;
    for entry in values.scan_prefix(&Key::table(Table::Account)) {
        entry?;
        count += 1;
    }
    Ok(count)
}

/// The caller holds the locks of the accounts and of the user alone.
pub(crate) fn set_active(
    inner: &Inner,
    id: UserId,
    is_active: bool,
    now: Timestamp,
) -> Result<Option<User>> {
    let Some(mut account) = read(&inner.values, id)? else {
        return Ok(None);
    };
    let mut set = WriteSet::new(&inner.values);
    if account.user.is_active != is_active {
        account.user.is_active = is_active;
        account.user.updated_at = now;
        record::put(&mut set, &Key::account(id), &account)?;
    }
    if !is_active {
        families::revoke_where(&inner.values, &mut set, id, |_| true)?;
    }
    inner.journal.commit(set)?;
    Ok(Some(account.user))
}

/// The caller holds the locks of the accounts and of the user alone.
pub(crate) fn set_password(
    inner: &Inner,
    id: UserId,
    password_hash: String,
    now: Timestamp,
) -> Result<Option<User>> {
    let Some(mut account) = read(&inner.values, id)? else {
        return Ok(None);
    };
    account.password_hash = password_hash;
    account.user.updated_at = now;
    let mut set = WriteSet::new(&inner.values);
    record::put(&mut set, &Key::account(id), &account)?;
    families::revoke_where(&inner.values, &mut set, id, |_| true)?;
    inner.journal.commit(set)?;
    Ok(Some(account.user))
}
