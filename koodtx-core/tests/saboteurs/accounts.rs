//! Defects of accounts.

use koodtx_core::id::UserId;
use koodtx_core::store::{NewUser, StoreError, StoreErrorKind, Taken, User, UserPage};
use koodtx_core::time::Timestamp;

use super::broken::{HONEST, Hooks};
use super::inner::{Answer, Inner};
use super::saboteur::{Saboteur, saboteur};

/// The account that a store without the unique index in question would now hold.
fn second(inner: &Inner, new: &NewUser, now: Timestamp) -> Answer<Result<User, Taken>> {
    let number = inner.usage()?.users;
    let unique = NewUser {
        username: format!("{} {number}", new.username),
        email: format!("{number} {}", new.email),
        device_id: None,
        password_hash: new.password_hash.clone(),
    };
    let created = inner.create_user(unique, now)?;
    Ok(created.map(|user| User {
        username: new.username.clone(),
        email: new.email.clone(),
        device_id: new.device_id.clone(),
        ..user
    }))
}

fn holds(inner: &Inner, is_same: impl Fn(&User) -> bool) -> Answer<bool> {
    Ok(inner.users(None, usize::MAX)?.users.iter().any(is_same))
}

pub const ACCOUNTS: &[Saboteur] = &[
    saboteur(
        "the email address is kept in lower case",
        Hooks {
            create_user: |inner, new, now| {
                let email = new.email.to_lowercase();
                inner.create_user(NewUser { email, ..new }, now)
            },
            ..HONEST
        },
        &["an_account_comes_back"],
    ),
    saboteur(
        "changing an unknown account is an error",
        Hooks {
            set_active: |inner, id, active, now| {
                let changed = inner.set_active(id, active, now)?;
                let error =
                    || StoreError::new(StoreErrorKind::NotFound, "set_active", "no account");
                changed.map(Some).ok_or_else(error)
            },
            ..HONEST
        },
        &[
            "an_unknown_account_is_not_found",
            "a_deleted_account_is_gone",
        ],
    ),
    saboteur(
        "usernames are unique by ASCII letters only",
        Hooks {
            create_user: |inner, new, now| match inner.create_user(new.clone(), now)? {
                Err(Taken::Username)
                    if !holds(inner, |user| {
                        user.username.eq_ignore_ascii_case(&new.username)
                    })? =>
                {
                    second(inner, &new, now)
                }
                answer => Ok(answer),
            },
            ..HONEST
        },
        &[
            "usernames_are_unique_in_any_case",
            "the_name_of_a_deleted_account_stays_taken",
            "a_deleted_account_stays_deleted",
        ],
    ),
    saboteur(
        "email addresses are unique by their exact text",
        Hooks {
            create_user: |inner, new, now| match inner.create_user(new.clone(), now)? {
                Err(Taken::Email) if !holds(inner, |user| user.email == new.email)? => {
                    second(inner, &new, now)
                }
                answer => Ok(answer),
            },
            ..HONEST
        },
        &["emails_are_unique_in_any_case"],
    ),
    saboteur(
        "a device may be registered again",
        Hooks {
            create_user: |inner, new, now| match inner.create_user(new.clone(), now)? {
                Err(Taken::Device) => second(inner, &new, now),
                answer => Ok(answer),
            },
            ..HONEST
        },
        &["a_device_is_registered_once"],
    ),
    saboteur(
        "of what is taken the email address is named first",
        Hooks {
            create_user: |inner, new, now| {
                let same_email = holds(inner, |user| user.email == new.email)?;
                Ok(inner
                    .create_user(new, now)?
                    .map_err(|taken| if same_email { Taken::Email } else { taken }))
            },
            ..HONEST
        },
        &["the_first_of_what_is_taken_is_named"],
    ),
    saboteur(
        "a refused registration keeps its email address",
        Hooks {
            create_user: |inner, new, now| {
                let mut notes = inner.notes.lock();
                if notes.texts.contains(&new.email) {
                    return Ok(Err(Taken::Email));
                }
                let created = inner.create_user(new.clone(), now)?;
                if created == Err(Taken::Username) {
                    notes.texts.insert(new.email);
                }
                Ok(created)
            },
            ..HONEST
        },
        &["a_refused_registration_takes_no_name"],
    ),
    saboteur(
        "a username is found by its exact text",
        Hooks {
            credentials: |inner, username| {
                let found = inner.credentials(username)?;
                Ok(found.filter(|found| found.user.username == username))
            },
            ..HONEST
        },
        &["a_username_is_found_in_any_case"],
    ),
    saboteur(
        "a page of accounts begins with the last of the page before",
        Hooks {
            users: |inner, after, limit| {
                let after = after.map(|after| UserId(after.0 - 1));
                inner.users(after, limit)
            },
            ..HONEST
        },
        &["accounts_are_listed_by_id"],
    ),
    saboteur(
        "a page of accounts does not tell that others follow",
        Hooks {
            users: |inner, after, limit| {
                Ok(UserPage {
                    has_more: false,
                    ..inner.users(after, limit)?
                })
            },
            ..HONEST
        },
        &["accounts_are_listed_by_id"],
    ),
    saboteur(
        "an account is disabled for good",
        Hooks {
            set_active: |inner, id, active, now| {
                let was = inner.user(id)?.is_some_and(|user| user.is_active);
                inner.set_active(id, active && was, now)
            },
            ..HONEST
        },
        &["an_account_can_be_disabled_and_enabled"],
    ),
    saboteur(
        "a new password does not replace the old one",
        Hooks {
            set_password: |inner, id, hash, now| {
                let user = inner.user(id)?;
                let old = user
                    .map(|user| inner.credentials(&user.username))
                    .transpose()?
                    .flatten();
                inner.set_password(id, old.map_or(hash, |old| old.password_hash), now)
            },
            ..HONEST
        },
        &["a_password_can_be_replaced"],
    ),
];
