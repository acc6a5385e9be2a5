//! Sign-ins: families of refresh tokens.

use uuid::Uuid;

use super::accounts::register;
use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure_eq};
use crate::conformance::script::NOON;
use crate::id::{SignInId, UserId};
use crate::store::{NewFamily, Rotation, SignIn, TokenHash, TokenHolder};
use crate::time::Timestamp;

pub(super) const FIRST: TokenHash = [1; 32];
pub(super) const SECOND: TokenHash = [2; 32];
const THIRD: TokenHash = [3; 32];
/// Late enough for everything that a check does.
const EXPIRY: Timestamp = NOON.plus_micros(3_600_000_000);

pub(super) const fn sign_in_id(number: u128) -> SignInId {
    SignInId(Uuid::from_u128(number))
}

/// Signs a user in on a device, with the token [`FIRST`].
pub(super) async fn sign_in(
    h: &Harness,
    user: UserId,
    number: u128,
    device: Option<&str>,
) -> Outcome<SignIn> {
    let (id, device_id, created_at) = (sign_in_id(number), device.map(str::to_owned), h.now());
    let family = NewFamily {
        id,
        user,
        device_id: device_id.clone(),
        token: FIRST,
        expires_at: EXPIRY,
    };
    h.accounts()?.create_family(family, created_at).await?;
    Ok(SignIn {
        id,
        user,
        device_id,
        created_at,
        expires_at: EXPIRY,
    })
}

/// Presents a token of a family, for the next one.
pub(super) async fn rotate(
    h: &Harness,
    user: UserId,
    number: u128,
    presented: TokenHash,
    next: TokenHash,
) -> Outcome<Rotation> {
    let (id, now) = (sign_in_id(number), h.now());
    Ok(h.accounts()?
        .rotate(id, user, presented, next, EXPIRY, now)
        .await?)
}

/// The numbers of a user's live sign-ins.
pub(super) async fn live(h: &Harness, user: UserId) -> Outcome<Vec<u128>> {
    let sign_ins = h.accounts()?.sign_ins(user, h.now()).await?;
    Ok(sign_ins
        .iter()
        .map(|sign_in| sign_in.id.0.as_u128())
        .collect())
}

fn expect_rotated(rotation: &Rotation) -> Outcome<&SignIn> {
    match rotation {
        Rotation::Rotated(sign_in) => Ok(sign_in),
        other => Err(Failure::new(format!(
            "the current token should rotate, and gave {other:?}"
        ))),
    }
}

/// A sign-in shows until it ends, the oldest first.
pub(crate) async fn sign_ins_are_listed_oldest_first(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    let mut expected = Vec::new();
    for (number, device) in [(3, Some("phone")), (1, None), (2, Some("phone"))] {
        expected.push(sign_in(h, ann, number, device).await?);
    }
    ensure_eq!(
        h.accounts()?.sign_ins(ann, h.now()).await?,
        expected,
        "sign-ins"
    );
    Ok(())
}

/// The current token is exchanged for the next, again and again.
pub(crate) async fn the_current_token_rotates(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    let created = sign_in(h, ann, 1, Some("phone")).await?;
    let later = EXPIRY.plus_micros(7);
    let rotation = h
        .accounts()?
        .rotate(created.id, ann, FIRST, SECOND, later, h.now())
        .await?;
    let expected = SignIn {
        expires_at: later,
        ..created
    };
    ensure_eq!(
        expect_rotated(&rotation)?,
        &expected,
        "the sign-in after a rotation"
    );
    ensure_eq!(
        h.accounts()?.sign_ins(ann, h.now()).await?,
        [expected],
        "the sign-ins"
    );
    expect_rotated(&rotate(h, ann, 1, SECOND, THIRD).await?)?;
    Ok(())
}

/// A token that was used before revokes its family: somebody has a copy.
pub(crate) async fn a_reused_token_revokes_its_family(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    for number in [1, 2] {
        sign_in(h, ann, number, Some("phone")).await?;
    }
    rotate(h, ann, 1, FIRST, SECOND).await?;
    ensure_eq!(
        rotate(h, ann, 1, FIRST, THIRD).await?,
        Rotation::Reused,
        "the old token"
    );
    let current = rotate(h, ann, 1, SECOND, THIRD).await?;
    ensure_eq!(
        current,
        Rotation::Unknown,
        "the current token of the revoked family"
    );
    ensure_eq!(live(h, ann).await?, [2], "live sign-ins");
    Ok(())
}

