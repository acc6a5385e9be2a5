//! What must hold between calls about accounts that run at the same time.

use super::accounts::{new_user, register};
use super::sign_ins::{FIRST, live, rotate, sign_in, sign_in_id};
use super::threads::race;
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::script::NOON;
use crate::store::Rotation;
use crate::time::Timestamp;

/// Of N registrations of one name at the same time exactly one succeeds.
pub(crate) async fn of_registrations_at_once_one_succeeds(h: &Harness) -> Outcome {
    let accounts = h.accounts()?;
    let created = race(|caller| {
        let accounts = accounts.clone();
        let name = if caller % 2 == 0 { "ann" } else { "ANN" };
        let new = new_user(name, &format!("{caller}@example.org"), None);
        async move { Ok(accounts.create_user(new, NOON).await?.is_ok()) }
    })
    .await?;
    ensure_eq!(
        created.iter().filter(|created| **created).count(),
        1,
        "accounts created"
    );
    ensure_eq!(
        accounts.users(None, 10).await?.users.len(),
        1,
        "accounts listed"
    );
    Ok(())
}

/// Of N devices that present the same current token at the same time exactly one gets the next; the
/// others show that it was copied.
pub(crate) async fn of_rotations_at_once_one_succeeds(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    sign_in(h, ann, 1, None).await?;
    let accounts = h.accounts()?;
    let (expiry, now) = (Timestamp::MAX, h.now());
    let rotations = race(|caller| {
        let accounts = accounts.clone();
        let next = [caller as u8 + 10; 32];
        async move {
            Ok(accounts
                .rotate(sign_in_id(1), ann, FIRST, next, expiry, now)
                .await?)
        }
    })
    .await?;
    let count = |wanted: fn(&Rotation) -> bool| rotations.iter().filter(|r| wanted(r)).count();
    ensure_eq!(
        count(|r| matches!(r, Rotation::Rotated(_))),
        1,
        "rotations that succeeded"
    );
    ensure_eq!(
        count(|r| *r == Rotation::Reused),
        1,
        "reuse found, before the family was gone"
    );
    ensure_eq!(live(h, ann).await?, [], "live sign-ins after the reuse");
    ensure_eq!(
        rotate(h, ann, 1, [10; 32], [99; 32]).await?,
        Rotation::Unknown,
        "any token"
    );
    Ok(())
}
