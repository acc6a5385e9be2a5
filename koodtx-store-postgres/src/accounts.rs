//! Accounts on PostgreSQL.

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    Credentials, NameHash, NewUser, StoreError, StoreErrorKind, Taken, TokenHolder, User, UserPage,
    name_hash,
};
use koodtx_core::time::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, FromRow, PgConnection};

use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::{erase, families, statements};

/// A unique text as a key of `user_names`. Hashed, since folding can make a name 50 times as long and
/// keys of an index have a limit, and since a name that nobody has may hold what `text` refuses.
fn hash_of(text: &str) -> NameHash {
    Sha256::digest(text.as_bytes()).into()
}

/// What has to be unique of an account: as which kind, and what is said where it is taken, in that
/// order.
pub(crate) fn names_of(
    username: &str,
    email: &str,
    device_id: Option<&str>,
) -> impl Iterator<Item = (&'static str, NameHash, Taken)> {
    let device = device_id.map(|device| ("device", hash_of(device), Taken::Device));
    [
        ("username", name_hash(username), Taken::Username),
        ("email", name_hash(email), Taken::Email),
    ]
    .into_iter()
    .chain(device)
}

/// An account as it is read.
#[derive(FromRow)]
struct UserRow {
    user_id: i64,
    username: String,
    email: String,
    device_id: Option<String>,
    is_active: bool,
    created_at: Instant,
    updated_at: Instant,
}

#[derive(FromRow)]
struct CredentialsRow {
    #[sqlx(flatten)]
    user: UserRow,
    password_hash: String,
}

#[derive(FromRow)]
struct TokenHolderRow {
    #[sqlx(flatten)]
    user: UserRow,
    is_signed_in: bool,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId(row.user_id),
            username: row.username,
            email: row.email,
            device_id: row.device_id,
            is_active: row.is_active,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

/// In a transaction.
pub(crate) async fn create(
    connection: &mut PgConnection,
    new: NewUser,
    now: Timestamp,
) -> Result<std::result::Result<User, Taken>> {
    let names: Vec<_> = names_of(&new.username, &new.email, new.device_id.as_deref()).collect();
    let kinds: Vec<_> = names.iter().map(|(kind, ..)| *kind).collect();
    let hashes: Vec<_> = names.iter().map(|(_, hash, _)| hash.as_slice()).collect();

    // A refusal takes back what it wrote, the id included.
    let mut attempt = connection.begin().await?;
    // First of all, since it locks the one row that all registrations need: no two of them can wait
    // for each other's names.
    let id: Option<i64> = sqlx::query_scalar(statements::USER_ID_NEXT)
        .fetch_optional(&mut *attempt)
        .await?;
    let id = id.ok_or_else(|| Failure::corrupt("last_user_id has no row"))?;
    let got: Vec<String> = sqlx::query_scalar(statements::USER_NAMES_TAKE)
        .bind(id)
        .bind(kinds)
        .bind(hashes)
        .fetch_all(&mut *attempt)
        .await?;
    let is_taken = |kind: &str| !got.iter().any(|got| got == kind);
    if let Some((.., taken)) = names.iter().find(|(kind, ..)| is_taken(kind)) {
        attempt.rollback().await?;
        return Ok(Err(*taken));
    }
    sqlx::query(statements::USER_INSERT)
        .bind(id)
        .bind(&new.username)
        .bind(&new.email)
        .bind(&new.device_id)
        .bind(&new.password_hash)
        .bind(Instant(now))
        .execute(&mut *attempt)
        .await?;
    attempt.commit().await?;
    Ok(Ok(User {
        id: UserId(id),
        username: new.username,
        email: new.email,
        device_id: new.device_id,
        is_active: true,
        created_at: now,
        updated_at: now,
    }))
}

pub(crate) async fn user(connection: &mut PgConnection, id: UserId) -> Result<Option<User>> {
    let row: Option<UserRow> = sqlx::query_as(statements::USER_READ)
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(User::from))
}

/// One statement: each request asks this.
pub(crate) async fn token_holder(
    connection: &mut PgConnection,
    id: UserId,
    sign_in: SignInId,
    now: Timestamp,
) -> Result<Option<TokenHolder>> {
    let row: Option<TokenHolderRow> = sqlx::query_as(statements::TOKEN_HOLDER)
        .bind(id.0)
        .bind(sign_in.0)
        .bind(Instant(now))
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| TokenHolder {
        user: row.user.into(),
        is_signed_in: row.is_signed_in,
    }))
}

