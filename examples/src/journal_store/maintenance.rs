//! Maintenance: looking goes to the memory, changes through the journal.

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{
    Erasure, FoundSessions, MaintenanceStore, RepairPage, SessionFilter, SessionPosition,
    StoreError, Usage, VerifyPage,
};
use koodtx_core::time::Timestamp;

use super::JournalStore;
use super::command::Command;

#[async_trait]
impl MaintenanceStore for JournalStore {
    async fn verify(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<VerifyPage, StoreError> {
        // The journal itself was read, line by line, when the store was opened.
        self.memory.verify(after, limit).await
    }

    async fn repair(
        &self,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<RepairPage, StoreError> {
        // Counters are not in the journal: replaying it counts.
        self.memory.repair(after, limit).await
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        let disk_bytes = self.journal.lock().await.len_bytes();
        Ok(Usage {
            disk_bytes,
            ..self.memory.usage().await?
        })
    }

    async fn find_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionPosition>,
        limit: usize,
    ) -> Result<FoundSessions, StoreError> {
        self.memory.find_sessions(filter, after, limit).await
    }

    async fn purge_samples(
        &self,
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let line = move || Command::PurgeSamples {
            user,
            session,
            updated_at,
        };
        self.write("purge_samples", now, line, async move |memory| {
            memory.purge_samples(user, session, updated_at, now).await
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
        let copy = note.clone();
        let line = move || Command::CloseSession {
            user,
            session,
            updated_at,
            note: copy,
        };
        self.write("close_session", now, line, async move |memory| {
            memory
                .close_session(user, session, updated_at, &note, now)
                .await
        })
        .await
    }

    async fn count_logs(&self, user: UserId, before: Timestamp) -> Result<u64, StoreError> {
        self.memory.count_logs(user, before).await
    }

    async fn purge_logs(
        &self,
        user: UserId,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64, StoreError> {
        let line = move || Command::PurgeLogs {
            user,
            before,
            limit,
        };
        // Which entries are old depends on no clock.
        let now = Timestamp::ZERO;
        self.write("purge_logs", now, line, async move |memory| {
            memory.purge_logs(user, before, limit).await
        })
        .await
    }

    async fn erase_deleted(&self, limit: usize) -> Result<Erasure, StoreError> {
        // Removes nothing: what there was went with the account. The lines of the journal stay, so this
        // store is none for who has to erase.
        self.memory.erase_deleted(limit).await
    }

    async fn optimise(&self, _: Timestamp) -> Result<Vec<String>, StoreError> {
        Ok(vec![
            "nothing to do: a journal only grows; copy it into a new one to make it short"
                .to_owned(),
        ])
    }
}
