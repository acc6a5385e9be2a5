//! Defects of sign-ins.

use koodtx_core::id::UserId;
use koodtx_core::store::{NewFamily, Rotation, SignIn};
use koodtx_core::time::Timestamp;

use super::broken::{HONEST, Hooks};
use super::inner::{Answer, Inner, Rotate};
use super::saboteur::{Saboteur, saboteur};

fn note_family(inner: &Inner, family: NewFamily, now: Timestamp) -> Answer<()> {
    inner
        .notes
        .lock()
        .families
        .insert(family.id, family.clone());
    inner.create_family(family, now)
}

/// Brings back what a change of the account has just revoked.
fn restore(inner: &Inner, user: UserId, before: &[SignIn]) -> Answer<()> {
    let notes = inner.notes.lock();
    for sign_in in before.iter().filter(|sign_in| sign_in.user == user) {
        if let Some(family) = notes.families.get(&sign_in.id) {
            inner.create_family(family.clone(), sign_in.created_at)?;
        }
    }
    Ok(())
}

fn sign_in(inner: &Inner, call: &Rotate) -> Answer<Option<SignIn>> {
    let all = inner.sign_ins(call.user, Timestamp::ZERO)?;
    Ok(all.into_iter().find(|sign_in| sign_in.id == call.family))
}