/// The account whose username has that hash. Two statements, so that each stays on one node where the
/// tables are distributed; a username is never given up, so only a deletion can come between them.
pub(crate) async fn credentials(
    connection: &mut PgConnection,
    name: NameHash,
) -> Result<Option<Credentials>> {
    let id: Option<i64> = sqlx::query_scalar(statements::USER_BY_NAME)
        .bind(name.as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(id) = id else {
        return Ok(None);
    };
    let found = credentials_of(connection, UserId(id)).await?;
    if found.is_none() && erase::is_erased(connection, UserId(id)).await?.is_none() {
        let message = format!("the account {id} has a name and is missing");
        return Err(Failure::corrupt(message));
    }
    Ok(found)
}

/// The account of that id.
pub(crate) async fn credentials_of(
    connection: &mut PgConnection,
    id: UserId,
) -> Result<Option<Credentials>> {
    let row: Option<CredentialsRow> = sqlx::query_as(statements::USER_CREDENTIALS)
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| Credentials {
        user: row.user.into(),
        password_hash: row.password_hash,
    }))
}

/// Stores an account as it is, in place of the one of that id, in a transaction.
pub(crate) async fn import(connection: &mut PgConnection, account: &Credentials) -> Result<()> {
    let user = &account.user;
    sqlx::query(statements::USER_NAMES_RELEASE)
        .bind(user.id.0)
        .execute(&mut *connection)
        .await?;
    let names: Vec<_> = names_of(&user.username, &user.email, user.device_id.as_deref()).collect();
    let got: Vec<String> = sqlx::query_scalar(statements::USER_NAMES_TAKE)
        .bind(user.id.0)
        .bind(names.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>())
        .bind(
            names
                .iter()
                .map(|(_, hash, _)| hash.as_slice())
                .collect::<Vec<_>>(),
        )
        .fetch_all(&mut *connection)
        .await?;
    if got.len() < names.len() {
        let message = format!(
            "the username, email address or device of user {} belongs to another account",
            user.id
        );
        let error = StoreError::new(StoreErrorKind::AlreadyExists, "import_user", message);
        return Err(Failure::Decided(error));
    }
    sqlx::query(statements::USER_IMPORT)
        .bind(user.id.0)
        .bind(&user.username)
        .bind(&user.email)
        .bind(&user.device_id)
        .bind(&account.password_hash)
        .bind(user.is_active)
        .bind(Instant(user.created_at))
        .bind(Instant(user.updated_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn users(
    connection: &mut PgConnection,
    after: Option<UserId>,
    limit: usize,
) -> Result<UserPage> {
    // One more than asked for tells whether more follow.
    let rows_max = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let rows: Vec<UserRow> = sqlx::query_as(statements::USERS_PAGE)
        .bind(after.map_or(i64::MIN, |after| after.0))
        .bind(rows_max)
        .fetch_all(connection)
        .await?;
    let has_more = rows.len() > limit;
    Ok(UserPage {
        users: rows.into_iter().take(limit).map(User::from).collect(),
        has_more,
    })
}

/// In a transaction. The update locks the account first: see [`families::create`].
pub(crate) async fn set_active(
    connection: &mut PgConnection,
    id: UserId,
    is_active: bool,
    now: Timestamp,
) -> Result<Option<User>> {
    let row: Option<UserRow> = sqlx::query_as(statements::USER_SET_ACTIVE)
        .bind(id.0)
        .bind(is_active)
        .bind(Instant(now))
        .fetch_optional(&mut *connection)
        .await?;
    if row.is_some() && !is_active {
        families::revoke_all(connection, id).await?;
    }
    Ok(row.map(User::from))
}

/// In a transaction. The update locks the account first: see [`families::create`].
pub(crate) async fn set_password(
    connection: &mut PgConnection,
    id: UserId,
    password_hash: String,
    now: Timestamp,
) -> Result<Option<User>> {
    let row: Option<UserRow> = sqlx::query_as(statements::USER_SET_PASSWORD)
        .bind(id.0)
        .bind(password_hash)
        .bind(Instant(now))
        .fetch_optional(&mut *connection)
        .await?;
    if row.is_some() {
        families::revoke_all(connection, id).await?;
    }
    Ok(row.map(User::from))
}
