//! Maintenance on sled.

use std::time::Duration;

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{
    Erasure, FoundSessions, MaintenanceStore, RepairPage, SessionFilter, SessionPosition,
    StoreError, Usage, VerifyPage,
};
use koodtx_core::time::Timestamp;

use crate::error::{Failure, Result};
use crate::key::{Key, Table};
use crate::record;
use crate::session::{self, SessionRecord};
use crate::store::Inner;
use crate::user::UserRecord;
use crate::values::{Entry, Values};
use crate::{SledStore, accounts, delete, erase, log, repair, results, tidy, verify};

#[async_trait]
impl MaintenanceStore for SledStore {
    async fn verify(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        let limit = limit.max(1);
        let work = move |inner: &_| verify::positions(inner, after, limit.saturating_add(1));
        let mut positions = self.unlocked("verify", work).await?;
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

    async fn repair(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<RepairPage, StoreError> {
        let limit = limit.max(1);
        let work = move |inner: &_| verify::positions(inner, after, limit.saturating_add(1));
        let mut positions = self.unlocked("repair", work).await?;
        let more_follow = positions.len() > limit;
        positions.truncate(limit);

        let mut page = RepairPage::default();
        for &position in &positions {
            let work = move |inner: &_| repair::repair(inner, position);
            let repaired = self.alone(position.0, "repair", work).await?;
            page.sessions += 1;
            page.repaired.extend(repaired);
        }
        page.next = positions.last().copied().filter(|_| more_follow);
        Ok(page)
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.unlocked("usage", usage).await
    }

    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<FoundSessions, StoreError> {
        self.unlocked("find_sessions", move |inner| {
            find(inner, filter, after, limit)
        })
        .await
    }

    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        self.alone(user, "purge_samples", move |inner| {
            delete::purge(inner, user, session, updated_at, now)
        })
        .await
    }

    async fn close_session(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let note = note.to_owned();
        self.alone(user, "close_session", move |inner| {
            delete::close(inner, user, session, updated_at, &note, now)
        })
        .await
    }

    async fn count_logs(&self, user: UserId, before: Timestamp) -> Result<u64, StoreError> {
        self.shared(user, "count_logs", move |inner| {
            log::count(inner, user, before)
        })
        .await
    }

    async fn purge_logs(
        &self,
        user: UserId,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64, StoreError> {
        self.alone(user, "purge_logs", move |inner| {
            log::purge(inner, user, before, limit)
        })
        .await
    }

    async fn erase_deleted(&self, limit: usize) -> Result<Erasure, StoreError> {
        const OPERATION: &str = "erase_deleted";
        let limit = limit.max(1);
        let mut erasure = Erasure::default();
        loop {
            let Some(user) = self.blocking(OPERATION, (), erase::next).await? else {
                return Ok(erasure);
            };
            let removed = usize::try_from(erasure.removed).unwrap_or(usize::MAX);
            let room = limit.saturating_sub(removed);
            if room == 0 {
                erasure.has_more = true;
                return Ok(erasure);
            }
            let step = move |inner: &Inner| erase::step(inner, user, room);
            match self.alone(user, OPERATION, step).await? {
                0 => erasure.users.push(user),
                removed => erasure.removed += removed,
            }
        }
    }

    async fn optimise(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        const OPERATION: &str = "optimise";
        let lives = self.blocking(OPERATION, (), tidy::garbage).await?;
        let rounds = move |inner: &Inner| tidy::rounds(inner, now);
        let rounds = self.blocking(OPERATION, (), rounds).await?;
        let (mut sign_ins, mut last) = (0, None);
        loop {
            let next = move |inner: &Inner| tidy::next_signed_in(inner, last);
            let Some(user) = self.blocking(OPERATION, (), next).await? else {
                break;
            };
            let expired = move |inner: &Inner| tidy::sign_ins(inner, user, now);
            sign_ins += self.alone(user, OPERATION, expired).await?;
            last = Some(user);
        }
        Ok(vec![
            format!("removed what {lives} deleted or purged sessions had left behind"),
            format!("forgot {rounds} pull rounds and {sign_ins} sign-ins that had expired"),
            "the file itself does not shrink: sled uses its free space again".to_owned(),
        ])
    }
}

/// Sessions looked at in one step.
const STEP_MAX_SESSIONS: usize = 4096;
/// How often a session that makes no sense is read anew, and how long the pause is before.
const REREADS_MAX_COUNT: usize = 10;
const REREAD_PAUSE: Duration = Duration::from_millis(2);

/// Looks at the next sessions. One that changes meanwhile is seen as it was or as it is, or as a mixture where
/// its record is long: whoever acts on it looks again with the user's lock.
fn find(
    inner: &Inner,
    filter: SessionFilter,
    after: Option<SessionPosition>,
    limit: usize,
) -> Result<FoundSessions> {
    let limit = limit.max(1);
    let mut found = FoundSessions::default();
    for (seen, entry) in verify::entries(inner, after).enumerate() {
        if seen == STEP_MAX_SESSIONS || found.sessions.len() == limit {
            return Ok(found);
        }
        let entry = entry?;
        let (user, created_at) = session::place(entry.key())?;
        found.next = Some((user, created_at));
        let Some(SessionRecord { state, .. }) = load(&inner.values, &entry)? else {
            continue;
        };
        let analysed = match filter {
            SessionFilter::Unanalysed => results::clock(&inner.values, user, created_at)?,
            _ => None,
        };
        if filter.matches(&state, analysed) {
            found.sessions.push((user, state));
        }
    }
    found.next = None;
    Ok(found)
}

/// A session that was found, read without a lock; `None` where it has gone.
///
/// A long record has several parts, which are not written at once: one that makes no sense is read anew.
fn load(values: &Values, entry: &Entry) -> Result<Option<SessionRecord>> {
    let mut loaded = SessionRecord::load(values, entry).map(Some);
    for _ in 0..REREADS_MAX_COUNT {
        if !matches!(loaded, Err(Failure::Corrupt(_))) {
            break;
        }
        std::thread::sleep(REREAD_PAUSE);
        let (user, created_at) = session::place(entry.key())?;
        loaded = SessionRecord::at(values, user, created_at);
    }
    loaded
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
