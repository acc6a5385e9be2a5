//! What background work leaves behind, measured.

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{Analysis, ResultStore, StoreError, TaskRun};

use super::MeteredStore;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ResultStore> ResultStore for MeteredStore<S> {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Result<bool, StoreError> {
        self.meter
            .measure("put_analysis", self.inner.put_analysis(user, analysis))
            .await
    }

    async fn analysis(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Analysis>, StoreError> {
        self.meter
            .measure("analysis", self.inner.analysis(user, session))
            .await
    }

    async fn put_task_run(&self, run: TaskRun) -> Result<(), StoreError> {
        self.meter
            .measure("put_task_run", self.inner.put_task_run(run))
            .await
    }

    async fn task_runs(&self) -> Result<Vec<TaskRun>, StoreError> {
        self.meter
            .measure("task_runs", self.inner.task_runs())
            .await
    }
}
