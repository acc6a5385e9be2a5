//! Defects of deleting accounts.

use koodtx_core::id::UserId;
use koodtx_core::store::{NewUser, StoreErrorKind, Taken, TransferItem, User, UserStatus};
use koodtx_core::time::Timestamp;

use super::broken::{HONEST, Hooks};
use super::inner::{Answer, Inner, wait_for_others};
use super::saboteur::{Saboteur, saboteur, sleeper};

/// Gives the name of a deleted account out again.
fn create_in_place_of_a_deleted(
    inner: &Inner,
    user: NewUser,
    now: Timestamp,
) -> Answer<Result<User, Taken>> {
    let created = inner.create_user(user.clone(), now)?;
    if created == Err(Taken::Username) && inner.credentials(&user.username)?.is_none() {
        let username = format!("{} again", user.username);
        return inner.create_user(NewUser { username, ..user }, now);
    }
    Ok(created)
}

/// Shows a session of those who were written for after their deletion.
fn resurrected_status(inner: &Inner, user: UserId, recent: usize) -> Answer<UserStatus> {
    let mut status = inner.status(user, recent)?;
    status.total_sessions += u64::from(inner.notes.lock().resurrected.contains(&user));
    Ok(status)
}

pub const ACCOUNT_DELETIONS: &[Saboteur] = &[
    saboteur(
        "a deleted account is still found by its name",
        Hooks {
            delete_user: |inner, id, now| {
                let account = inner
                    .user(id)?
                    .map(|user| inner.credentials(&user.username));
                if let Some(account) = account.transpose()?.flatten() {
                    inner.notes.lock().deleted_users.insert(id, account);
                }
                inner.delete_user(id, now)
            },
            credentials: |inner, name| {
                let found = inner.credentials(name)?;
                let notes = inner.notes.lock();
                let mut deleted = notes.deleted_users.values();
                Ok(found.or_else(|| deleted.find(|one| one.user.username == name).cloned()))
            },
            ..HONEST
        },
        &["a_deleted_account_is_gone"],
    ),
    saboteur(
        "an account is deleted again and again",
        Hooks {
            delete_user: |inner, id, now| {
                inner.delete_user(id, now)?;
                Ok(true)
            },
            ..HONEST
        },
        &["a_deleted_account_is_gone"],
    ),
    saboteur(
        "the name of a deleted account is free again",
        Hooks {
            create_user: create_in_place_of_a_deleted,
            ..HONEST
        },
        &[
            "the_name_of_a_deleted_account_stays_taken",
            "a_deleted_account_stays_deleted",
        ],
    ),
    saboteur(
        "the id of a deleted account is given out again",
        Hooks {
            create_user: |inner, user, now| {
                let created = inner.create_user(user, now)?;
                let count = inner.users(None, usize::MAX)?.users.len();
                Ok(created.map(|user| User {
                    id: UserId(count as i64),
                    ..user
                }))
            },
            ..HONEST
        },
        &[
            "the_id_of_a_deleted_account_is_not_reused",
            "a_deleted_account_stays_deleted",
        ],
    ),
    saboteur(
        "a sign-in to a deleted account is answered as if it were one",
        Hooks {
            create_family: |inner, family, now| match inner.create_family(family, now) {
                Err(error) if error.kind() == StoreErrorKind::UserDeleted => Ok(()),
                answer => answer,
            },
            ..HONEST
        },
        &["nobody_signs_in_to_a_deleted_account"],
    ),
];

pub const ERASURES: &[Saboteur] = &[
    saboteur(
        "log entries of a deleted user are left",
        Hooks {
            delete_user: |inner, id, now| {
                let was_there = inner.delete_user(id, now)?;
                inner.notes.lock().resurrected.insert(id);
                Ok(was_there)
            },
            count_logs: |inner, user, before| {
                let left = inner.notes.lock().resurrected.contains(&user);
                Ok(inner.count_logs(user, before)? + u64::from(left))
            },
            ..HONEST
        },
        &[
            "nothing_is_left_of_a_deleted_user",
            "a_deleted_user_takes_no_data",
            "of_writes_and_a_deletion_at_once_nothing_is_left",
        ],
    ),
    saboteur(
        "an erasure never ends",
        Hooks {
            erase: |inner, limit| {
                let mut step = inner.erase_deleted(limit)?;
                step.has_more = true;
                Ok(step)
            },
            ..HONEST
        },
        &[
            "nothing_is_left_of_a_deleted_user",
            "a_deleted_user_takes_no_data",
            "of_writes_and_a_deletion_at_once_nothing_is_left",
        ],
    ),
    saboteur(
        "a push for a deleted user is answered as if it were stored",
        Hooks {
            push: |inner, mut command, now| match inner.push(command.clone(), now) {
                Err(error) if error.kind() == StoreErrorKind::UserDeleted => {
                    command.user = UserId(i64::MAX);
                    inner.push(command, now)
                }
                answer => answer,
            },
            ..HONEST
        },
        &["a_deleted_user_takes_no_data"],
    ),
    saboteur(
        "a push that has begun is stored, whatever was deleted meanwhile",
        Hooks {
            push: |inner, command, now| {
                let user = command.user;
                let was_there = inner.user(user)?.is_some();
                wait_for_others();
                let outcome = inner.push(command, now);
                if was_there && outcome.is_err() {
                    inner.notes.lock().resurrected.insert(user);
                }
                outcome
            },
            status: resurrected_status,
            ..HONEST
        },
        &["of_writes_and_a_deletion_at_once_nothing_is_left"],
    ),
];

pub const COPIED_DELETIONS: &[Saboteur] = &[
    saboteur(
        "deletions of accounts are not imported",
        Hooks {
            import: |_, _, item| match item {
                TransferItem::Deleted(_) => Vec::new(),
                item => vec![item],
            },
            ..HONEST
        },
        &[
            "a_copy_keeps_deletions_of_accounts",
            "a_resumed_import_follows_a_deletion",
        ],
    ),
    saboteur(
        "a deletion that is imported leaves what an earlier attempt has brought",
        Hooks {
            import: |inner, user, item| {
                let is_there = !inner.all(user).sessions.is_empty();
                if is_there && matches!(item, TransferItem::Deleted(_)) {
                    inner.notes.lock().resurrected.insert(user);
                }
                vec![item]
            },
            status: resurrected_status,
            ..HONEST
        },
        &["a_resumed_import_follows_a_deletion"],
    ),
    sleeper(
        "that a name was taken is not kept on disk once its account is deleted",
        Hooks {
            create_user: create_in_place_of_a_deleted,
            ..HONEST
        },
        &["a_deleted_account_stays_deleted"],
    ),
];
