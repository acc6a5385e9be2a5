//! What operators ask of the store.

use async_trait::async_trait;
use koodtx_core::store::{MaintenanceStore, StoreError, Usage, VerifyPage, VerifyPosition};
use sqlx::PgConnection;

use crate::error::Result;
use crate::{PostgresStore, statements, verify};

#[async_trait]
impl MaintenanceStore for PostgresStore {
    async fn verify(
        &self,
        after: Option<VerifyPosition>,
        limit: usize,
    ) -> std::result::Result<VerifyPage, StoreError> {
        let limit = limit.max(1);
        let mut positions = self
            .read("verify", move |connection| {
                Box::pin(verify::positions(
                    connection,
                    after,
                    limit.saturating_add(1),
                ))
            })
            .await?;
        let more_follow = positions.len() > limit;
        positions.truncate(limit);

        let mut page = VerifyPage::default();
        for &position in &positions {
            let findings = self
                .snapshot("verify", move |connection| {
                    Box::pin(verify::verify(connection, position))
                })
                .await?;
            page.sessions += 1;
            page.records += findings.records;
            page.problems.extend(findings.problems);
        }
        page.next = positions.last().copied().filter(|_| more_follow);
        Ok(page)
    }

    async fn usage(&self) -> std::result::Result<Usage, StoreError> {
        self.read("usage", |connection| Box::pin(usage(connection)))
            .await
    }
}

/// Adds up the totals of all users. Users who push meanwhile are counted before or after.
async fn usage(connection: &mut PgConnection) -> Result<Usage> {
    let users: i64 = sqlx::query_scalar(statements::USERS_COUNT)
        .fetch_one(&mut *connection)
        .await?;
    let (sessions, records): (i64, i64) = sqlx::query_as(statements::TOTALS)
        .fetch_one(&mut *connection)
        .await?;
    let disk_bytes: i64 = sqlx::query_scalar(statements::DISK_BYTES)
        .fetch_one(connection)
        .await?;
    // Counts are never negative, whatever the type of the column could hold.
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    Ok(Usage {
        users: count(users),
        sessions: count(sessions),
        records: count(records),
        disk_bytes: count(disk_bytes),
    })
}
