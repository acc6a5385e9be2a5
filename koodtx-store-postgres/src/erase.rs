//! Deleting users: at once what names them and lets them in, bit by bit what they have stored.
//!
//! Whoever writes for a user holds the row of the user's clock, or, where that is still to be made or is
//! not needed, a share of the row of the account. The deletion takes both rows away, the account first,
//! and so waits for all of them; those that come later find the deletion in place of the rows.

use koodtx_core::id::UserId;
use koodtx_core::store::{DeletedUser, Erasure, NameHash, StoreError, StoreErrorKind, name_hash};
use koodtx_core::time::Timestamp;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::{PostgresStore, families, statements};

const OPERATION: &str = "erase_deleted";

/// A deletion as it is read.
#[derive(FromRow)]
struct DeletedRow {
    name_hash: Vec<u8>,
    deleted_at: Instant,
    is_erased: bool,
}

async fn read(connection: &mut PgConnection, user: UserId) -> Result<Option<DeletedRow>> {
    Ok(sqlx::query_as(statements::DELETED_USER_READ)
        .bind(user.0)
        .fetch_optional(connection)
        .await?)
}

/// What is kept of a user who was deleted.
pub(crate) async fn deletion(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<Option<DeletedUser>> {
    let Some(row) = read(connection, user).await? else {
        return Ok(None);
    };
    let username = NameHash::try_from(row.name_hash)
        .map_err(|_| Failure::corrupt("the hash of a deleted name is not 32 bytes"))?;
    Ok(Some(DeletedUser {
        id: user,
        username,
        deleted_at: row.deleted_at.into(),
    }))
}

/// Of a user who was deleted, whether nothing is left; `None` for any other.
pub(crate) async fn is_erased(connection: &mut PgConnection, user: UserId) -> Result<Option<bool>> {
    Ok(read(connection, user).await?.map(|row| row.is_erased))
}

/// Fails for a user who was deleted.
pub(crate) async fn check_not_deleted(connection: &mut PgConnection, user: UserId) -> Result<()> {
    match read(connection, user).await? {
        Some(_) => Err(Failure::UserDeleted(user)),
        None => Ok(()),
    }
}

/// In a transaction.
pub(crate) async fn delete(
    connection: &mut PgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<bool> {
    let username: Option<String> = sqlx::query_scalar(statements::USER_DELETE)
        .bind(user.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(username) = username else {
        return Ok(false);
    };
    let deleted = DeletedUser {
        id: user,
        username: name_hash(&username),
        deleted_at: now,
    };
    write(connection, &deleted).await?;
    of_user(connection, statements::USER_NAMES_FREE, user).await?;
    Ok(true)
}

/// Stores a deletion as it is, in place of the account of that id, in a transaction.
pub(crate) async fn import(connection: &mut PgConnection, deleted: &DeletedUser) -> Result<()> {
    let user = deleted.id;
    of_user(connection, statements::USER_DELETE, user).await?;
    of_user(connection, statements::USER_NAMES_RELEASE, user).await?;
    let got: Vec<String> = sqlx::query_scalar(statements::USER_NAMES_TAKE)
        .bind(user.0)
        .bind(vec!["username"])
        .bind(vec![deleted.username.as_slice()])
        .fetch_all(&mut *connection)
        .await?;
    if got.is_empty() {
        let message = format!("the username of user {user} belongs to another account");
        let error = StoreError::new(StoreErrorKind::AlreadyExists, "import_user", message);
        return Err(Failure::Decided(error));
    }
    write(connection, deleted).await
}

/// The clock and the totals go with the account, so nothing is counted that is still to be removed.
async fn write(connection: &mut PgConnection, deleted: &DeletedUser) -> Result<()> {
    sqlx::query(statements::DELETED_USER_WRITE)
        .bind(deleted.id.0)
        .bind(deleted.username.as_slice())
        .bind(Instant(deleted.deleted_at))
        .execute(&mut *connection)
        .await?;
    of_user(connection, statements::CLOCK_REMOVE, deleted.id).await?;
    families::revoke_all(connection, deleted.id).await
}

/// Runs a statement that names only the user; returns how many rows it changed.
async fn of_user(
    connection: &mut PgConnection,
    statement: &'static str,
    user: UserId,
) -> Result<u64> {
    let done = sqlx::query(statement).bind(user.0).execute(connection);
    Ok(done.await?.rows_affected())
}

/// Says whether everything of a deleted user has been removed.
pub(crate) async fn set_erased(
    connection: &mut PgConnection,
    user: UserId,
    is_erased: bool,
) -> Result<()> {
    sqlx::query(statements::DELETED_USER_ERASED)
        .bind(user.0)
        .bind(is_erased)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes about `limit` rows, in statements that are transactions of their own. Sessions come last: by
/// them a verification finds what was left.
pub(crate) async fn step(
    store: &PostgresStore,
    limit: usize,
) -> std::result::Result<Erasure, StoreError> {
    let mut erasure = Erasure::default();
    let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX);
    loop {
        let user = store.read(OPERATION, |connection| Box::pin(next(connection)));
        let Some(user) = user.await? else {
            return Ok(erasure);
        };
        let room = limit.saturating_sub_unsigned(erasure.removed);
        if room <= 0 {
            erasure.has_more = true;
            return Ok(erasure);
        }
        let removed = store
            .direct(OPERATION, move |connection| {
                Box::pin(some(connection, user, room))
            })
            .await?;
        erasure.removed += removed;
        if removed == 0 {
            store
                .direct(OPERATION, move |connection| {
                    Box::pin(set_erased(connection, user, true))
                })
                .await?;
            erasure.users.push(user);
        }
    }
}

/// The next user of whom something may be left.
async fn next(connection: &mut PgConnection) -> Result<Option<UserId>> {
    let next: Option<i64> = sqlx::query_scalar(statements::DELETED_USER_NEXT)
        .fetch_optional(connection)
        .await?;
    Ok(next.map(UserId))
}

/// Removes up to `room` rows of the first table that has any; returns how many.
async fn some(connection: &mut PgConnection, user: UserId, room: i64) -> Result<u64> {
    let removed = blocks(connection, user, room).await?;
    if removed > 0 {
        return Ok(removed);
    }
    let removed = of_user(connection, statements::ROUNDS_ERASE, user).await?;
    if removed > 0 {
        return Ok(removed);
    }
    let logs = sqlx::query(statements::LOG_PURGE)
        .bind(user.0)
        .bind(i64::MAX)
        .bind(room);
    let removed = logs.execute(&mut *connection).await?.rows_affected();
    if removed > 0 {
        return Ok(removed);
    }
    for statement in [statements::ANALYSES_ERASE, statements::SESSIONS_ERASE] {
        let query = sqlx::query(statement).bind(user.0).bind(room);
        let removed = query.execute(&mut *connection).await?.rows_affected();
        if removed > 0 {
            return Ok(removed);
        }
    }
    Ok(0)
}

/// Removes up to `room` blocks, a range of the primary key.
async fn blocks(connection: &mut PgConnection, user: UserId, room: i64) -> Result<u64> {
    let end: Option<(Uuid, String, i64)> = sqlx::query_as(statements::BLOCKS_STEP_END)
        .bind(user.0)
        .bind(room)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((session, sensor_type, first)) = end else {
        return of_user(connection, statements::BLOCKS_ERASE_LAST, user).await;
    };
    let done = sqlx::query(statements::BLOCKS_ERASE)
        .bind(user.0)
        .bind(session)
        .bind(sensor_type)
        .bind(first)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