pub const SIGN_INS: &[Saboteur] = &[
    saboteur(
        "sign-ins are listed by id",
        Hooks {
            sign_ins: |inner, user, now| {
                let mut sign_ins = inner.sign_ins(user, now)?;
                sign_ins.sort_by_key(|sign_in| sign_in.id);
                Ok(sign_ins)
            },
            ..HONEST
        },
        &["sign_ins_are_listed_oldest_first"],
    ),
    saboteur(
        "a rotation does not prolong the sign-in",
        Hooks {
            rotate: |inner, call| {
                let expires_at = sign_in(inner, &call)?.map_or(call.expires_at, |s| s.expires_at);
                inner.rotate(Rotate { expires_at, ..call })
            },
            ..HONEST
        },
        &["the_current_token_rotates"],
    ),
    saboteur(
        "a reused token is refused, and its family goes on",
        Hooks {
            create_family: note_family,
            rotate: |inner, call| {
                let mut notes = inner.notes.lock();
                let current = notes.families.get(&call.family).map(|family| family.token);
                let is_live = sign_in(inner, &call)?.is_some_and(|s| s.expires_at > call.now);
                if is_live && current != Some(call.presented) {
                    return Ok(Rotation::Reused);
                }
                let rotation = inner.rotate(call)?;
                if let (Rotation::Rotated(_), Some(family)) =
                    (&rotation, notes.families.get_mut(&call.family))
                {
                    family.token = call.next;
                }
                Ok(rotation)
            },
            ..HONEST
        },
        &[
            "a_reused_token_revokes_its_family",
            "a_token_ends_with_its_sign_in",
            "of_rotations_at_once_one_succeeds",
        ],
    ),
    saboteur(
        "a family that never was is taken for a copied one",
        Hooks {
            create_family: note_family,
            rotate: |inner, call| {
                let is_known = inner.notes.lock().families.contains_key(&call.family);
                let rotation = inner.rotate(call)?;
                Ok(if is_known { rotation } else { Rotation::Reused })
            },
            ..HONEST
        },
        &["an_unknown_family_is_unknown"],
    ),
    saboteur(
        "expired sign-ins are listed",
        Hooks {
            sign_ins: |inner, user, _| inner.sign_ins(user, Timestamp::ZERO),
            ..HONEST
        },
        &["an_expired_sign_in_is_over"],
    ),
    saboteur(
        "expired tokens rotate",
        Hooks {
            rotate: |inner, call| {
                inner.rotate(Rotate {
                    now: Timestamp::ZERO,
                    ..call
                })
            },
            ..HONEST
        },
        &["an_expired_sign_in_is_over"],
    ),
    saboteur(
        "signing out ends one sign-in of the device only",
        Hooks {
            revoke: |inner, user, id, _| inner.revoke(user, id, None),
            ..HONEST
        },
        &["signing_out_ends_the_devices_sign_ins"],
    ),
    saboteur(
        "signing out without a device ends all sign-ins without one",
        Hooks {
            revoke: |inner, user, id, device| {
                for other in inner.sign_ins(user, Timestamp::ZERO)? {
                    if device.is_none() && other.device_id.is_none() {
                        inner.revoke(user, other.id, None)?;
                    }
                }
                inner.revoke(user, id, device)
            },
            ..HONEST
        },
        &["signing_out_ends_the_devices_sign_ins"],
    ),
    saboteur(
        "a disabled account keeps its sign-ins",
        Hooks {
            create_family: note_family,
            set_active: |inner, id, active, now| {
                let before = inner.sign_ins(id, Timestamp::ZERO)?;
                let changed = inner.set_active(id, active, now)?;
                if !active {
                    restore(inner, id, &before)?;
                }
                Ok(changed)
            },
            ..HONEST
        },
        &[
            "disabling_ends_all_sign_ins",
            "a_token_ends_with_its_sign_in",
            "accounts_and_sign_ins_are_there_again",
        ],
    ),
    saboteur(
        "a new password leaves sign-ins as they are",
        Hooks {
            create_family: note_family,
            set_password: |inner, id, hash, now| {
                let before = inner.sign_ins(id, Timestamp::ZERO)?;
                let changed = inner.set_password(id, hash, now)?;
                restore(inner, id, &before)?;
                Ok(changed)
            },
            ..HONEST
        },
        &[
            "a_new_password_ends_all_sign_ins",
            "a_token_ends_with_its_sign_in",
        ],
    ),
    saboteur(
        "anybody can end a sign-in whose id they know",
        Hooks {
            create_family: note_family,
            revoke: |inner, user, id, device| {
                let owner = inner
                    .notes
                    .lock()
                    .families
                    .get(&id)
                    .map(|family| family.user);
                inner.revoke(owner.unwrap_or(user), id, device)
            },
            ..HONEST
        },
        &["sign_ins_belong_to_their_user"],
    ),
    saboteur(
        "a token outlives its sign-in",
        Hooks {
            token_holder: |inner, user, sign_in, now| {
                let holder = inner.token_holder(user, sign_in, now)?;
                Ok(holder.map(|mut holder| {
                    holder.is_signed_in = true;
                    holder
                }))
            },
            ..HONEST
        },
        &["a_token_ends_with_its_sign_in"],
    ),
    saboteur(
        "a token outlives the expiry of its sign-in",
        Hooks {
            token_holder: |inner, user, sign_in, _| {
                inner.token_holder(user, sign_in, Timestamp::ZERO)
            },
            ..HONEST
        },
        &["a_token_ends_with_its_sign_in"],
    ),
    saboteur(
        "a token ends when it is refreshed",
        Hooks {
            create_family: note_family,
            rotate: |inner, call| {
                inner.notes.lock().families.remove(&call.family);
                inner.rotate(call)
            },
            token_holder: |inner, user, sign_in, now| {
                let is_fresh = inner.notes.lock().families.contains_key(&sign_in);
                let holder = inner.token_holder(user, sign_in, now)?;
                Ok(holder.map(|mut holder| {
                    holder.is_signed_in &= is_fresh;
                    holder
                }))
            },
            ..HONEST
        },
        &["a_token_ends_with_its_sign_in"],
    ),
    saboteur(
        "anybody can use a token that they have",
        Hooks {
            create_family: note_family,
            rotate: |inner, call| {
                let owner = inner
                    .notes
                    .lock()
                    .families
                    .get(&call.family)
                    .map(|family| family.user);
                inner.rotate(Rotate {
                    user: owner.unwrap_or(call.user),
                    ..call
                })
            },
            ..HONEST
        },
        &["sign_ins_belong_to_their_user"],
    ),
];
