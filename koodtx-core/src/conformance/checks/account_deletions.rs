//! Deleting an account: what is gone with it, and what stays taken.

use super::accounts::{new_user, register};
use super::sign_ins::{FIRST, SECOND, live, rotate, sign_in, sign_in_id};
use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::id::UserId;
use crate::store::{NewFamily, Rotation, StoreErrorKind, Taken, User};
use crate::time::Timestamp;

/// Deletes an account that must be there.
pub(super) async fn delete(h: &Harness, user: UserId) -> Outcome {
    let was_there = h.accounts()?.delete_user(user, h.now()).await?;
    ensure!(was_there, "user {user} cannot be deleted: there is none");
    Ok(())
}

/// The call must be refused since the user was deleted.
pub(super) fn ensure_refused<T: std::fmt::Debug>(
    outcome: Result<T, crate::store::StoreError>,
    what: &str,
) -> Outcome {
    match outcome {
        Err(error) => {
            ensure_eq!(
                error.kind(),
                StoreErrorKind::UserDeleted,
                "why {what} fails"
            );
            Ok(())
        }
        Ok(done) => Err(Failure::new(format!(
            "{what} for a deleted user should fail, and gave {done:?}"
        ))),
    }
}

/// A deleted account is found in no way, its sign-ins are over, and others notice nothing.
pub(crate) async fn a_deleted_account_is_gone(h: &Harness) -> Outcome {
    let accounts = h.accounts()?;
    let ann = register(h, "ann", Some("phone")).await?;
    let ben = register(h, "ben", Some("watch")).await?;
    sign_in(h, ann.id, 1, Some("phone")).await?;
    sign_in(h, ben.id, 2, Some("watch")).await?;
    delete(h, ann.id).await?;

    ensure_eq!(accounts.user(ann.id).await?, None, "the account by id");
    ensure!(
        accounts.credentials("ann").await?.is_none(),
        "the account is found by its name"
    );
    let users = accounts.users(None, 10).await?.users;
    ensure_eq!(users, std::slice::from_ref(&ben), "accounts listed");
    let holder = accounts
        .token_holder(ann.id, sign_in_id(1), h.now())
        .await?;
    ensure_eq!(holder, None, "who holds a token");
    ensure_eq!(live(h, ann.id).await?, [], "live sign-ins");
    let rotation = rotate(h, ann.id, 1, FIRST, SECOND).await?;
    ensure_eq!(rotation, Rotation::Unknown, "a refresh token");
    let changed = accounts.set_active(ann.id, true, h.now()).await?;
    ensure_eq!(changed, None, "enabling it");
    let changed = accounts.set_password(ann.id, "new".to_owned(), h.now());
    ensure_eq!(changed.await?, None, "a password for it");

    let again = accounts.delete_user(ann.id, h.now()).await?;
    ensure!(!again, "an account is deleted twice");
    let unknown = UserId(ben.id.0 + 1);
    let unknown = accounts.delete_user(unknown, h.now()).await?;
    ensure!(!unknown, "an unknown account is deleted");

    let holder = accounts
        .token_holder(ben.id, sign_in_id(2), h.now())
        .await?;
    let holder = holder.map(|holder| (holder.user, holder.is_signed_in));
    ensure_eq!(holder, Some((ben, true)), "who holds a token of another");
    Ok(())
}

async fn create(
    h: &Harness,
    name: &str,
    email: &str,
    device: Option<&str>,
) -> Outcome<Result<User, Taken>> {
    let new = new_user(name, email, device);
    Ok(h.accounts()?.create_user(new, h.now()).await?)
}

/// Nobody can take the name of a deleted account, in whatever case; its email address and its device are
/// free.
pub(crate) async fn the_name_of_a_deleted_account_stays_taken(h: &Harness) -> Outcome {
    let ann = register(h, "Änn", Some("phone")).await?;
    delete(h, ann.id).await?;
    for (number, name) in ["Änn", "ÄNN", "a\u{308}nn"].into_iter().enumerate() {
        let email = format!("other{number}@example.org");
        let created = create(h, name, &email, None).await?;
        ensure_eq!(created, Err(Taken::Username), "registering {name}");
    }
    let created = create(h, "ben", &ann.email, Some("phone")).await?;
    ensure!(
        created.is_ok(),
        "email address and device of a deleted account are not free: {created:?}"
    );
    Ok(())
}

/// Ids are not given out again, also where the last of all accounts was deleted.
pub(crate) async fn the_id_of_a_deleted_account_is_not_reused(h: &Harness) -> Outcome {
    let mut last = 0;
    for (name, is_deleted) in [
        ("ann", false),
        ("ben", true),
        ("cid", true),
        ("dan", false),
        ("eve", true),
    ] {
        let user = register(h, name, None).await?.id;
        ensure!(user.0 > last, "the id {user} of {name} comes after {last}");
        last = user.0;
        if is_deleted {
            delete(h, user).await?;
        }
    }
    Ok(())
}

/// A sign-in that was under way when the account was deleted does not come to be.
pub(crate) async fn nobody_signs_in_to_a_deleted_account(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    delete(h, ann).await?;
    let family = NewFamily {
        id: sign_in_id(1),
        user: ann,
        device_id: None,
        token: FIRST,
        expires_at: Timestamp::MAX,
    };
    ensure_refused(
        h.accounts()?.create_family(family, h.now()).await,
        "a sign-in",
    )?;
    ensure_eq!(live(h, ann).await?, [], "live sign-ins");
    Ok(())
}
