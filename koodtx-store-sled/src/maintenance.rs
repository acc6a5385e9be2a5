//! Maintenance on sled.

use async_trait::async_trait;
use koodtx_core::store::{MaintenanceStore, StoreError, Usage, VerifyPage, VerifyPosition};

use crate::error::Result;
use crate::key::{Key, Table};
use crate::record;
use crate::store::Inner;
use crate::user::UserRecord;
use crate::{SledStore, accounts, verify};

#[async_trait]
impl MaintenanceStore for SledStore {
    async fn verify(
        &self,
        after: Option<VerifyPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        let limit = limit.max(1);
        let work = move |inner: &_| verify::positions(inner, after, limit.saturating_add(1));
        let mut positions = self.blocking("verify", (), work).await?;
        let more_follow = positions.len() > limit;
        positions.truncate(limit);

        let mut page = VerifyPage::default();
        for &position in &positions {
            let work = move |inner: &_| verify::verify(inner, position);
            let findings = self.shared(position.0, "verify", work).await?;
            page.sessions += 1;
            page.records += findings.records;
            page.problems.extend(findings.problems);
        }
        page.next = positions.last().copied().filter(|_| more_follow);
        Ok(page)
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.blocking("usage", (), usage).await
    }
}

/// Adds up the counters of all users. Users who push meanwhile are counted before or after.
fn usage(inner: &Inner) -> Result<Usage> {
    let mut usage = Usage {
        users: accounts::count(&inner.values)?,
        disk_bytes: inner.journal.disk_bytes()?,
        ..Usage::default()
    };
    for entry in inner.values.scan_prefix(&Key::table(Table::User)) {
        let user: UserRecord = record::load(&inner.values, &entry?)?;
        usage.sessions += user.live;
        usage.records += user.records;
    }
    Ok(usage)
}
