//! Refresh-token families on sled. They belong to a user and are guarded by that user's lock, so
//! sign-ins of different users share one sync.

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    Family, NewFamily, Rotation, SignIn, StoreError, StoreErrorKind, TokenHash,
};
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::erase;
use crate::error::{Failure, Result};
use crate::key::Key;
use crate::record;
use crate::store::Inner;
use crate::values::{Entry, Values, WriteSet};

/// A family that is not revoked; a revoked one is removed.
#[derive(Serialize, Deserialize)]
struct FamilyRecord {
    sign_in: SignIn,
    /// Hash of the one refresh token that is good.
    current: TokenHash,
}

/// A family on its way out.
pub(crate) fn load(values: &Values, entry: &Entry) -> Result<Family> {
    let FamilyRecord { sign_in, current } = record::load(values, entry)?;
    Ok(Family {
        sign_in,
        token: current,
    })
}

/// Stores a family in place of the one of that id.
pub(crate) fn put(set: &mut WriteSet<'_>, family: Family) -> Result<()> {
    let Family { sign_in, token } = family;
    let key = Key::family(sign_in.user, sign_in.id);
    let record = FamilyRecord {
        sign_in,
        current: token,
    };
    record::put(set, &key, &record)
}

/// Removes the families of a user that `is_revoked` names; returns how many.
pub(crate) fn revoke_where(
    values: &Values,
    set: &mut WriteSet<'_>,
    user: UserId,
    is_revoked: impl Fn(&SignIn) -> bool,
) -> Result<u64> {
    let mut removed = 0;
    for entry in values.scan_prefix(&Key::families(user)) {
        let entry = entry?;
        if is_revoked(&record::load::<FamilyRecord>(values, &entry)?.sign_in) {
            set.remove_entry(&entry);
            removed += 1;
        }
    }
    Ok(removed)
}

/// The caller holds the user's lock alone.
pub(crate) fn create(inner: &Inner, family: NewFamily, now: Timestamp) -> Result<()> {
    erase::check_not_deleted(&inner.values, "create_family", family.user)?;
    let key = Key::family(family.user, family.id);
    if inner.values.contains(&key)? {
        // Ids are random, so this is a caller's defect; overwriting would sign somebody out.
        let message = format!("there is a sign-in {}", family.id.0);
        let error = StoreError::new(StoreErrorKind::AlreadyExists, "create_family", message);
        return Err(Failure::Decided(error));
    }
    let mut set = WriteSet::new(&inner.values);
    revoke_where(&inner.values, &mut set, family.user, |sign_in| {
        sign_in.expires_at <= now
    })?;
    let sign_in = SignIn {
        id: family.id,
        user: family.user,
        device_id: family.device_id,
        created_at: now,
        expires_at: family.expires_at,
    };
    let family = Family {
        sign_in,
        token: family.token,
    };
    put(&mut set, family)?;
    inner.journal.commit(set)
}

/// A refresh token that is presented, and the one that takes its place.
pub(crate) struct Presented {
    pub(crate) family: SignInId,
    pub(crate) user: UserId,
    pub(crate) token: TokenHash,
    pub(crate) next: TokenHash,
    pub(crate) expires_at: Timestamp,
}

/// The caller holds the user's lock alone.
pub(crate) fn rotate(inner: &Inner, presented: &Presented, now: Timestamp) -> Result<Rotation> {
    let key = Key::family(presented.user, presented.family);
    let found: Option<FamilyRecord> = record::get(&inner.values, &key)?;
    let Some(mut family) = found.filter(|family| family.sign_in.expires_at > now) else {
        return Ok(Rotation::Unknown);
    };
    let mut set = WriteSet::new(&inner.values);
    let rotation = if family.current == presented.token {
        family.current = presented.next;
        family.sign_in.expires_at = presented.expires_at;
        record::put(&mut set, &key, &family)?;
        Rotation::Rotated(family.sign_in)
    } else {
        set.remove(&key)?;
        Rotation::Reused
    };
    inner.journal.commit(set)?;
    Ok(rotation)
}

/// The caller holds the user's lock alone.
pub(crate) fn revoke_device(
    inner: &Inner,
    user: UserId,
    sign_in: SignInId,
    device_id: Option<&str>,
) -> Result<()> {
    let mut set = WriteSet::reclaiming(&inner.values);
    revoke_where(&inner.values, &mut set, user, |found| {
        found.id == sign_in || (device_id.is_some() && found.device_id.as_deref() == device_id)
    })?;
    inner.journal.commit(set)
}

/// When a sign-in expires; `None` where it is revoked.
pub(crate) fn expires_at(
    values: &Values,
    user: UserId,
    sign_in: SignInId,
) -> Result<Option<Timestamp>> {
    let found: Option<FamilyRecord> = record::get(values, &Key::family(user, sign_in))?;
    Ok(found.map(|family| family.sign_in.expires_at))
}

/// A user's live sign-ins, the oldest first. The caller shares the user's lock.
pub(crate) fn sign_ins(inner: &Inner, user: UserId, now: Timestamp) -> Result<Vec<SignIn>> {
    let mut sign_ins = Vec::new();
    for entry in inner.values.scan_prefix(&Key::families(user)) {
        let FamilyRecord { sign_in, .. } = record::load(&inner.values, &entry?)?;
        if sign_in.expires_at > now {
            sign_ins.push(sign_in);
        }
    }
    sign_ins.sort_by_key(|sign_in| (sign_in.created_at, sign_in.id));
    Ok(sign_ins)
}