/// A family that does not exist is unknown, and nothing else happens.
pub(crate) async fn an_unknown_family_is_unknown(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    sign_in(h, ann, 1, None).await?;
    ensure_eq!(
        rotate(h, ann, 2, FIRST, SECOND).await?,
        Rotation::Unknown,
        "an unknown family"
    );
    ensure_eq!(live(h, ann).await?, [1], "live sign-ins");
    Ok(())
}

/// An expired sign-in does not show and does not rotate.
pub(crate) async fn an_expired_sign_in_is_over(h: &Harness) -> Outcome {
    let accounts = h.accounts()?;
    let ann = register(h, "ann", None).await?.id;
    sign_in(h, ann, 1, None).await?;
    let just_before = EXPIRY.plus_micros(-1);
    ensure_eq!(
        accounts.sign_ins(ann, just_before).await?.len(),
        1,
        "sign-ins before the expiry"
    );
    ensure_eq!(
        accounts.sign_ins(ann, EXPIRY).await?,
        [],
        "sign-ins at the expiry"
    );
    let late = EXPIRY.plus_micros(1_000_000);
    let rotation = accounts
        .rotate(sign_in_id(1), ann, FIRST, SECOND, late, EXPIRY)
        .await?;
    ensure_eq!(rotation, Rotation::Unknown, "a token at its expiry");
    Ok(())
}

/// Signing out ends all sign-ins of the user on that device, and no other.
pub(crate) async fn signing_out_ends_the_devices_sign_ins(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    for (number, device) in [
        (1, Some("phone")),
        (2, Some("phone")),
        (3, Some("watch")),
        (4, None),
        (5, None),
    ] {
        sign_in(h, ann, number, device).await?;
    }
    let accounts = h.accounts()?;
    accounts
        .revoke_device(ann, sign_in_id(1), Some("phone"))
        .await?;
    ensure_eq!(
        live(h, ann).await?,
        [3, 4, 5],
        "live sign-ins after the phone signed out"
    );
    accounts.revoke_device(ann, sign_in_id(4), None).await?;
    ensure_eq!(
        live(h, ann).await?,
        [3, 5],
        "live sign-ins after one without a device did"
    );
    let rotation = rotate(h, ann, 2, FIRST, SECOND).await?;
    ensure_eq!(rotation, Rotation::Unknown, "a token of the phone");
    // The sign-in itself ends also where the device has another name by now.
    accounts
        .revoke_device(ann, sign_in_id(3), Some("phone"))
        .await?;
    ensure_eq!(live(h, ann).await?, [5], "live sign-ins at the end");
    Ok(())
}

/// Disabling an account ends all its sign-ins; enabling it does not bring them back.
pub(crate) async fn disabling_ends_all_sign_ins(h: &Harness) -> Outcome {
    let (ann, ben) = (
        register(h, "ann", None).await?.id,
        register(h, "ben", None).await?.id,
    );
    for (number, user) in [(1, ann), (2, ann), (3, ben)] {
        sign_in(h, user, number, None).await?;
    }
    for is_active in [false, true] {
        h.accounts()?.set_active(ann, is_active, h.now()).await?;
        ensure_eq!(
            live(h, ann).await?,
            [],
            "live sign-ins with is_active {is_active}"
        );
    }
    ensure_eq!(live(h, ben).await?, [3], "live sign-ins of another");
    ensure_eq!(
        rotate(h, ann, 1, FIRST, SECOND).await?,
        Rotation::Unknown,
        "a token from before"
    );
    Ok(())
}

/// A new password ends all sign-ins of the account.
pub(crate) async fn a_new_password_ends_all_sign_ins(h: &Harness) -> Outcome {
    let (ann, ben) = (
        register(h, "ann", None).await?.id,
        register(h, "ben", None).await?.id,
    );
    for (number, user) in [(1, ann), (2, ann), (3, ben)] {
        sign_in(h, user, number, None).await?;
    }
    h.accounts()?
        .set_password(ann, "new".to_owned(), h.now())
        .await?;
    ensure_eq!(live(h, ann).await?, [], "live sign-ins");
    ensure_eq!(live(h, ben).await?, [3], "live sign-ins of another");
    Ok(())
}

