//! Exports and imports of a broken store.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::{TransferItem, TransferStore, UserExport, UserImport};

use super::broken::Hooks;
use super::inner::{Answer, Inner};

/// The honest export, item by item through a hook.
pub struct BrokenExport {
    inner: Arc<Inner>,
    hooks: Hooks,
    user: UserId,
    honest: Box<dyn UserExport>,
    /// Items that the honest export has given out.
    taken: usize,
    queue: VecDeque<TransferItem>,
}

impl BrokenExport {
    pub async fn new(inner: Arc<Inner>, hooks: Hooks, user: UserId) -> Answer<Self> {
        let honest = inner.store.export_user(user).await?;
        Ok(Self {
            inner,
            hooks,
            user,
            honest,
            taken: 0,
            queue: VecDeque::new(),
        })
    }

    /// The next item of the honest export.
    async fn take(&mut self) -> Answer<Option<TransferItem>> {
        if self.hooks.exports_late {
            self.honest = self.inner.store.export_user(self.user).await?;
            for _ in 0..self.taken {
                self.honest.next().await?;
            }
        }
        self.taken += 1;
        self.honest.next().await
    }
}

#[async_trait]
impl UserExport for BrokenExport {
    async fn next(&mut self) -> Answer<Option<TransferItem>> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Ok(Some(item));
            }
            let Some(item) = self.take().await? else {
                return Ok(None);
            };
            self.queue = (self.hooks.export)(&self.inner, self.user, item).into();
        }
    }

    async fn skip_blocks(&mut self) -> Answer<()> {
        if !self.hooks.skips_blocks {
            return Ok(());
        }
        // Taken one by one, so that a late export goes on at the right place.
        let is_block = |item: &TransferItem| matches!(item, TransferItem::Block(..));
        while self.queue.front().is_none_or(is_block) {
            if self.queue.pop_front().is_some() {
                continue;
            }
            let Some(item) = self.take().await? else {
                break;
            };
            self.queue = (self.hooks.export)(&self.inner, self.user, item).into();
        }
        Ok(())
    }
}

/// The honest import, item by item through a hook.
pub struct BrokenImport {
    inner: Arc<Inner>,
    hooks: Hooks,
    user: UserId,
    honest: Box<dyn UserImport>,
}

impl BrokenImport {
    pub fn new(inner: Arc<Inner>, hooks: Hooks, user: UserId, honest: Box<dyn UserImport>) -> Self {
        Self {
            inner,
            hooks,
            user,
            honest,
        }
    }
}

#[async_trait]
impl UserImport for BrokenImport {
    async fn holds(&mut self, session: &SessionState) -> Answer<bool> {
        let holds = self.honest.holds(session).await?;
        Ok((self.hooks.holds)(&self.inner, self.user, session, holds))
    }

    async fn write(&mut self, item: TransferItem) -> Answer<()> {
        for item in (self.hooks.import)(&self.inner, self.user, item) {
            self.honest.write(item).await?;
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Answer<()> {
        self.honest.finish().await
    }
}
