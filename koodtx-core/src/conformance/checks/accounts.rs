//! Accounts.

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::id::UserId;
use crate::store::{NewUser, Taken, User, UserPage};

pub(super) fn new_user(username: &str, email: &str, device_id: Option<&str>) -> NewUser {
    NewUser {
        username: username.to_owned(),
        email: email.to_owned(),
        device_id: device_id.map(str::to_owned),
        password_hash: format!("hash of {username}"),
    }
}

/// Registers an account that must be free, with an email address of its own.
pub(crate) async fn register(h: &Harness, username: &str, device: Option<&str>) -> Outcome<User> {
    let new = new_user(username, &format!("{username}@example.org"), device);
    let created = h.accounts()?.create_user(new, h.now()).await?;
    created.map_err(|taken| Failure::new(format!("{username} is free, and yet taken: {taken:?}")))
}

async fn refused(h: &Harness, username: &str, email: &str, device: Option<&str>) -> Outcome<Taken> {
    let new = new_user(username, email, device);
    match h.accounts()?.create_user(new, h.now()).await? {
        Err(taken) => Ok(taken),
        Ok(user) => Err(Failure::new(format!(
            "a second account of the same name: {user:?}"
        ))),
    }
}

/// An account comes back as it was created.
pub(crate) async fn an_account_comes_back(h: &Harness) -> Outcome {
    let accounts = h.accounts()?;
    let now = h.now();
    let new = new_user("Änn", "Ann@Example.org", Some("phone 1"));
    let created = accounts.create_user(new, now).await?;
    let expected = User {
        id: UserId(1),
        username: "Änn".to_owned(),
        email: "Ann@Example.org".to_owned(),
        device_id: Some("phone 1".to_owned()),
        is_active: true,
        created_at: now,
        updated_at: now,
    };
    ensure_eq!(created.as_ref(), Ok(&expected), "the first account");
    ensure_eq!(
        accounts.user(expected.id).await?,
        Some(expected.clone()),
        "the account by id"
    );
    let found = accounts.credentials("Änn").await?;
    let found = found.map(|found| (found.user, found.password_hash));
    ensure_eq!(
        found,
        Some((expected, "hash of Änn".to_owned())),
        "credentials by username"
    );
    Ok(())
}

/// Accounts that do not exist are not found, and cannot be changed.
pub(crate) async fn an_unknown_account_is_not_found(h: &Harness) -> Outcome {
    let accounts = h.accounts()?;
    let id = UserId(register(h, "ann", None).await?.id.0 + 1);
    ensure_eq!(accounts.user(id).await?, None, "an unknown id");
    ensure!(
        accounts.credentials("ben").await?.is_none(),
        "an unknown username was found"
    );
    ensure_eq!(
        accounts.set_active(id, false, h.now()).await?,
        None,
        "disabling an unknown id"
    );
    let changed = accounts
        .set_password(id, "hash".to_owned(), h.now())
        .await?;
    ensure_eq!(changed, None, "a password for an unknown id");
    Ok(())
}

/// Usernames are unique without regard to case, in every script.
pub(crate) async fn usernames_are_unique_in_any_case(h: &Harness) -> Outcome {
    let same = [
        ("Ann", "aNN"),
        ("ÄRGER", "ärger"),
        ("Ｗｉｄｅ", "wide"),
        ("e\u{301}va", "ÉVA"),
    ];
    for (number, (name, other)) in same.into_iter().enumerate() {
        register(h, name, None).await?;
        let email = format!("other{number}@example.org");
        ensure_eq!(
            refused(h, other, &email, None).await?,
            Taken::Username,
            "{other} after {name}"
        );
    }
    Ok(())
}

/// Email addresses are unique without regard to case.
pub(crate) async fn emails_are_unique_in_any_case(h: &Harness) -> Outcome {
    for (name, email, other) in [
        ("a", "ann@example.org", "ANN@Example.ORG"),
        ("b", "jürgen@example.org", "JÜRGEN@example.org"),
    ] {
        let created = h
            .accounts()?
            .create_user(new_user(name, email, None), h.now())
            .await?;
        ensure!(created.is_ok(), "{email} is free, and yet taken");
        let taken = refused(h, &format!("other {name}"), other, None).await?;
        ensure_eq!(taken, Taken::Email, "{other} after {email}");
    }
    Ok(())
}

