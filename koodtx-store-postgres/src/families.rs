//! Refresh-token families on PostgreSQL. A family that is revoked is a row that is gone.

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    Family, NewFamily, Rotation, SignIn, StoreError, StoreErrorKind, TokenHash,
};
use koodtx_core::time::Timestamp;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::{erase, statements};

/// A sign-in as it is read.
#[derive(FromRow)]
struct SignInRow {
    user_id: i64,
    sign_in_id: Uuid,
    device_id: Option<String>,
    created_at: Instant,
    expires_at: Instant,
}

#[derive(FromRow)]
struct FamilyRow {
    #[sqlx(flatten)]
    sign_in: SignInRow,
    token_hash: Vec<u8>,
}

impl From<SignInRow> for SignIn {
    fn from(row: SignInRow) -> Self {
        Self {
            id: SignInId(row.sign_in_id),
            user: UserId(row.user_id),
            device_id: row.device_id,
            created_at: row.created_at.into(),
            expires_at: row.expires_at.into(),
        }
    }
}

/// In a transaction.
///
/// It locks the account, if there is one. So whoever disables it or replaces its password meanwhile
/// waits, and then revokes this family too: it would not see it before the commit.
pub(crate) async fn create(
    connection: &mut PgConnection,
    family: NewFamily,
    now: Timestamp,
) -> Result<()> {
    let (user, id) = (family.user.0, family.id.0);
    let account: Option<i64> = sqlx::query_scalar(statements::USER_LOCK)
        .bind(user)
        .fetch_optional(&mut *connection)
        .await?;
    if account.is_none() {
        erase::check_not_deleted(connection, family.user).await?;
    }
    let inserted = sqlx::query(statements::FAMILY_INSERT)
        .bind(user)
        .bind(id)
        .bind(family.device_id)
        .bind(family.token.as_slice())
        .bind(Instant(now))
        .bind(Instant(family.expires_at))
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 0 {
        // Ids are random, so this is a caller's defect; overwriting would sign somebody out.
        let message = format!("there is a sign-in {id}");
        let error = StoreError::new(StoreErrorKind::AlreadyExists, "create_family", message);
        return Err(Failure::Decided(error));
    }
    sqlx::query(statements::FAMILIES_FORGET_EXPIRED)
        .bind(user)
        .bind(id)
        .bind(Instant(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// A refresh token that is presented, and the one that takes its place.
#[derive(Clone, Copy)]
pub(crate) struct Presented {
    pub(crate) family: SignInId,
    pub(crate) user: UserId,
    pub(crate) token: TokenHash,
    pub(crate) next: TokenHash,
    pub(crate) expires_at: Timestamp,
}

/// In a transaction, which has to be committed also where the token was reused.
pub(crate) async fn rotate(
    connection: &mut PgConnection,
    presented: Presented,
    now: Timestamp,
) -> Result<Rotation> {
    let (user, id) = (presented.user.0, presented.family.0);
    // Whoever waits here reads the row anew when it is free, or finds that it is gone.
    let current: Option<Vec<u8>> = sqlx::query_scalar(statements::FAMILY_LOCK)
        .bind(user)
        .bind(id)
        .bind(Instant(now))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(current) = current else {
        return Ok(Rotation::Unknown);
    };
    if current != presented.token {
        sqlx::query(statements::FAMILY_REVOKE)
            .bind(user)
            .bind(id)
            .execute(connection)
            .await?;
        return Ok(Rotation::Reused);
    }
    let row: SignInRow = sqlx::query_as(statements::FAMILY_ROTATE)
        .bind(user)
        .bind(id)
        .bind(presented.next.as_slice())
        .bind(Instant(presented.expires_at))
        .fetch_one(connection)
        .await?;
    Ok(Rotation::Rotated(row.into()))
}

/// In the transaction that changes the account, after it.
pub(crate) async fn revoke_all(connection: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query(statements::FAMILIES_REVOKE_ALL)
        .bind(user.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// One statement. Where there is no device, no device equals it.
pub(crate) async fn revoke_device(
    connection: &mut PgConnection,
    user: UserId,
    sign_in: SignInId,
    device_id: Option<String>,
) -> Result<()> {
    sqlx::query(statements::FAMILIES_REVOKE_DEVICE)
        .bind(user.0)
        .bind(sign_in.0)
        .bind(device_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// A user's live sign-ins, the oldest first.
pub(crate) async fn sign_ins(
    connection: &mut PgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<SignIn>> {
    let rows: Vec<SignInRow> = sqlx::query_as(statements::FAMILIES_LIST)
        .bind(user.0)
        .bind(Instant(now))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(SignIn::from).collect())
}

/// Sign-ins behind one, expired or not, by id.
pub(crate) async fn export(
    connection: &mut PgConnection,
    user: UserId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Family>> {
    let rows: Vec<FamilyRow> = sqlx::query_as(statements::FAMILIES_EXPORT)
        .bind(user.0)
        .bind(after)
        .bind(limit as i64)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            let token = TokenHash::try_from(row.token_hash)
                .map_err(|_| Failure::corrupt("the hash of a refresh token is not 32 bytes"))?;
            let sign_in = row.sign_in.into();
            Ok(Family { sign_in, token })
        })
        .collect()
}

/// Stores a sign-in as it is, in place of the one of that id.
pub(crate) async fn import(
    connection: &mut PgConnection,
    user: UserId,
    family: &Family,
) -> Result<()> {
    sqlx::query(statements::FAMILY_IMPORT)
        .bind(user.0)
        .bind(family.sign_in.id.0)
        .bind(&family.sign_in.device_id)
        .bind(family.token.as_slice())
        .bind(Instant(family.sign_in.created_at))
        .bind(Instant(family.sign_in.expires_at))
        .execute(connection)
        .await?;
    Ok(())
}
