//! Moving everything out and in.

mod export;
mod import;
mod logs;

use std::result::Result;

use async_trait::async_trait;
use koodtx_core::id::UserId;
use koodtx_core::store::{
    StoreError, TransferStore, UserExport, UserImport, import_refused, no_import,
};
use sqlx::PgConnection;

use crate::error::{Failure, Result as Outcome};
use crate::{PostgresStore, statements};

use export::Export;
use import::Import;

#[async_trait]
impl TransferStore for PostgresStore {
    async fn transfer_users(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        self.read("transfer_users", move |connection| {
            Box::pin(users(connection, after, limit))
        })
        .await
    }

    async fn export_user(&self, user: UserId) -> Result<Box<dyn UserExport>, StoreError> {
        Ok(Box::new(Export::begin(&self.pool, user).await?))
    }

    async fn begin_import(&self, source: &str) -> Result<(), StoreError> {
        let source: std::sync::Arc<str> = source.into();
        self.transaction("begin_import", move |connection| {
            let source = source.clone();
            Box::pin(async move { begin(connection, &source).await })
        })
        .await
    }

    async fn import_user(&self, user: UserId) -> Result<Box<dyn UserImport>, StoreError> {
        if self.unfinished_import().await?.is_none() {
            return Err(no_import("import_user"));
        }
        self.direct("import_user", move |connection| {
            Box::pin(crate::families::revoke_all(connection, user))
        })
        .await?;
        Ok(Box::new(Import::new(self.clone(), user)))
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        self.transaction("finish_import", |connection| Box::pin(finish(connection)))
            .await
    }

    async fn unfinished_import(&self) -> Result<Option<String>, StoreError> {
        self.read("unfinished_import", |connection| {
            Box::pin(async move { source_of(connection).await })
        })
        .await
    }
}

/// The next user behind `after` of whom anything is stored.
async fn next_user(connection: &mut PgConnection, after: i64) -> Outcome<Option<i64>> {
    Ok(sqlx::query_scalar(statements::TRANSFER_NEXT_USER)
        .bind(after)
        .fetch_one(connection)
        .await?)
}

/// One statement a user: each looks at the ends of a few indexes, and reads no user twice.
async fn users(
    connection: &mut PgConnection,
    after: Option<UserId>,
    limit: usize,
) -> Outcome<Vec<UserId>> {
    let mut users = Vec::new();
    let mut after = after.map_or(i64::MIN, |after| after.0);
    while users.len() < limit {
        let Some(user) = next_user(connection, after).await? else {
            break;
        };
        users.push(UserId(user));
        after = user;
    }
    Ok(users)
}

async fn source_of(connection: &mut PgConnection) -> Outcome<Option<String>> {
    Ok(sqlx::query_scalar(statements::IMPORT_SOURCE)
        .fetch_optional(connection)
        .await?)
}

async fn begin(connection: &mut PgConnection, source: &str) -> Outcome<()> {
    let unfinished = source_of(connection).await?;
    if unfinished.as_deref() == Some(source) {
        return Ok(());
    }
    let is_free = unfinished.is_none() && next_user(connection, i64::MIN).await?.is_none();
    if is_free {
        let begun = sqlx::query(statements::IMPORT_BEGIN)
            .bind(source)
            .execute(connection)
            .await?;
        // None: another import began at the same moment.
        if begun.rows_affected() == 1 {
            return Ok(());
        }
    }
    Err(Failure::Decided(import_refused(
        source,
        unfinished.as_deref(),
    )))
}

async fn finish(connection: &mut PgConnection) -> Outcome<()> {
    let last: i64 = sqlx::query_scalar(statements::USER_ID_LAST)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query(statements::USER_ID_RAISE)
        .bind(last)
        .execute(&mut *connection)
        .await?;
    let ended = sqlx::query(statements::IMPORT_END)
        .execute(connection)
        .await?;
    if ended.rows_affected() == 0 {
        return Err(Failure::Decided(no_import("finish_import")));
    }
    Ok(())
}