/// A device is registered with one account; any number of accounts have none.
pub(crate) async fn a_device_is_registered_once(h: &Harness) -> Outcome {
    register(h, "ann", Some("phone")).await?;
    let taken = refused(h, "ben", "ben@example.org", Some("phone")).await?;
    ensure_eq!(taken, Taken::Device, "a device registered before");
    register(h, "cid", None).await?;
    register(h, "dan", None).await?;
    register(h, "eve", Some("Phone")).await?;
    Ok(())
}

/// Where several things are taken, the username is named first, then the email address.
pub(crate) async fn the_first_of_what_is_taken_is_named(h: &Harness) -> Outcome {
    register(h, "ann", Some("phone")).await?;
    let email = "ann@example.org";
    let taken = refused(h, "ann", email, Some("phone")).await?;
    ensure_eq!(taken, Taken::Username, "username, email and device taken");
    let taken = refused(h, "ben", email, Some("phone")).await?;
    ensure_eq!(taken, Taken::Email, "email and device taken");
    Ok(())
}

/// A refused registration leaves nothing behind: its other names stay free.
pub(crate) async fn a_refused_registration_takes_no_name(h: &Harness) -> Outcome {
    register(h, "ann", None).await?;
    refused(h, "ann", "ben@example.org", Some("phone")).await?;
    register(h, "ben", Some("phone")).await?;
    Ok(())
}

/// A username is found in any case.
pub(crate) async fn a_username_is_found_in_any_case(h: &Harness) -> Outcome {
    let ann = register(h, "Änn", None).await?;
    for name in ["Änn", "ÄNN", "änn", "a\u{308}NN"] {
        let found = h.accounts()?.credentials(name).await?;
        ensure_eq!(
            found.map(|found| found.user),
            Some(ann.clone()),
            "the account of {name}"
        );
    }
    Ok(())
}

/// Accounts are listed in the order of their ids, page by page, each once.
pub(crate) async fn accounts_are_listed_by_id(h: &Harness) -> Outcome {
    let mut expected = Vec::new();
    for name in ["d", "b", "c", "a"] {
        expected.push(register(h, name, None).await?);
    }
    let ids: Vec<_> = expected.iter().map(|user| user.id.0).collect();
    ensure_eq!(ids, [1, 2, 3, 4], "ids");
    for limit in 1..=5 {
        let (mut seen, mut after) = (Vec::new(), None);
        while seen.len() <= expected.len() {
            let UserPage { users, has_more } = h.accounts()?.users(after, limit).await?;
            after = users.last().map(|user| user.id);
            ensure!(users.len() <= limit, "{} accounts of {limit}", users.len());
            seen.extend(users);
            if !has_more {
                break;
            }
        }
        ensure_eq!(seen, expected, "all pages of {limit} together");
    }
    Ok(())
}

/// An account can be disabled and enabled again.
pub(crate) async fn an_account_can_be_disabled_and_enabled(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?;
    let other = register(h, "ben", None).await?;
    for is_active in [false, true] {
        let now = h.now();
        let changed = h.accounts()?.set_active(ann.id, is_active, now).await?;
        let expected = User {
            is_active,
            updated_at: now,
            ..ann.clone()
        };
        ensure_eq!(
            changed.as_ref(),
            Some(&expected),
            "the account with is_active {is_active}"
        );
        ensure_eq!(
            h.accounts()?.user(ann.id).await?,
            Some(expected),
            "the account by id"
        );
    }
    ensure_eq!(
        h.accounts()?.user(other.id).await?,
        Some(other),
        "the other account"
    );
    Ok(())
}

/// A new password replaces the old one.
pub(crate) async fn a_password_can_be_replaced(h: &Harness) -> Outcome {
    let accounts = h.accounts()?;
    let ann = register(h, "ann", None).await?;
    register(h, "ben", None).await?;
    let now = h.now();
    let changed = accounts
        .set_password(ann.id, "new hash".to_owned(), now)
        .await?;
    ensure_eq!(
        changed,
        Some(User {
            updated_at: now,
            ..ann
        }),
        "the account"
    );
    for (name, expected) in [("ann", "new hash"), ("ben", "hash of ben")] {
        let hash = accounts
            .credentials(name)
            .await?
            .map(|found| found.password_hash);
        ensure_eq!(
            hash.as_deref(),
            Some(expected),
            "the password hash of {name}"
        );
    }
    Ok(())
}