/// Nobody can use, end or see another's sign-in.
pub(crate) async fn sign_ins_belong_to_their_user(h: &Harness) -> Outcome {
    let (ann, ben) = (
        register(h, "ann", None).await?.id,
        register(h, "ben", None).await?.id,
    );
    sign_in(h, ann, 1, Some("shared")).await?;
    ensure_eq!(live(h, ben).await?, [], "another's sign-ins");
    for token in [FIRST, SECOND] {
        let rotation = rotate(h, ben, 1, token, THIRD).await?;
        ensure_eq!(rotation, Rotation::Unknown, "another's token");
    }
    h.accounts()?
        .revoke_device(ben, sign_in_id(1), Some("shared"))
        .await?;
    ensure_eq!(live(h, ann).await?, [1], "the owner's sign-ins");
    expect_rotated(&rotate(h, ann, 1, FIRST, SECOND).await?)?;
    Ok(())
}

/// Whether a token of that sign-in is good at a time; none where there is no account.
async fn is_good(h: &Harness, user: UserId, number: u128, at: Timestamp) -> Outcome<Option<bool>> {
    let holder = h
        .accounts()?
        .token_holder(user, sign_in_id(number), at)
        .await?;
    Ok(holder.map(|holder| holder.is_signed_in))
}

/// A token is good for its user, until its sign-in is revoked or expires, and no longer.
pub(crate) async fn a_token_ends_with_its_sign_in(h: &Harness) -> Outcome {
    let (ann, ben) = (
        register(h, "ann", Some("phone")).await?,
        register(h, "ben", None).await?,
    );
    for (number, device) in [(1, "phone"), (2, "watch"), (3, "tablet"), (4, "car")] {
        sign_in(h, ann.id, number, Some(device)).await?;
    }
    let accounts = h.accounts()?;
    let holder = accounts
        .token_holder(ann.id, sign_in_id(1), h.now())
        .await?;
    let expected = TokenHolder {
        user: ann.clone(),
        is_signed_in: true,
    };
    ensure_eq!(holder, Some(expected), "who holds a token");
    let unknown = UserId(ben.id.0 + 1);
    for (user, number, expected, of_what) in [
        (ann.id, 9, Some(false), "a sign-in that never was"),
        (ben.id, 1, Some(false), "a sign-in of another"),
        (unknown, 1, None, "a sign-in of an unknown user"),
    ] {
        let good = is_good(h, user, number, h.now()).await?;
        ensure_eq!(good, expected, "a token of {of_what}");
    }
    let just_before = EXPIRY.plus_micros(-1);
    for (at, expected) in [(just_before, true), (EXPIRY, false)] {
        let good = is_good(h, ann.id, 1, at).await?;
        ensure_eq!(good, Some(expected), "a token at {at}, expiry {EXPIRY}");
    }

    rotate(h, ann.id, 1, FIRST, SECOND).await?;
    accounts
        .revoke_device(ann.id, sign_in_id(2), Some("watch"))
        .await?;
    for token in [SECOND, THIRD] {
        rotate(h, ann.id, 3, FIRST, token).await?;
    }
    for (number, expected, of_what) in [
        (1, true, "a sign-in that was refreshed"),
        (2, false, "a device that signed out"),
        (3, false, "a sign-in whose token was reused"),
        (4, true, "another device"),
    ] {
        let good = is_good(h, ann.id, number, h.now()).await?;
        ensure_eq!(good, Some(expected), "a token of {of_what}");
    }
    accounts
        .set_password(ann.id, "new".to_owned(), h.now())
        .await?;
    for number in [1, 4] {
        let good = is_good(h, ann.id, number, h.now()).await?;
        ensure_eq!(good, Some(false), "a token from before the new password");
    }
    sign_in(h, ann.id, 5, None).await?;
    accounts.set_active(ann.id, false, h.now()).await?;
    let holder = accounts
        .token_holder(ann.id, sign_in_id(5), h.now())
        .await?;
    let state = holder.map(|holder| (holder.user.is_active, holder.is_signed_in));
    ensure_eq!(state, Some((false, false)), "a token of a disabled account");
    Ok(())
}
